"""A message group: what somebody wrote in one burst, gathered until they pause, then worked on as one input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar
from uuid import UUID

from domain.base import Aggregate
from domain.crm.grouping import Grouping
from domain.crm.message_group_events import (
    GroupCancelReason,
    MessageGroupCancelled,
    MessageGroupCompleted,
    MessageGroupCreated,
    MessageGroupExtended,
    MessageGroupFailed,
    MessageGroupProcessing,
)
from domain.errors import Conflict, InvalidState
from domain.ids import (
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

__all__ = ["GroupCancelReason", "GroupPart", "GroupStatus", "MessageGroup"]

DISPATCH_LEASE = timedelta(seconds=10)
"""How long a group waits for the worker it was handed to, before it is handed out again."""

WORK_LEASE = timedelta(seconds=60)
"""How long a worker that says nothing keeps a group."""

MOST_ATTEMPTS = 3
ERROR_LIMIT = 500


class GroupStatus(Enum):
    """How far a burst came."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupPart:
    """One message of a burst as input: its own words, and what its file says or why it says nothing.

    `text` is what the group's text has of the message: words, then what was read out of the file, else a marker
    such as `[audio]`.
    """

    message_id: MessageId
    kind: str
    sent_at: datetime
    text: str


@dataclass(eq=False, kw_only=True)
class MessageGroup(Aggregate):
    """One burst in one chat.

    At most one group of a chat is PENDING and one PROCESSING. `expires_at` is when the pause is long enough, never
    after `deadline_at`. `due_at` is when somebody has to look at the group again: at the end of its window; when
    it waited long enough for files; when the worker that has it (`token`) must be dead; None once it is settled.
    `first_sent_at` is when its oldest message was written. `text` and `parts` are set when work on it begins.
    """

    kind: ClassVar[str] = "message_group"
    id: MessageGroupId
    tenant_id: TenantId
    project_id: ProjectId
    channel_id: ChannelId
    chat_id: ChatId
    contact_id: ContactId | None = None
    session_id: SessionId | None = None
    status: GroupStatus
    cancel_reason: GroupCancelReason | None = None
    message_ids: tuple[MessageId, ...]
    first_sent_at: datetime
    opened_at: datetime
    expires_at: datetime
    deadline_at: datetime
    flushed_at: datetime | None = None
    due_at: datetime | None
    token: UUID | None = None
    attempts: int = 0
    text: str | None = None
    parts: tuple[GroupPart, ...] = ()
    error: str | None = None
    settled_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def open(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        channel_id: ChannelId,
        chat_id: ChatId,
        contact_id: ContactId | None,
        session_id: SessionId | None,
        message_id: MessageId,
        sent_at: datetime,
        grouping: Grouping,
        is_behind: bool,
        at: datetime,
    ) -> "MessageGroup":
        """Begin a group with its first message.

        Without a window the group is worked on at once, unless it `is_behind` another one of its chat.
        """
        deadline = grouping.deadline(at)
        expires_at = at if grouping.max_messages <= 1 else min(at + grouping.window, deadline)
        group = cls(
            id=MessageGroupId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            channel_id=channel_id,
            chat_id=chat_id,
            contact_id=contact_id,
            session_id=session_id,
            status=GroupStatus.PENDING,
            message_ids=(message_id,),
            first_sent_at=sent_at,
            opened_at=at,
            expires_at=expires_at,
            deadline_at=deadline,
            due_at=expires_at,
            created_at=at,
            updated_at=at,
        )
        group.record(
            MessageGroupCreated(
                message_group_id=group.id,
                chat_id=chat_id,
                channel_id=channel_id,
                contact_id=contact_id,
                expires_at=expires_at,
            ),
            at=at,
        )
        if not grouping.window and not is_behind:
            group.begin(at=at)
            # Nobody has it yet.
            group.due_at = at
        return group

    @property
    def is_pending(self) -> bool:
        """Whether more may still be written into it."""
        return self.status is GroupStatus.PENDING

    @property
    def alarm_at(self) -> datetime | None:
        """When a timer has to go off for it; the end of a lease is in no hurry, so that the sweep finds it."""
        is_leased = self.token is not None or (
            self.flushed_at is not None and self.due_at == self.flushed_at + DISPATCH_LEASE
        )
        return None if is_leased else self.due_at

    @property
    def is_settled(self) -> bool:
        """Whether nothing happens to it any more."""
        return self.status not in {GroupStatus.PENDING, GroupStatus.PROCESSING}

    @property
    def message_count(self) -> int:
        """How many messages it has."""
        return len(self.message_ids)

    def add(self, message_id: MessageId, *, sent_at: datetime, grouping: Grouping, at: datetime) -> None:
        """Take another message in and wait for the next; a full group waits no longer."""
        self._require_pending()
        if message_id in self.message_ids:
            return
        self.message_ids = (*self.message_ids, message_id)
        self.first_sent_at = min(self.first_sent_at, sent_at)
        if self.message_count >= grouping.max_messages:
            self._expire(at)
        else:
            self._extend(at + grouping.window)
        self._record_extension(at)

    def hear_typing(self, *, grouping: Grouping, at: datetime) -> None:
        """Wait for what is being typed, if the channel wants that and the group is not full."""
        before = self.expires_at
        if self.is_pending and grouping.is_extended_by_typing and at < before:
            self._extend(at + grouping.window)
            if self.expires_at > before:
                self._record_extension(at)

    def drop(self, message_id: MessageId, *, at: datetime) -> None:
        """Leave out a message that was deleted for everyone; a group without messages is cancelled."""
        if self.is_settled or message_id not in self.message_ids:
            return
        left = tuple(one for one in self.message_ids if one != message_id)
        if not left:
            self.cancel(GroupCancelReason.EMPTY, at=at)
            return
        self.message_ids = left
        self._record_extension(at)

    def replace_twins(self, twins: Mapping[MessageId, MessageId | None], *, at: datetime) -> None:
        """Follow the removal of messages that turned out to be copies; None for those that another group has."""
        followed = (twins.get(one, one) for one in self.message_ids)
        left = tuple(dict.fromkeys(one for one in followed if one is not None))
        if left and left != self.message_ids:
            self.message_ids = left
            self.touch(at)
        elif not left and not self.is_settled:
            self.cancel(GroupCancelReason.MERGED, at=at)

    def absorb(self, other: "MessageGroup", *, at: datetime) -> None:
        """Take over the messages of a group of the same chat, because two chats turned out to be one."""
        self._require_pending()
        self.message_ids = tuple(sorted({*self.message_ids, *other.message_ids}))
        self.first_sent_at = min(self.first_sent_at, other.first_sent_at)
        self._extend(other.expires_at)
        self._record_extension(at)
        other.cancel(GroupCancelReason.MERGED, at=at)

    def give_back(self, *, at: datetime) -> None:
        """Stop working on the group and begin again at once; whoever worked on it finds out."""
        self._require_processing()
        self.status, self.flushed_at, self.token, self.attempts = GroupStatus.PENDING, None, None, 0
        self.expires_at = self.due_at = self.deadline_at = at
        self.touch(at)

    def move(self, *, chat_id: ChatId, contact_id: ContactId | None, at: datetime) -> None:
        """Belong to another chat, because two of them turned out to be one."""
        self.chat_id, self.contact_id = chat_id, contact_id
        self.touch(at)

    def is_answered_by(self, sent_at: datetime) -> bool:
        """Whether a message of ours of that time came after the burst began; WhatsApp tells whole seconds."""
        # Whatever WhatsApp's clock says, what we write after the burst was filed comes after it.
        began_at = min(self.first_sent_at.replace(microsecond=0), self.opened_at)
        return not self.is_settled and sent_at >= began_at

    def flush(self, *, at: datetime) -> None:
        """Wait no longer."""
        self._require_pending()
        self._expire(at)
        self.touch(at)

    def is_due(self, now: datetime) -> bool:
        """Whether the pause has been long enough."""
        return self.is_pending and now >= self.expires_at

    def begin(self, *, at: datetime) -> None:
        """Close the group: from now on messages open another one. A worker gets it within `DISPATCH_LEASE`."""
        self._require_pending()
        self.status, self.flushed_at, self.due_at = GroupStatus.PROCESSING, at, at + DISPATCH_LEASE
        self.record(
            MessageGroupProcessing(
                message_group_id=self.id, chat_id=self.chat_id, message_count=self.message_count
            ),
            at=at,
        )

    def hand_out(self, *, at: datetime) -> None:
        """Note that the group is handed to a worker again, because nobody came back with it."""
        self.token, self.due_at = None, at + DISPATCH_LEASE
        self.touch(at)

    def wait_for_files(self, until: datetime, *, at: datetime) -> None:
        """Leave the group alone until then, or until `hurry`."""
        self._require_processing()
        self.token, self.due_at = None, until
        self.touch(at)

    def hurry(self, *, at: datetime) -> None:
        """Go on at once, because nothing is waited for any more."""
        if self.status is GroupStatus.PROCESSING and self.token is None:
            self.due_at = at
            self.touch(at)

    def take(self, token: UUID, *, at: datetime) -> bool:
        """Let one worker work on the group, and return whether it may: not while another one does.

        Each taking is an attempt; after the last one the group fails.
        """
        if self.status is not GroupStatus.PROCESSING or (
            self.token is not None and self.due_at is not None and at < self.due_at
        ):
            return False
        if self.attempts >= MOST_ATTEMPTS:
            self._fail(self.error or f"{MOST_ATTEMPTS} workers died over it.", at=at)
            return False
        self.token, self.attempts, self.due_at = token, self.attempts + 1, at + WORK_LEASE
        self.touch(at)
        return True

    def hold(self, token: UUID, *, at: datetime) -> None:
        """Keep the group for another `WORK_LEASE`. Raises `Conflict` when somebody else has it."""
        self._require_holder(token)
        self.due_at = at + WORK_LEASE
        self.touch(at)

    def read(self, parts: Sequence[GroupPart], *, at: datetime) -> None:
        """Note what the burst says, in the order it was written."""
        self.parts, self.text = tuple(parts), " ".join(part.text for part in parts if part.text)
        self.touch(at)

    def complete(self, token: UUID, *, at: datetime) -> None:
        """End the work. Raises `Conflict` when somebody else has the group."""
        self._require_holder(token)
        self.error = None
        self._settle(GroupStatus.COMPLETED, at)
        self.record(
            MessageGroupCompleted(
                message_group_id=self.id, chat_id=self.chat_id, message_count=self.message_count
            ),
            at=at,
        )

    def retry_later(self, token: UUID, *, error: str, until: datetime, at: datetime) -> None:
        """Give the group back until then, or fail it for good after the last attempt."""
        self._require_holder(token)
        self.error = error[:ERROR_LIMIT]
        if self.attempts >= MOST_ATTEMPTS:
            self._fail(error, at=at)
        else:
            self.token, self.due_at = None, until
            self.touch(at)

    def fail(self, token: UUID, *, error: str, at: datetime) -> None:
        """Give up. Raises `Conflict` when somebody else has the group."""
        self._require_holder(token)
        self._fail(error, at=at)

    def cancel(self, reason: GroupCancelReason, *, at: datetime) -> None:
        """Let nothing follow from the group; work under way finds out before it has an effect."""
        if self.is_settled:
            raise InvalidState(f"The group is {self.status.value} already.", field=["id"])
        self.cancel_reason = reason
        self._settle(GroupStatus.CANCELLED, at)
        self.record(
            MessageGroupCancelled(message_group_id=self.id, chat_id=self.chat_id, reason=reason), at=at
        )

    def _fail(self, error: str, *, at: datetime) -> None:
        self.error = error[:ERROR_LIMIT]
        self._settle(GroupStatus.FAILED, at)
        self.record(
            MessageGroupFailed(message_group_id=self.id, chat_id=self.chat_id, error=self.error), at=at
        )

    def _settle(self, status: GroupStatus, at: datetime) -> None:
        self.status, self.settled_at, self.token, self.due_at = status, at, None, None

    def _extend(self, until: datetime) -> None:
        """Wait until then, never less long than before and never past the deadline."""
        self.expires_at = min(self.deadline_at, max(self.expires_at, until))
        self.due_at = self.expires_at

    def _expire(self, at: datetime) -> None:
        self.expires_at = self.due_at = min(self.expires_at, at)
        # What comes after a flush and before the claim does not make it wait again.
        self.deadline_at = min(self.deadline_at, at)

    def _record_extension(self, at: datetime) -> None:
        self.record(
            MessageGroupExtended(
                message_group_id=self.id,
                chat_id=self.chat_id,
                message_count=self.message_count,
                expires_at=self.expires_at,
            ),
            at=at,
        )

    def _require_pending(self) -> None:
        if not self.is_pending:
            raise InvalidState(
                f"Only a PENDING group can change; this one is {self.status.value}.", field=["id"]
            )

    def _require_processing(self) -> None:
        if self.status is not GroupStatus.PROCESSING:
            raise InvalidState(f"Only a PROCESSING group is worked on; this one is {self.status.value}.")

    def _require_holder(self, token: UUID) -> None:
        if self.status is not GroupStatus.PROCESSING or self.token != token:
            raise Conflict("The group is not this worker's any more.")
