"""A message: one unit of a chat, inbound or outbound, with its status, edits and reactions."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.base import Aggregate
from domain.crm.content import (
    ContentKind,
    Media,
    MediaStatus,
    MessageContent,
    media_of,
    with_media,
    with_text,
)
from domain.crm.message_edit import MessageEdit
from domain.crm.message_events import (
    MessageCreated,
    MessageDelivered,
    MessageEdited,
    MessageFailed,
    MessageMediaStored,
    MessagePlayed,
    MessageReactionAdded,
    MessageReactionRemoved,
    MessageRead,
    MessageReceived,
    MessageRevoked,
    MessageSending,
    MessageSent,
    MessageUnconfirmed,
)
from domain.crm.message_status import ACKNOWLEDGED, Ack, MessageDirection, MessageOrigin, MessageStatus
from domain.crm.reaction import Reaction, renamed
from domain.errors import InvalidState
from domain.ids import (
    AgentId,
    ChannelId,
    ChatId,
    ContactId,
    MessageGroupId,
    MessageId,
    ProjectId,
    SessionId,
    TenantId,
    new_id,
)

__all__ = [
    "Ack",
    "Message",
    "MessageDirection",
    "MessageEdit",
    "MessageOrigin",
    "MessageStatus",
    "Reaction",
    "visible_reactions",
]

REASON_LIMIT = 500

_SENDABLE = {MessageStatus.QUEUED, MessageStatus.SENDING, MessageStatus.UNCONFIRMED}


_STATUS_EVENTS: dict[
    MessageStatus,
    type[MessageSending | MessageUnconfirmed | MessageSent | MessageDelivered | MessageRead | MessagePlayed],
] = {
    MessageStatus.SENDING: MessageSending,
    MessageStatus.UNCONFIRMED: MessageUnconfirmed,
    MessageStatus.SENT: MessageSent,
    MessageStatus.DELIVERED: MessageDelivered,
    MessageStatus.READ: MessageRead,
    MessageStatus.PLAYED: MessagePlayed,
}


@dataclass(eq=False, kw_only=True)
class Message(Aggregate):
    """One unit of a chat.

    Identity on WhatsApp is (chat, direction, bare message id, sender), never the full id, whose chat part flips
    between phone and LID. `contact_id` is the person who wrote, or was written to; None for our own messages
    in groups. `group_id` is the burst it is part of. `content` keeps the original wording; `text` is the latest.
    Every change below is commutative and idempotent, because WAHA delivers facts in any order and more than once.
    """

    kind: ClassVar[str] = "message"
    id: MessageId
    tenant_id: TenantId
    project_id: ProjectId
    channel_id: ChannelId
    chat_id: ChatId
    session_id: SessionId | None = None
    group_id: MessageGroupId | None = None
    contact_id: ContactId | None = None
    agent_id: AgentId | None = None
    direction: MessageDirection
    origin: MessageOrigin
    status: MessageStatus
    content_kind: ContentKind
    content: MessageContent
    text: str | None = None
    external_id: str | None = None
    client_message_id: str | None = None
    reply_to_external_id: str | None = None
    is_forwarded: bool = False
    mentions: tuple[str, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    edits: tuple[MessageEdit, ...] = ()
    edited_at: datetime | None = None
    revoked_at: datetime | None = None
    sent_at: datetime
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    played_at: datetime | None = None
    failed_at: datetime | None = None
    failure_reason: str | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def receive(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        channel_id: ChannelId,
        chat_id: ChatId,
        contact_id: ContactId | None,
        session_id: SessionId | None,
        direction: MessageDirection,
        origin: MessageOrigin,
        content: MessageContent,
        external_id: str,
        sent_at: datetime,
        at: datetime,
        reply_to_external_id: str | None = None,
        is_forwarded: bool = False,
        mentions: tuple[str, ...] = (),
    ) -> "Message":
        """File a message that WhatsApp told us about: the other side's, or ours typed on the phone."""
        inbound = direction is MessageDirection.INBOUND
        message = cls(
            id=MessageId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            channel_id=channel_id,
            chat_id=chat_id,
            session_id=session_id,
            contact_id=contact_id,
            direction=direction,
            origin=origin,
            status=MessageStatus.RECEIVED if inbound else MessageStatus.SENT,
            content_kind=content.kind,
            content=content,
            text=content.text,
            external_id=external_id,
            reply_to_external_id=reply_to_external_id,
            is_forwarded=is_forwarded,
            mentions=mentions,
            sent_at=sent_at,
            created_at=at,
            updated_at=at,
        )
        message.record(message._birth(), at=at)
        return message

    @classmethod
    def compose(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        channel_id: ChannelId,
        chat_id: ChatId,
        contact_id: ContactId | None,
        session_id: SessionId | None,
        agent_id: AgentId | None,
        origin: MessageOrigin,
        content: MessageContent,
        client_message_id: str | None,
        reply_to_external_id: str | None,
        at: datetime,
    ) -> "Message":
        """Write a message that a worker will hand to WhatsApp."""
        message = cls(
            id=MessageId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            channel_id=channel_id,
            chat_id=chat_id,
            session_id=session_id,
            contact_id=contact_id,
            agent_id=agent_id,
            direction=MessageDirection.OUTBOUND,
            origin=origin,
            status=MessageStatus.QUEUED,
            content_kind=content.kind,
            content=content,
            text=content.text,
            client_message_id=client_message_id,
            reply_to_external_id=reply_to_external_id,
            sent_at=at,
            created_at=at,
            updated_at=at,
        )
        message.record(message._birth(), at=at)
        return message

    @property
    def is_inbound(self) -> bool:
        """Whether the other side wrote it."""
        return self.direction is MessageDirection.INBOUND

    @property
    def is_sent(self) -> bool:
        """Whether it is one of ours that WhatsApp took."""
        return not self.is_inbound and (
            MessageStatus.SENT.rank <= self.status.rank <= MessageStatus.PLAYED.rank
        )

    @property
    def current_content(self) -> MessageContent:
        """The content in its latest wording."""
        return self.content if self.text is None else with_text(self.content, self.text)

    def begin_sending(self, external_id: str | None, *, at: datetime) -> None:
        """Note that a worker is about to hand the message to WAHA, under that id if the engine takes one.

        Also for another attempt, after one that certainly had no effect: the status does not go back for it.
        """
        if self.status not in _SENDABLE:
            raise InvalidState(f"Only an unsent message can be sent; this one is {self.status.value}.")
        if external_id is not None and external_id != self.external_id:
            self.external_id = external_id
            self.touch(at)
        self._rise(MessageStatus.SENDING, at=at)

    def lose_sight(self, *, at: datetime) -> None:
        """Note that nobody knows whether WhatsApp took the message."""
        self._rise(MessageStatus.UNCONFIRMED, at=at)

    def confirm(self, external_id: str | None, *, sent_at: datetime | None, at: datetime) -> None:
        """Note that WhatsApp took the message, by WAHA's answer or by its echo.

        WhatsApp tells whole seconds; within the same second our own, finer time stays, and with it the order.
        """
        if external_id is not None and self.external_id is None:
            self.external_id = external_id
            self.touch(at)
        if sent_at is not None and sent_at != self.sent_at.replace(microsecond=sent_at.microsecond):
            self.sent_at = sent_at
            self.touch(at)
        self._rise(MessageStatus.SENT, at=at)

    def fail(self, reason: str, *, at: datetime) -> None:
        """Note that WhatsApp or WAHA refused the message."""
        if self.status.rank < MessageStatus.FAILED.rank and not self.is_inbound:
            self.status, self.failed_at, self.failure_reason = MessageStatus.FAILED, at, reason[:REASON_LIMIT]
            self.record(
                MessageFailed(message_id=self.id, chat_id=self.chat_id, failure_reason=self.failure_reason),
                at=at,
            )

    def cancel(self, *, at: datetime) -> None:
        """Withdraw a message that no worker has touched yet."""
        if self.status is not MessageStatus.QUEUED:
            raise InvalidState(f"Only a queued message can be cancelled; this one is {self.status.value}.")
        self.status = MessageStatus.CANCELLED
        self.touch(at)

    def acknowledge(self, ack: Ack, *, acked_at: datetime, at: datetime) -> None:
        """Raise the status to what WhatsApp reports; each time stamp keeps its earliest instant."""
        status = ACKNOWLEDGED.get(ack)
        if status is None or (self.is_inbound and ack.value < Ack.READ.value):
            return
        if status is MessageStatus.FAILED:
            self.fail("WhatsApp refused the message (ack ERROR).", at=acked_at)
            return
        stamps = {
            "delivered_at": not self.is_inbound and ack.value >= Ack.DEVICE.value,
            "read_at": ack.value >= Ack.READ.value,
            "played_at": ack.value >= Ack.PLAYED.value,
        }
        for name in (name for name, reached in stamps.items() if reached):
            known: datetime | None = getattr(self, name)
            if known is None or acked_at < known:
                setattr(self, name, acked_at)
                self.touch(at)
        self._rise(status, at=at)

    def edit(self, text: str | None, *, edited_at: datetime, at: datetime) -> None:
        """Take over a later wording; the newest wins whatever order they arrive in."""
        edit = MessageEdit(text=text, at=edited_at)
        if edit in self.edits:
            return
        self.edits = tuple(sorted((*self.edits, edit), key=lambda known: (known.at, known.text or "")))
        self.edited_at = self.edits[-1].at
        self.text = next(
            (known.text for known in reversed(self.edits) if known.text is not None), self.content.text
        )
        self.record(MessageEdited(message_id=self.id, chat_id=self.chat_id, edited_at=edited_at), at=at)

    def revoke(self, *, revoked_at: datetime, at: datetime) -> None:
        """Note that the message was deleted for everyone; the earliest time stays."""
        if self.revoked_at is None:
            self.revoked_at = revoked_at
            self.record(
                MessageRevoked(message_id=self.id, chat_id=self.chat_id, revoked_at=revoked_at), at=at
            )
        elif revoked_at < self.revoked_at:
            self.revoked_at = revoked_at
            self.touch(at)

    def react(self, contact_id: ContactId | None, emoji: str, *, reacted_at: datetime, at: datetime) -> None:
        """Keep one person's newest reaction; an empty emoji withdraws it."""
        reaction = Reaction(contact_id=contact_id, emoji=emoji, at=reacted_at)
        known = next((one for one in self.reactions if one.contact_id == contact_id), None)
        if known is not None and (known.at, known.emoji) >= (reacted_at, emoji):
            return
        others = [one for one in self.reactions if one.contact_id != contact_id]
        self.reactions = tuple(sorted((*others, reaction), key=lambda one: (one.at, str(one.contact_id))))
        event = MessageReactionAdded if emoji else MessageReactionRemoved
        self.record(event(message_id=self.id, chat_id=self.chat_id, contact_id=contact_id), at=at)

    def store_media(self, media: Media, *, at: datetime) -> None:
        """Describe the message's file after it was stored, or found missing; a file of that id only."""
        known = media_of(self.content)
        if known is not None and known.id == media.id and known != media:
            self.content = with_media(self.content, media)
            self.record(MessageMediaStored(message_id=self.id, chat_id=self.chat_id), at=at)

    def move(
        self, *, chat_id: ChatId, contact_id: ContactId | None, session_id: SessionId | None, at: datetime
    ) -> None:
        """Belong to another chat, contact or session, because two of them turned out to be one."""
        if (chat_id, contact_id, session_id) != (self.chat_id, self.contact_id, self.session_id):
            self.chat_id, self.contact_id, self.session_id = chat_id, contact_id, session_id
            self.touch(at)

    def absorb(self, other: "Message", *, at: datetime) -> None:
        """Take over what became known of a twin: the same WhatsApp message filed under another address form."""
        for edit in other.edits:
            self.edit(edit.text, edited_at=edit.at, at=at)
        for reaction in other.reactions:
            self.react(reaction.contact_id, reaction.emoji, reacted_at=reaction.at, at=at)
        if other.revoked_at is not None:
            self.revoke(revoked_at=other.revoked_at, at=at)
        for ack, moment in (
            (Ack.DEVICE, other.delivered_at),
            (Ack.READ, other.read_at),
            (Ack.PLAYED, other.played_at),
        ):
            if moment is not None:
                self.acknowledge(ack, acked_at=moment, at=at)
        ours, theirs = media_of(self.content), media_of(other.content)
        if ours and theirs and theirs.id is not None and ours.status is not MediaStatus.STORED:
            self.content = with_media(self.content, theirs)
            self.record(MessageMediaStored(message_id=self.id, chat_id=self.chat_id), at=at)
        self._rise(other.status, at=at)

    def rename_reactor(self, old: ContactId, new: ContactId, *, at: datetime) -> None:
        """Follow the merge of two contacts in the reactions; of one person's reactions the newest stays."""
        if any(one.contact_id == old for one in self.reactions):
            self.reactions = renamed(self.reactions, old, new)
            self.touch(at)

    def _rise(self, status: MessageStatus, *, at: datetime) -> None:
        if status.rank <= self.status.rank or self.status is MessageStatus.CANCELLED:
            return
        if self.status is MessageStatus.FAILED:
            self.failed_at = self.failure_reason = None
        self.status = status
        if (event := _STATUS_EVENTS.get(status)) is not None:
            self.record(event(message_id=self.id, chat_id=self.chat_id), at=at)

    def _birth(self) -> MessageReceived | MessageCreated:
        event = MessageReceived if self.is_inbound else MessageCreated
        return event(
            message_id=self.id,
            chat_id=self.chat_id,
            channel_id=self.channel_id,
            contact_id=self.contact_id,
            session_id=self.session_id,
            content_kind=self.content_kind,
            origin=self.origin,
        )


def visible_reactions(message: Message) -> tuple[Reaction, ...]:
    """Return the reactions that stand, oldest first."""
    return tuple(reaction for reaction in message.reactions if reaction.emoji)
