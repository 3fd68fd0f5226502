"""A session: one service episode with a contact on one channel, bounded by silence."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar

from domain.base import Aggregate, Event
from domain.crm.escalation import Escalation
from domain.errors import Invalid, InvalidState
from domain.ids import (
    AgentId,
    ChannelId,
    ChatId,
    ContactId,
    PipelineId,
    ProjectId,
    SessionId,
    TenantId,
    new_id,
)

DEFAULT_TIMEOUT_SECONDS = 30 * 60
FEWEST_TO_SUM_UP = 3
SHORTEST_TIMEOUT_SECONDS, LONGEST_TIMEOUT_SECONDS = 60, 24 * 60 * 60


class SessionStatus(Enum):
    """Whether the episode goes on."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


class SessionEndReason(Enum):
    """Why the episode ended."""

    INACTIVITY_TIMEOUT = "INACTIVITY_TIMEOUT"
    MANUAL_CLOSE = "MANUAL_CLOSE"
    RESOLVED = "RESOLVED"
    CONTACT_REQUEST = "CONTACT_REQUEST"
    CHANNEL_CLOSED = "CHANNEL_CLOSED"


class SessionStarted(Event, name="session.started"):
    """An episode began."""

    session_id: SessionId
    contact_id: ContactId
    chat_id: ChatId
    channel_id: ChannelId
    started_at: datetime


class SessionMessageRecorded(Event, name="session.message_recorded"):
    """A message was counted in the episode."""

    session_id: SessionId
    from_contact: bool


class SessionExpiring(Event, name="session.expiring"):
    """The episode ends by silence at `timeout_at`, unless somebody writes."""

    session_id: SessionId
    contact_id: ContactId
    channel_id: ChannelId
    timeout_at: datetime


class SessionEnded(Event, name="session.ended"):
    """The episode is over."""

    session_id: SessionId
    contact_id: ContactId
    channel_id: ChannelId
    reason: SessionEndReason
    started_at: datetime
    ended_at: datetime
    message_count: int


class SessionReopened(Event, name="session.reopened"):
    """The episode goes on after all."""

    session_id: SessionId


class SessionAgentAssigned(Event, name="session.agent_assigned"):
    """Somebody is in charge of the episode now."""

    session_id: SessionId
    agent_id: AgentId
    previous_agent_id: AgentId | None


class SessionMerged(Event, name="session.merged"):
    """A late message showed that two episodes were one; the merged one is gone."""

    session_id: SessionId
    merged_session_id: SessionId


