"""A tenant: one organisation, isolated from all others; its projects hold the data."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.ai.usage import checked_budget
from domain.base import Aggregate, Event
from domain.errors import require_text
from domain.ids import ProjectId, TenantId, new_id

NAME_LIMIT = 200


class TenantCreated(Event, name="tenant.created"):
    """An organisation was set up."""

    tenant_id: TenantId


class ProjectCreated(Event, name="project.created"):
    """A workspace was set up."""

    project_id: ProjectId


class ProjectUpdated(Event, name="project.updated"):
    """Settings of a workspace changed; `changes` names them."""

    project_id: ProjectId
    changes: tuple[str, ...]


@dataclass(eq=False, kw_only=True)
class Tenant(Aggregate):
    """An organisation."""

    kind: ClassVar[str] = "tenant"
    id: TenantId
    tenant_id: TenantId
    name: str
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def create(cls, *, name: str, at: datetime) -> "Tenant":
        """Set up an organisation."""
        id_ = TenantId(new_id())
        tenant = cls(
            id=id_,
            tenant_id=id_,
            name=require_text(name, field="name", limit=NAME_LIMIT),
            created_at=at,
            updated_at=at,
        )
        tenant.record(TenantCreated(tenant_id=id_), at=at)
        return tenant


@dataclass(eq=False, kw_only=True)
class Project(Aggregate):
    """A workspace of a tenant; `session_timeout_seconds` is the default of its channels.

    `ai_daily_budget_microusd` is what AI providers may cost in a day of UTC, in millionths of a US dollar; None is
    what the installation says.
    """

    kind: ClassVar[str] = "project"
    id: ProjectId
    tenant_id: TenantId
    name: str
    session_timeout_seconds: int = 30 * 60
    ai_daily_budget_microusd: int | None = None
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @classmethod
    def create(cls, *, tenant_id: TenantId, name: str, at: datetime) -> "Project":
        """Set up a workspace."""
        project = cls(
            id=ProjectId(new_id()),
            tenant_id=tenant_id,
            name=require_text(name, field="name", limit=NAME_LIMIT),
            created_at=at,
            updated_at=at,
        )
        project.record(ProjectCreated(project_id=project.id), at=at)
        return project

    def set_ai_budget(self, microusd: int | None, *, at: datetime) -> None:
        """Set what AI providers may cost in a day; None follows the installation."""
        if checked_budget(microusd) != self.ai_daily_budget_microusd:
            self.ai_daily_budget_microusd = microusd
            self.record(ProjectUpdated(project_id=self.id, changes=("ai_daily_budget_microusd",)), at=at)
