"""What can happen to a burst of messages."""

from datetime import datetime
from enum import Enum

from domain.base import Event
from domain.ids import ChannelId, ChatId, ContactId, MessageGroupId


class GroupCancelReason(Enum):
    """Why nothing follows from a burst."""

    HUMAN_REPLY = "HUMAN_REPLY"
    REQUESTED = "REQUESTED"
    EMPTY = "EMPTY"
    MERGED = "MERGED"


class MessageGroupCreated(Event, name="message_group.created"):
    """Somebody began to write."""

    message_group_id: MessageGroupId
    chat_id: ChatId
    channel_id: ChannelId
    contact_id: ContactId | None
    expires_at: datetime


class MessageGroupExtended(Event, name="message_group.extended"):
    """More was written, or taken back; the group waits until `expires_at`."""

    message_group_id: MessageGroupId
    chat_id: ChatId
    message_count: int
    expires_at: datetime


class MessageGroupProcessing(Event, name="message_group.processing"):
    """The burst is over; what it says is being worked on."""

    message_group_id: MessageGroupId
    chat_id: ChatId
    message_count: int


class MessageGroupCompleted(Event, name="message_group.completed"):
    """The burst was worked on."""

    message_group_id: MessageGroupId
    chat_id: ChatId
    message_count: int


class MessageGroupFailed(Event, name="message_group.failed"):
    """The burst could not be worked on; what it says is kept."""

    message_group_id: MessageGroupId
    chat_id: ChatId
    error: str


class MessageGroupCancelled(Event, name="message_group.cancelled"):
    """Nothing follows from the burst."""

    message_group_id: MessageGroupId
    chat_id: ChatId
    reason: GroupCancelReason
