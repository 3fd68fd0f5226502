"""An agent: who answers on our side, a person or a bot. A message needs none; the system itself is no agent."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from domain.ai.agent_settings import AgentSettings, checked_settings
from domain.base import Aggregate, Event
from domain.errors import Invalid, InvalidState, Required, require_text
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


class AgentUpdated(Event, name="agent.updated"):
    """Settings of an agent changed; `changes` names them."""

    agent_id: AgentId
    changes: tuple[str, ...]


class AgentDeactivated(Event, name="agent.deactivated"):
    """An agent stopped answering."""

    agent_id: AgentId


@dataclass(eq=False, kw_only=True)
class Agent(Aggregate):
    """A person or bot of a project; `ai` tells how an agent of type AI answers, and nobody else has it."""

    kind: ClassVar[str] = "agent"
    id: AgentId
    tenant_id: TenantId
    project_id: ProjectId
    type: AgentType
    name: str
    email: str | None = None
    is_active: bool = True
    ai: AgentSettings | None = None
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
        ai: AgentSettings | None = None,
    ) -> "Agent":
        """Let somebody answer; an agent of type AI, and no other, needs settings."""
        agent = cls(
            id=AgentId(new_id()),
            tenant_id=tenant_id,
            project_id=project_id,
            type=type,
            name=require_text(name, field="name", limit=NAME_LIMIT),
            email=email_address(email) if email else None,
            ai=_settings(type, ai),
            created_at=at,
            updated_at=at,
        )
        agent.record(AgentCreated(agent_id=agent.id, type=type), at=at)
        return agent

    def update(self, *, name: str, email: str | None, ai: AgentSettings | None, at: datetime) -> None:
        """Set what people decide about an agent; records one event that names what really changed."""
        wanted: dict[str, object] = {
            "name": require_text(name, field="name", limit=NAME_LIMIT),
            "email": email_address(email) if email else None,
            "ai": _settings(self.type, ai),
        }
        changes = tuple(key for key, value in wanted.items() if getattr(self, key) != value)
        for key in changes:
            setattr(self, key, wanted[key])
        if changes:
            self.record(AgentUpdated(agent_id=self.id, changes=changes), at=at)

    def activate(self, *, at: datetime) -> None:
        """Answer again."""
        if self.type is AgentType.AI and self.ai is None:
            raise InvalidState("An agent of type AI needs its settings first.", field=["ai"])
        if not self.is_active:
            self.is_active = True
            self.record(AgentUpdated(agent_id=self.id, changes=("is_active",)), at=at)

    def deactivate(self, *, at: datetime) -> None:
        """Stop answering; past messages keep their author."""
        if self.is_active:
            self.is_active = False
            self.record(AgentDeactivated(agent_id=self.id), at=at)


def _settings(type_: AgentType, ai: AgentSettings | None) -> AgentSettings | None:
    if type_ is AgentType.AI:
        if ai is None:
            raise Required("An agent of type AI needs settings; give ai.", field=["ai"])
        return checked_settings(ai)
    if ai is not None:
        raise Invalid(f"Only agents of type AI have settings, not one of {type_.value}.", field=["ai"])
    return None
