"""What can happen to a message, as events."""

from datetime import datetime

from domain.base import Event
from domain.crm.content import ContentKind
from domain.crm.message_status import MessageOrigin
from domain.ids import ChannelId, ChatId, ContactId, MessageId, SessionId


class MessageReceived(Event, name="message.received"):
    """The other side wrote."""

    message_id: MessageId
    chat_id: ChatId
    channel_id: ChannelId
    contact_id: ContactId | None
    session_id: SessionId | None
    content_kind: ContentKind
    origin: MessageOrigin


class MessageCreated(Event, name="message.created"):
    """Our side wrote: through the API, an automation, or on the phone."""

    message_id: MessageId
    chat_id: ChatId
    channel_id: ChannelId
    contact_id: ContactId | None
    session_id: SessionId | None
    content_kind: ContentKind
    origin: MessageOrigin


class MessageSending(Event, name="message.sending"):
    """A worker hands the message to WhatsApp."""

    message_id: MessageId
    chat_id: ChatId


class MessageUnconfirmed(Event, name="message.unconfirmed"):
    """WhatsApp may or may not have taken the message; it is not repeated, and an echo will settle it."""

    message_id: MessageId
    chat_id: ChatId


class MessageSent(Event, name="message.sent"):
    """WhatsApp took the message."""

    message_id: MessageId
    chat_id: ChatId


class MessageDelivered(Event, name="message.delivered"):
    """The message reached a device."""

    message_id: MessageId
    chat_id: ChatId


class MessageRead(Event, name="message.read"):
    """The message was read."""

    message_id: MessageId
    chat_id: ChatId


class MessagePlayed(Event, name="message.played"):
    """The voice note or video was played."""

    message_id: MessageId
    chat_id: ChatId


class MessageFailed(Event, name="message.failed"):
    """WhatsApp or WAHA refused the message."""

    message_id: MessageId
    chat_id: ChatId
    failure_reason: str | None


class MessageEdited(Event, name="message.edited"):
    """The wording changed."""

    message_id: MessageId
    chat_id: ChatId
    edited_at: datetime


class MessageRevoked(Event, name="message.revoked"):
    """The author, or a group admin, deleted the message for everyone."""

    message_id: MessageId
    chat_id: ChatId
    revoked_at: datetime


class MessageReactionAdded(Event, name="message.reaction_added"):
    """Somebody put an emoji on the message."""

    message_id: MessageId
    chat_id: ChatId
    contact_id: ContactId | None


class MessageReactionRemoved(Event, name="message.reaction_removed"):
    """Somebody took their emoji back."""

    message_id: MessageId
    chat_id: ChatId
    contact_id: ContactId | None


class MessageMediaStored(Event, name="message.media_stored"):
    """The message's file is available, or is known to be gone."""

    message_id: MessageId
    chat_id: ChatId
