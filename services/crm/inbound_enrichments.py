"""What follows when somebody sends a file: what it says is to be found out, as soon as it is here."""

from domain.crm.channel import Channel
from domain.crm.chat import Chat
from domain.crm.content import media_of
from domain.crm.enrichment import Enrichment
from domain.crm.enrichment_routing import is_heard, route
from domain.crm.message import Message
from persistence.crm.conversations import Conversations


def want_texts(held: Conversations, channel: Channel, chat: Chat, message: Message) -> None:
    """Ask for what the file of a customer's message says. It overlaps the window of the burst."""
    media = media_of(message.content)
    if media is None or media.id is None or not message.is_inbound:
        return
    if not is_heard(chat.type, group_chats=channel.grouping.has_group_chats):
        return
    for wanted in route(message.content, rules=channel.enrichment, abilities=held.abilities):
        enrichment = Enrichment.request(
            tenant_id=message.tenant_id,
            project_id=message.project_id,
            chat_id=message.chat_id,
            message_id=message.id,
            media_id=media.id,
            type_=wanted.kind,
            priority=wanted.priority,
            at=held.now,
        )
        if wanted.refusal is not None:
            enrichment.skip(wanted.refusal, chat_id=message.chat_id, at=held.now)
        held.enrichments.append(enrichment)
