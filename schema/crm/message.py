"""The message as published."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.crm import message as domain
from domain.crm.message import MessageDirection, MessageOrigin, MessageStatus
from domain.ids import MessageId
from resolvers.crm import enrichments as about_files
from resolvers.crm import message_groups as about_groups
from resolvers.crm import messages as resolve
from schema.crm.chat import Chat
from schema.crm.contact import Contact
from schema.crm.content import MessageContent
from schema.crm.enrichment import Enrichment
from schema.crm.message_group import MessageGroup
from schema.crm.session import Session
from schema.fields import computed, edge, plain, represents
from schema.identity.agent import BotAgent, HumanAgent
from schema.relay import Node, id_of


@strawberry.type(description="The installation itself, or our account when nobody knows who used it.")
@represents(resolve.SystemActor)
class SystemActor:
    """An author who is nobody."""

    name: str = plain("What to show.")


Actor = Annotated[
    Contact | HumanAgent | BotAgent | SystemActor,
    strawberry.union("Actor", description="Who wrote a message."),
]


@strawberry.type(description="One person's emoji on a message.")
class Reaction:
    """A reaction that stands."""

    emoji: str = plain("The emoji.")
    contact: Contact | None = edge(resolve.contact, "Who reacted; null for our side.")
    reacted_at: datetime = computed(lambda reaction: reaction.at, "When they did.")


@strawberry.type(description="A later wording of a message.")
class MessageEdit:
    """An edit."""

    text: str | None = plain("The wording; null where WhatsApp kept it from us.")
    edited_at: datetime = computed(lambda edit: edit.at, "When it was written.")


@strawberry.type(description="One unit of a chat, from either side.")
@represents(domain.Message)
class Message(Node):
    """A message."""

    id: strawberry.ID = id_of(MessageId)
    chat: Chat = edge(resolve.chat, "The chat it is in.")
    session: Session | None = edge(resolve.session, "The session it was counted in.")
    contact: Contact | None = edge(
        resolve.contact, "The person who wrote or was written to; null for our messages in groups."
    )
    author: Actor = edge(resolve.author, "Who wrote it.")
    group: MessageGroup | None = edge(about_groups.of_message, "The burst it is part of.")
    direction: MessageDirection = plain("Which side wrote it.")
    origin: MessageOrigin = plain("How it came to be known.")
    status: MessageStatus = plain("How far it came.")
    content: MessageContent = computed(lambda message: message.current_content, "What it contains.")
    text: str | None = plain("The body or caption in its latest wording, whichever the content has.")
    enrichments: list[Enrichment] = edge(
        about_files.of_message, "What its file says, one of each kind; at most four."
    )
    external_id: str | None = plain("WhatsApp's bare message id, once known.")
    client_message_id: str | None = plain("The id the sender gave it.")
    reply_to: Annotated["Message", strawberry.lazy("schema.crm.message")] | None = edge(
        resolve.reply_to, "The message it answers, if that is known."
    )
    reactions: list[Reaction] = computed(domain.visible_reactions, "The reactions that stand, oldest first.")
    edits: list[MessageEdit] = plain("The later wordings, oldest first.")
    is_forwarded: bool = plain("Whether it was forwarded.")
    mentions: list[str] = plain("The WhatsApp addresses it mentions.")
    edited_at: datetime | None = plain("When the latest wording was written.")
    revoked_at: datetime | None = plain("When it was deleted for everyone.")
    sent_at: datetime = plain("When it was sent, by WhatsApp's clock; until then, when it was queued.")
    delivered_at: datetime | None = plain("When it reached a device.")
    read_at: datetime | None = plain("When it was read.")
    played_at: datetime | None = plain("When the voice note or video was played.")
    failed_at: datetime | None = plain("When it was refused.")
    failure_reason: str | None = plain("Why it was refused.")
    created_at: datetime = plain("When it was filed.")
    updated_at: datetime = plain("When it last changed.")
