"""How what WhatsApp reports changes the bursts of a chat: messages join, replies cancel, revoked messages leave.

What is decided are functions of a channel, a chat, its open bursts and a message; the rest finds those.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from domain.crm.channel import Channel
from domain.crm.chat import Chat, ChatType
from domain.crm.content import ContentKind
from domain.crm.inbound import ReceivedTyping
from domain.crm.message import Message
from domain.crm.message_group import GroupCancelReason, MessageGroup
from domain.ids import ChannelId
from persistence.crm.conversations import Conversations
from services.crm.outcome import Outcome


def join_group(held: Conversations, channel: Channel, chat: Chat, message: Message) -> None:
    """Put a message of the other side into the burst it is part of, begun if there is none."""
    if (begun := join(channel, chat, held.groups[chat.id], message, at=held.now)) is not None:
        held.add_group(begun)


def heed_reply(held: Conversations, channel: Channel, chat: Chat, message: Message) -> None:
    """Step back because one of us answered, on the phone or through another program."""
    if message.content_kind is not ContentKind.SYSTEM:
        step_back(channel, chat, held.groups[chat.id], sent_at=message.sent_at, at=held.now)


def leave_group(held: Conversations, message: Message) -> None:
    """Take a message that was deleted for everyone out of its burst."""
    leave(held.groups[message.chat_id], message, at=held.now)


def hear_typing(held: Conversations, channel_id: ChannelId, event: ReceivedTyping) -> Outcome:
    """Let a burst wait for what is being typed, where the channel wants that."""
    channel = held.channels[channel_id]
    contact = held.contact_of(channel.project_id, event.chat) if event.chat.is_person else None
    chat = (
        held.chat_of_contact.get((channel_id, contact.id))
        if contact is not None
        else held.chat_of_address.get((channel_id, str(event.chat)))
    )
    if chat is None or not wait_for_typing(channel, held.groups[chat.id], at=held.now):
        return Outcome.IGNORED
    return Outcome.FILED


def join(
    channel: Channel, chat: Chat, groups: Sequence[MessageGroup], message: Message, *, at: datetime
) -> MessageGroup | None:
    """Put a message into the burst that is written into, and return it if it had to be begun."""
    if not _groups(channel, chat) or message.content_kind is ContentKind.SYSTEM:
        return None
    rules = channel.bursts
    pending = _pending(groups)
    if pending is not None:
        pending.add(message.id, sent_at=message.sent_at, grouping=rules, at=at)
        pending.session_id = message.session_id or pending.session_id
        message.group_id = pending.id
        return None
    begun = MessageGroup.open(
        tenant_id=channel.tenant_id,
        project_id=channel.project_id,
        channel_id=channel.id,
        chat_id=chat.id,
        contact_id=chat.contact_id,
        session_id=message.session_id,
        message_id=message.id,
        sent_at=message.sent_at,
        grouping=rules,
        is_behind=any(not group.is_settled for group in groups),
        at=at,
    )
    message.group_id = begun.id
    return begun


def step_back(
    channel: Channel, chat: Chat, groups: Iterable[MessageGroup], *, sent_at: datetime, at: datetime
) -> None:
    """Cancel the bursts that a reply of that time answers, and silence the channel's agent in the chat."""
    if channel.cancels_on_reply:
        for group in groups:
            if group.is_answered_by(sent_at):
                group.cancel(GroupCancelReason.HUMAN_REPLY, at=at)
    if channel.agent_id is not None:
        chat.pause_automation(sent_at + timedelta(seconds=channel.takeover_pause_seconds), at=at)


def leave(groups: Iterable[MessageGroup], message: Message, *, at: datetime) -> None:
    """Take a message out of its burst."""
    for group in groups:
        if group.id == message.group_id:
            group.drop(message.id, at=at)


def wait_for_typing(channel: Channel, groups: Iterable[MessageGroup], *, at: datetime) -> bool:
    """Let the burst that is written into wait for what is being typed; return whether the channel wants that."""
    pending = _pending(groups)
    if pending is None or not channel.grouping.is_extended_by_typing:
        return False
    pending.hear_typing(grouping=channel.bursts, at=at)
    return True


def _groups(channel: Channel, chat: Chat) -> bool:
    return chat.type is ChatType.INDIVIDUAL or (
        chat.type is ChatType.GROUP and channel.grouping.has_group_chats
    )


def _pending(groups: Iterable[MessageGroup]) -> MessageGroup | None:
    return next((group for group in groups if group.is_pending), None)
