"""Who asks, for which project, and what they may do."""

from dataclasses import dataclass
from uuid import UUID

from domain.errors import Forbidden
from domain.identity.permission import ALL_PERMISSIONS, Permission
from domain.ids import AgentId, ProjectId, TenantId


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewer:
    """An authenticated caller. `agent_id` writes the messages the caller sends; `id` is the credential's id."""

    id: UUID
    name: str
    tenant_id: TenantId
    project_id: ProjectId
    permissions: frozenset[Permission]
    agent_id: AgentId | None = None

    def require(self, permission: Permission) -> None:
        """Raise `Forbidden` unless the caller has the permission. Every service calls this first."""
        if permission not in self.permissions:
            raise Forbidden(
                f"This needs the permission {permission.value}, which {self.name!r} lacks; "
                "use a credential that has it."
            )

    @property
    def actor(self) -> str:
        """How events name the caller."""
        return f"api_key:{self.id}"


def system_viewer(*, tenant_id: TenantId) -> Viewer:
    """Return the installation itself, acting for a tenant in a background job; it belongs to no project."""
    return Viewer(
        id=tenant_id,
        name="system",
        tenant_id=tenant_id,
        project_id=ProjectId(UUID(int=0)),
        permissions=ALL_PERMISSIONS,
    )
