"""How what WhatsApp reports changes the bursts of a chat: messages join, replies cancel, revoked messages leave."""

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
    if not _groups(channel, chat) or message.content_kind is ContentKind.SYSTEM:
        return
    rules = channel.bursts
    pending = _pending(held, chat)
    if pending is None:
        pending = MessageGroup.open(
            tenant_id=channel.tenant_id,
            project_id=channel.project_id,
            channel_id=channel.id,
            chat_id=chat.id,
            contact_id=chat.contact_id,
            session_id=message.session_id,
            message_id=message.id,
            sent_at=message.sent_at,
            grouping=rules,
            is_behind=any(not group.is_settled for group in held.groups[chat.id]),
            at=held.now,
        )
        held.add_group(pending)
    else:
        pending.add(message.id, sent_at=message.sent_at, grouping=rules, at=held.now)
        pending.session_id = message.session_id or pending.session_id
    message.group_id = pending.id


def heed_reply(held: Conversations, channel: Channel, chat: Chat, sent_at: datetime) -> None:
    """Step back because one of us answered, on the phone or through another program."""
    step_back(channel, chat, held.groups[chat.id], sent_at=sent_at, at=held.now)


def step_back(
    channel: Channel, chat: Chat, groups: list[MessageGroup], *, sent_at: datetime, at: datetime
) -> None:
    """Cancel the bursts that a reply of that time answers, and silence the channel's agent in the chat."""
    if channel.cancels_on_reply:
        for group in groups:
            if group.is_answered_by(sent_at):
                group.cancel(GroupCancelReason.HUMAN_REPLY, at=at)
    if channel.agent_id is not None:
        chat.pause_automation(sent_at + timedelta(seconds=channel.takeover_pause_seconds), at=at)


def leave_group(held: Conversations, message: Message) -> None:
    """Take a message that was deleted for everyone out of its burst."""
    for group in held.groups[message.chat_id]:
        if group.id == message.group_id:
            group.drop(message.id, at=held.now)


def hear_typing(held: Conversations, channel_id: ChannelId, event: ReceivedTyping) -> Outcome:
    """Let a burst wait for what is being typed, where the channel wants that."""
    channel = held.channels[channel_id]
    contact = held.contact_of(channel.project_id, event.chat) if event.chat.is_person else None
    chat = (
        held.chat_of_contact.get((channel_id, contact.id))
        if contact is not None
        else held.chat_of_address.get((channel_id, str(event.chat)))
    )
    pending = None if chat is None else _pending(held, chat)
    if pending is None or not channel.grouping.is_extended_by_typing:
        return Outcome.IGNORED
    pending.hear_typing(grouping=channel.bursts, at=held.now)
    return Outcome.FILED


def _groups(channel: Channel, chat: Chat) -> bool:
    return chat.type is ChatType.INDIVIDUAL or (
        chat.type is ChatType.GROUP and channel.grouping.has_group_chats
    )


def _pending(held: Conversations, chat: Chat) -> MessageGroup | None:
    return next((group for group in held.groups[chat.id] if group.is_pending), None)
