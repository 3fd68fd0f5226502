"""An agent: who answers on our side, a person or a bot. A message needs none; the system itself is no agent."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from domain.base import Aggregate, Event
from domain.errors import require_text
from domain.ids import AgentId, ProjectId, TenantId, new_id
from domain.values import email_address

NAME_LIMIT = 200


class AgentType(Enum):
    """What kind of agent it is: AI is a language model we run, BOT a program of others.

    SYSTEM marks jobs of the installation that act for a project.
    """

    HUMAN = "HUMAN"
    BOT = "BOT"
    AI = "AI"
    SYSTEM = "SYSTEM"


class AgentCreated(Event, name="agent.created"):
    """An agent joined the project."""

    agent_id: AgentId
    type: AgentType


class AgentDeactivated(Event, name="agent.deactivated"):
    """An agent stopped answering."""

    agent_id: AgentId


@dataclass(eq=False, kw_only=True)
class Agent(Aggregate):
    """A person or bot of a project."""

    kind: ClassVar[str] = "agent"
    id: AgentId
    tenant_id: TenantId
    project_id: ProjectId
    type: AgentType
    name: str
    email: str | None = None
    is_active: bool = True
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def create(
        cls,
        *,
        tenant_id: TenantId,
        project_id: ProjectId,
        type: AgentType,  # noqa: A002 The word the API uses.
        name: str,
        email: str | None,
        at: datetime,
    ) -> "Agent":
        """Let somebody answer."""
        agent = cls(
            id=AgentId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            type=type,
            name=require_text(name, field="name", limit=NAME_LIMIT),
            email=email_address(email) if email else None,
            created_at=at,
            updated_at=at,
        )
        agent.record(AgentCreated(agent_id=agent.id, type=type), at=at)
        return agent

    def deactivate(self, *, at: datetime) -> None:
        """Stop answering; past messages keep their author."""
        if self.is_active:
            self.is_active = False
            self.record(AgentDeactivated(agent_id=self.id), at=at)
