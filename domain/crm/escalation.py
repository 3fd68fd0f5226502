"""An escalation: an AI agent asks for a person to take a session over."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from domain.base import Event
from domain.ids import AgentId, ChannelId, ContactId, SessionId

UNTIL_RESUMED = datetime(9999, 12, 31, tzinfo=UTC)
"""Until when AI agents are silent in a chat that was handed over: until a person lets them answer again."""


class EscalationCause(Enum):
    """Why a person is needed: the agent asked, it failed, or what it may cost is used up."""

    REQUESTED = "REQUESTED"
    FAILURE = "FAILURE"
    BUDGET = "BUDGET"


class SessionEscalated(Event, name="session.escalated"):
    """An AI agent handed the episode over to people."""

    session_id: SessionId
    contact_id: ContactId
    channel_id: ChannelId
    agent_id: AgentId
    cause: EscalationCause


@dataclass(frozen=True, kw_only=True, slots=True)
class Escalation:
    """That a person is needed: which agent says so, why, and since when."""

    cause: EscalationCause
    reason: str
    agent_id: AgentId
    at: datetime

    def event(self, session_id: SessionId, contact_id: ContactId, channel_id: ChannelId) -> SessionEscalated:
        """Return what is told of it."""
        return SessionEscalated(
            session_id=session_id,
            contact_id=contact_id,
            channel_id=channel_id,
            agent_id=self.agent_id,
            cause=self.cause,
        )
