"""A scheduled message: what somebody wrote to be sent later, and what became of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar

from domain.base import Aggregate
from domain.crm import outgoing
from domain.crm.content import MessageContent
from domain.crm.scheduled_message_events import (
    MessageScheduleCancelled,
    MessageScheduled,
    MessageScheduleFailed,
    MessageScheduleSent,
    MessageScheduleUpdated,
)
from domain.errors import Invalid, InvalidState, Required, within
from domain.ids import (
    AgentId,
    ApiKeyId,
    ChannelId,
    ChatId,
    MessageId,
    ProjectId,
    ScheduledMessageId,
    TenantId,
    new_id,
)
from domain.values import PhoneNumber

SHORTEST_WAIT = timedelta(seconds=5)
"""What is to be sent sooner is sent at once, with messageSend."""

LONGEST_WAIT = timedelta(days=365)
LONGEST_PATIENCE_SECONDS = 604_800
MOST_ATTEMPTS = 10
REASON_LIMIT = 500
_LONGEST_PAUSE_SECONDS = 300


class ScheduledMessageStatus(Enum):
    """What became of a scheduled message."""

    SCHEDULED = "SCHEDULED"
    SENT = "SENT"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"


class LatePolicy(Enum):
    """What to do when nobody could send a message at its time."""

    SEND_LATE = "SEND_LATE"
    SKIP = "SKIP"


@dataclass(frozen=True, kw_only=True, slots=True)
class Author:
    """Who answers for a message: with which key it was written, and as which agent; None where there is none."""

    api_key_id: ApiKeyId | None
    agent_id: AgentId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Lateness:
    """What to do when the time has passed; `expires_after_seconds` goes with SKIP, and only with it."""

    policy: LatePolicy = LatePolicy.SEND_LATE
    expires_after_seconds: int | None = None

    def checked(self) -> "Lateness":
        """Return it, or raise `Required` or `Invalid`."""
        seconds = self.expires_after_seconds
        if self.policy is LatePolicy.SEND_LATE:
            if seconds is not None:
                raise Invalid(
                    "expiresAfterSeconds goes with late: SKIP; a message that is sent late never expires.",
                    field=["expiresAfterSeconds"],
                )
        elif seconds is None:
            raise Required("Say with expiresAfterSeconds when to SKIP it.", field=["expiresAfterSeconds"])
        elif not 1 <= seconds <= LONGEST_PATIENCE_SECONDS:
            raise Invalid(
                f"expiresAfterSeconds is {seconds}; it must be between 1 and {LONGEST_PATIENCE_SECONDS}.",
                field=["expiresAfterSeconds"],
            )
        return self


@dataclass(eq=False, kw_only=True)
class ScheduledMessage(Aggregate):
    """A message that waits for its time.

    It goes to `chat_id`, or to the number `to` on the channel, whose chat is opened when it is sent. `due_at` is
    when somebody has to look at it: at `send_at`, or later after an attempt that failed; None once it is settled.
    It is sent as `agent_id`, with what the key `api_key_id` allows at that time. `settled_at` is when it was sent,
    cancelled or given up.
    """

    kind: ClassVar[str] = "scheduled_message"
    id: ScheduledMessageId
    tenant_id: TenantId
    project_id: ProjectId
    channel_id: ChannelId
    chat_id: ChatId | None
    to: PhoneNumber | None
    content: MessageContent
    reply_to_external_id: str | None
    api_key_id: ApiKeyId | None
    agent_id: AgentId | None
    client_message_id: str | None
    send_at: datetime
    late: LatePolicy
    expires_after_seconds: int | None
    status: ScheduledMessageStatus
    due_at: datetime | None
    attempts: int = 0
    message_id: MessageId | None = None
    failure_reason: str | None = None
    settled_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def schedule(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        channel_id: ChannelId,
        chat_id: ChatId | None,
        to: PhoneNumber | None,
        content: MessageContent,
        reply_to_external_id: str | None,
        author: Author,
        client_message_id: str | None,
        send_at: datetime,
        lateness: Lateness,
        at: datetime,
    ) -> "ScheduledMessage":
        """Leave a message to be sent later. Raises what `outgoing.checked` raises, `Invalid`, `Required`, `TooLong`."""
        lateness = lateness.checked()
        if client_message_id is not None:
            within(client_message_id, field="clientMessageId", limit=outgoing.CLIENT_MESSAGE_ID_LIMIT)
        scheduled = cls(
            id=ScheduledMessageId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            channel_id=channel_id,
            chat_id=chat_id,
            to=to,
            content=outgoing.checked(content),
            reply_to_external_id=reply_to_external_id,
            api_key_id=author.api_key_id,
            agent_id=author.agent_id,
            client_message_id=client_message_id,
            send_at=checked_time(send_at, now=at),
            late=lateness.policy,
            expires_after_seconds=lateness.expires_after_seconds,
            status=ScheduledMessageStatus.SCHEDULED,
            due_at=send_at,
            created_at=at,
            updated_at=at,
        )
        scheduled.record(
            MessageScheduled(
                scheduled_message_id=scheduled.id,
                channel_id=channel_id,
                chat_id=chat_id,
                agent_id=author.agent_id,
                send_at=send_at,
            ),
            at=at,
        )
        return scheduled

    @property
    def alarm_at(self) -> datetime | None:
        """When a timer has to go off for it."""
        return self.due_at

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be sent."""
        return self.status is ScheduledMessageStatus.SCHEDULED

    def is_due(self, now: datetime) -> bool:
        """Whether somebody has to send it now."""
        return self.is_waiting and self.due_at is not None and self.due_at <= now

    def is_too_late(self, now: datetime) -> bool:
        """Whether it is not to be sent any more, because nobody could at its time."""
        seconds = self.expires_after_seconds
        return seconds is not None and now > self.send_at + timedelta(seconds=seconds)

    def change(
        self, *, send_at: datetime | None, content: MessageContent | None, author: Author, at: datetime
    ) -> None:
        """Set another time, another content, or both; whoever does answers for it from now on.

        Raises `InvalidState` for one that is settled, and what `schedule` raises.
        """
        self._require_waiting()
        send_at = self.send_at if send_at is None else checked_time(send_at, now=at)
        content = self.content if content is None else outgoing.checked(content)
        changes = tuple(
            name
            for name, value in (("send_at", send_at), ("content", content))
            if getattr(self, name) != value
        )
        if not changes:
            return
        self.content, self.send_at, self.due_at, self.attempts = content, send_at, send_at, 0
        self.api_key_id, self.agent_id = author.api_key_id, author.agent_id
        self.record(
            MessageScheduleUpdated(
                scheduled_message_id=self.id,
                channel_id=self.channel_id,
                chat_id=self.chat_id,
                send_at=send_at,
                changes=changes,
            ),
            at=at,
        )

    def cancel(self, *, at: datetime) -> None:
        """Do not send it. Raises `InvalidState` for one that is settled."""
        self._require_waiting()
        self._settle(ScheduledMessageStatus.CANCELLED, at)
        self.record(
            MessageScheduleCancelled(
                scheduled_message_id=self.id, channel_id=self.channel_id, chat_id=self.chat_id
            ),
            at=at,
        )

    def confirm(self, *, message_id: MessageId, chat_id: ChatId, at: datetime) -> None:
        """Note the message it became, and the chat, which may have been opened by it."""
        self._require_waiting()
        self.attempts += 1
        self.message_id, self.chat_id = message_id, chat_id
        self._settle(ScheduledMessageStatus.SENT, at)
        self.record(
            MessageScheduleSent(
                scheduled_message_id=self.id,
                channel_id=self.channel_id,
                chat_id=chat_id,
                message_id=message_id,
            ),
            at=at,
        )

    def fail(self, reason: str, *, at: datetime) -> None:
        """Give it up."""
        self._require_waiting()
        self.attempts += 1
        self._give_up(reason, at)

    def put_off(self, error: str, *, at: datetime) -> None:
        """Note an attempt that failed for no fault of its own: try again after a growing pause, or give up."""
        self._require_waiting()
        self.attempts += 1
        if self.attempts >= MOST_ATTEMPTS:
            self._give_up(f"{MOST_ATTEMPTS} attempts failed, the last with {error}.", at)
            return
        self.due_at = at + timedelta(seconds=min(2 ** (self.attempts - 1), _LONGEST_PAUSE_SECONDS))
        self.touch(at)

    def _give_up(self, reason: str, at: datetime) -> None:
        self.failure_reason = reason[:REASON_LIMIT]
        self._settle(ScheduledMessageStatus.FAILED, at)
        self.record(
            MessageScheduleFailed(
                scheduled_message_id=self.id,
                channel_id=self.channel_id,
                chat_id=self.chat_id,
                reason=self.failure_reason,
            ),
            at=at,
        )

    def _settle(self, status: ScheduledMessageStatus, at: datetime) -> None:
        self.status, self.settled_at, self.due_at = status, at, None

    def _require_waiting(self) -> None:
        if not self.is_waiting:
            raise InvalidState(
                f"Only a SCHEDULED message can change; this one is {self.status.value}.", field=["id"]
            )


def checked_time(send_at: datetime, *, now: datetime) -> datetime:
    """Return a time that a message can be scheduled for, or raise `Invalid`."""
    if send_at < now + SHORTEST_WAIT:
        raise Invalid(
            f"sendAt is {send_at.isoformat()}; it must lie at least {SHORTEST_WAIT.seconds} seconds ahead. "
            "Use messageSend to send at once.",
            field=["sendAt"],
        )
    if send_at > now + LONGEST_WAIT:
        raise Invalid(
            f"sendAt is {send_at.isoformat()}; it must lie at most {LONGEST_WAIT.days} days ahead.",
            field=["sendAt"],
        )
    return send_at