@dataclass(eq=False, kw_only=True)
class Session(Aggregate):
    """One service episode.

    Sessions that ended by silence are exactly the runs of messages whose gaps are at most `timeout_seconds`,
    in whatever order the messages arrived: late messages widen a session, and join two that they bridge.
    `ended_at` of such a session is its last activity. At most one session per channel and contact is active.
    `warning_seconds` before it ends by silence, a session says so once; `due_at` is when to look at it next, for
    the warning or the end, and None once it has ended. `summary_due_at` is when to sum it up.
    `merged_into_id` is set on a session joined to another in this very transaction and about to be removed.
    """

    kind: ClassVar[str] = "session"
    id: SessionId
    tenant_id: TenantId
    project_id: ProjectId
    channel_id: ChannelId
    chat_id: ChatId
    contact_id: ContactId
    pipeline_id: PipelineId | None = None
    status: SessionStatus
    end_reason: SessionEndReason | None = None
    started_at: datetime
    last_activity_at: datetime
    ended_at: datetime | None = None
    timeout_seconds: int
    timeout_at: datetime
    warning_seconds: int | None = None
    warned_at: datetime | None = None
    due_at: datetime | None = None
    message_count: int = 0
    contact_message_count: int = 0
    assignee_id: AgentId | None = None
    escalation: Escalation | None = None
    summary_due_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1
    merged_into_id: SessionId | None = None

    @classmethod
    def start(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        channel_id: ChannelId,
        chat_id: ChatId,
        contact_id: ContactId,
        pipeline_id: PipelineId | None,
        started_at: datetime,
        timeout_seconds: int,
        warning_seconds: int | None = None,
        at: datetime,
    ) -> "Session":
        """Begin an episode at the time of its first message."""
        session = cls(
            id=SessionId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            channel_id=channel_id,
            chat_id=chat_id,
            contact_id=contact_id,
            pipeline_id=pipeline_id,
            status=SessionStatus.ACTIVE,
            started_at=started_at,
            last_activity_at=started_at,
            timeout_seconds=timeout_seconds,
            timeout_at=started_at + timedelta(seconds=timeout_seconds),
            warning_seconds=warning_seconds,
            created_at=at,
            updated_at=at,
        )
        session._plan()
        session.record(
            SessionStarted(
                session_id=session.id,
                contact_id=contact_id,
                chat_id=chat_id,
                channel_id=channel_id,
                started_at=started_at,
            ),
            at=at,
        )
        return session

    @property
    def is_active(self) -> bool:
        """Whether the episode goes on."""
        return self.status is SessionStatus.ACTIVE

    @property
    def ended_by_silence(self) -> bool:
        """Whether only the timeout ended it, so that late messages may still widen it."""
        return self.end_reason is SessionEndReason.INACTIVITY_TIMEOUT

    def covers(self, moment: datetime) -> bool:
        """Whether a message of that time belongs to this episode."""
        silence = timedelta(seconds=self.timeout_seconds)
        if self.merged_into_id is not None or moment < self.started_at - silence:
            return False
        if self.is_active or self.ended_by_silence:
            return moment <= self.last_activity_at + silence
        return self.ended_at is not None and moment <= self.ended_at

    def count(self, moment: datetime, *, from_contact: bool, at: datetime) -> None:
        """Count a message of that time; raises nothing for late ones."""
        self.message_count += 1
        self.contact_message_count += from_contact
        self._widen(moment, moment)
        self.record(SessionMessageRecorded(session_id=self.id, from_contact=from_contact), at=at)

    def uncount(self, *, at: datetime) -> None:
        """Take back one of our messages that had been counted twice."""
        self.message_count -= 1
        self.touch(at)

    def assign(self, agent_id: AgentId, *, at: datetime) -> None:
        """Put somebody in charge; no-op if they already are."""
        self._require_active("assigned")
        if self.assignee_id != agent_id:
            previous, self.assignee_id = self.assignee_id, agent_id
            self.record(
                SessionAgentAssigned(session_id=self.id, agent_id=agent_id, previous_agent_id=previous), at=at
            )

    def escalate(self, escalation: Escalation | None, *, at: datetime) -> None:
        """Ask for a person, unless one is asked for already; None takes that back."""
        if escalation is not None and self.escalation is None:
            self.record(escalation.event(self.id, self.contact_id, self.channel_id), at=at)
        self.escalation = escalation and (self.escalation or escalation)
        self.touch(at)

    def end(self, reason: SessionEndReason, *, at: datetime) -> None:
        """End the episode; by silence it ended at its last activity, otherwise now."""
        self._require_active("ended")
        self.status = SessionStatus.ENDED
        self.end_reason = reason
        self.ended_at = self.last_activity_at if self.ended_by_silence else max(at, self.last_activity_at)
        self._plan()
        self.record(
            SessionEnded(
                session_id=self.id,
                contact_id=self.contact_id,
                channel_id=self.channel_id,
                reason=reason,
                started_at=self.started_at,
                ended_at=self.ended_at,
                message_count=self.message_count,
            ),
            at=at,
        )

    def sum_up_at(self, when: datetime | None, *, at: datetime) -> None:
        """Plan when the ended episode is summed up; None for never."""
        self.summary_due_at = when
        self.touch(at)

    def is_overdue(self, now: datetime) -> bool:
        """Whether silence has lasted longer than the timeout."""
        return self.is_active and now > self.timeout_at

    def warn_if_expiring(self, now: datetime) -> bool:
        """Say once that silence is about to end the episode, if it is; return whether it was said."""
        warning_at = self._warning_at()
        if not self.is_active or warning_at is None or now < warning_at:
            return False
        self.warned_at = now
        self._plan()
        self.record(
            SessionExpiring(
                session_id=self.id,
                contact_id=self.contact_id,
                channel_id=self.channel_id,
                timeout_at=self.timeout_at,
            ),
            at=now,
        )
        return True

    def reopen(self, *, at: datetime) -> None:
        """Continue an episode that had ended."""
        if self.is_active:
            raise InvalidState("The session is active already.")
        self.status, self.end_reason, self.ended_at = SessionStatus.ACTIVE, None, None
        self._plan()
        self.record(SessionReopened(session_id=self.id), at=at)

    def absorb(self, other: "Session", *, at: datetime) -> None:
        """Join another episode of the same contact and channel to this one; the other is removed."""
        if other.id == self.id or (other.channel_id, other.contact_id) != (self.channel_id, self.contact_id):
            raise InvalidState(f"Session {other.id} cannot be joined to {self.id}.")
        self.message_count += other.message_count
        self.contact_message_count += other.contact_message_count
        self.assignee_id = self.assignee_id or other.assignee_id
        self.escalation = self.escalation or other.escalation
        self._widen(other.started_at, other.last_activity_at)
        other.merged_into_id = self.id
        self.record(SessionMerged(session_id=self.id, merged_session_id=other.id), at=at)

    def _widen(self, first: datetime, last: datetime) -> None:
        self.started_at = min(self.started_at, first)
        if last > self.last_activity_at:
            self.last_activity_at, self.warned_at = last, None
        self.timeout_at = self.last_activity_at + timedelta(seconds=self.timeout_seconds)
        if self.ended_by_silence:
            self.ended_at = self.last_activity_at
        elif self.ended_at is not None:
            self.ended_at = max(self.ended_at, self.last_activity_at)
        self._plan()

    def _warning_at(self) -> datetime | None:
        """Return when to warn; None when nobody is to be warned, or has been."""
        if self.warning_seconds is None or self.warned_at is not None:
            return None
        return self.timeout_at - timedelta(seconds=self.warning_seconds)

    def _plan(self) -> None:
        self.due_at = (self._warning_at() or self.timeout_at) if self.is_active else None
        self.summary_due_at = self.ended_at if self.message_count >= FEWEST_TO_SUM_UP else None

    def _require_active(self, verb: str) -> None:
        if not self.is_active:
            raise InvalidState(f"Only an active session can be {verb}; this one has ended.")


