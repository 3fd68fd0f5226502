"""The message that is to be sent later, as published."""

from datetime import datetime

import strawberry

from domain.crm import scheduled_message as domain
from domain.crm.scheduled_message import LatePolicy, ScheduledMessageStatus
from domain.ids import ScheduledMessageId
from domain.values import PhoneNumber
from resolvers.crm import scheduled_messages as resolve
from schema.crm.channel import Channel
from schema.crm.chat import Chat
from schema.crm.content import MessageContent
from schema.crm.message import Actor, Message
from schema.fields import edge, plain, represents
from schema.relay import Node, id_of


@strawberry.type(description="A message that is, or was, to be sent later.")
@represents(domain.ScheduledMessage)
class ScheduledMessage(Node):
    """A scheduled message."""

    id: strawberry.ID = id_of(ScheduledMessageId)
    status: ScheduledMessageStatus = plain("What became of it.")
    channel: Channel = edge(resolve.channel, "The channel it goes through.")
    chat: Chat | None = edge(
        resolve.chat, "The chat it goes to; null while there is none with the number in to."
    )
    to: PhoneNumber | None = plain("The number it goes to, if that was given instead of a chat.")
    content: MessageContent = plain("What it contains.")
    reply_to: Message | None = edge(resolve.reply_to, "The message it answers, if that is known.")
    author: Actor = edge(resolve.author, "Who scheduled it, or changed it last; it is sent as theirs.")
    client_message_id: str | None = plain("The id that the caller gave it.")
    send_at: datetime = plain("When it is to be sent.")
    late: LatePolicy = plain("What to do if nobody can send it then.")
    expires_after_seconds: int | None = plain("For how long after sendAt it is still sent, if late is SKIP.")
    message: Message | None = edge(resolve.message, "The message it became, once it is SENT.")
    failure_reason: str | None = plain("Why it FAILED.")
    attempts: int = plain("How often a worker tried to send it.")
    settled_at: datetime | None = plain("When it was sent, cancelled or given up.")
    created_at: datetime = plain("When it was scheduled.")
    updated_at: datetime = plain("When it last changed.")
    version: int = plain("Grows with every change; give it as expectedVersion.")
