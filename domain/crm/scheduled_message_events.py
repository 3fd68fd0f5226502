"""What can happen to a message that waits for its time."""

from datetime import datetime

from domain.base import Event
from domain.ids import AgentId, ChannelId, ChatId, MessageId, ScheduledMessageId


class MessageScheduled(Event, name="message.scheduled"):
    """Somebody left a message to be sent later."""

    scheduled_message_id: ScheduledMessageId
    channel_id: ChannelId
    chat_id: ChatId | None
    agent_id: AgentId | None
    send_at: datetime


class MessageScheduleUpdated(Event, name="message.schedule_updated"):
    """The time or the content of a scheduled message changed; `changes` names them."""

    scheduled_message_id: ScheduledMessageId
    channel_id: ChannelId
    chat_id: ChatId | None
    send_at: datetime
    changes: tuple[str, ...]


class MessageScheduleCancelled(Event, name="message.schedule_cancelled"):
    """A scheduled message will not be sent, because somebody said so."""

    scheduled_message_id: ScheduledMessageId
    channel_id: ChannelId
    chat_id: ChatId | None


class MessageScheduleSent(Event, name="message.schedule_sent"):
    """The time came, and the message was queued like any other."""

    scheduled_message_id: ScheduledMessageId
    channel_id: ChannelId
    chat_id: ChatId
    message_id: MessageId


class MessageScheduleFailed(Event, name="message.schedule_failed"):
    """The time came, and the message could not be sent; it is not tried again."""

    scheduled_message_id: ScheduledMessageId
    channel_id: ChannelId
    chat_id: ChatId | None
    reason: str