def resolve_timeout(*, channel: int | None, pipeline: int | None, project: int | None) -> int:
    """Return the timeout of a new session in seconds: the channel's, else its pipeline's, else the project's."""
    return next(
        (value for value in (channel, pipeline, project) if value is not None), DEFAULT_TIMEOUT_SECONDS
    )


def checked_timeout(seconds: int, *, field: str) -> int:
    """Return the timeout if it is between one minute and one day."""
    return _within(seconds, SHORTEST_TIMEOUT_SECONDS, field=field)


def checked_warning(seconds: int, *, field: str) -> int:
    """Return how long before its end a session warns, if it is between one second and one day."""
    return _within(seconds, 1, field=field)


def join_bridged(sessions: Iterable[Session], moment: datetime, *, at: datetime) -> Session | None:
    """Return the one session that a message of that time belongs to, joining those it bridges; None if there is none.

    The active session absorbs the others; without one, the earliest does. Sessions that people ended are
    never joined to anything.
    """
    covering = sorted(
        (session for session in sessions if session.covers(moment)),
        key=lambda session: (not session.is_active, not session.ended_by_silence, session.started_at),
    )
    if not covering:
        return None
    keeper, *others = covering
    for other in others:
        if other.ended_by_silence and (keeper.is_active or keeper.ended_by_silence):
            keeper.absorb(other, at=at)
    return keeper


def file_message(
    group: list[Session],
    moment: datetime,
    *,
    from_contact: bool,
    start: Callable[[], Session],
    at: datetime,
) -> Session:
    """Count a message of that time in the session of `group` it belongs to, and return the session.

    `group` holds the sessions of one contact and channel around that time, the active one included. When none
    fits, `start` makes one, which joins the group; the older of it and the active one ends by silence.
    """
    session = join_bridged(group, moment, at=at)
    active = next((one for one in group if one.is_active and one.merged_into_id is None), None)
    if session is None:
        session = start()
        session.count(moment, from_contact=from_contact, at=at)
        if active is not None:
            older = active if active.last_activity_at < moment else session
            older.end(SessionEndReason.INACTIVITY_TIMEOUT, at=at)
        group.append(session)
        return session
    session.count(moment, from_contact=from_contact, at=at)
    if active is None and session.ended_by_silence and session.timeout_at >= at:
        session.reopen(at=at)
    return session


def _within(seconds: int, least: int, *, field: str) -> int:
    if not least <= seconds <= LONGEST_TIMEOUT_SECONDS:
        most = LONGEST_TIMEOUT_SECONDS
        raise Invalid(f"{field} is {seconds}; it must be between {least} and {most} seconds.", field=[field])
    return seconds
