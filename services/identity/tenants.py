"""The viewer's own tenant and project, which every viewer may see."""

from collections.abc import Sequence
from uuid import UUID

from domain.errors import NotFound
from domain.identity.permission import Permission
from domain.identity.tenant import Project, Tenant
from persistence import event_log
from persistence.unit_of_work import Reader, UnitOfWork
from services.scope import lock_own_project
from services.viewer import Viewer


async def own_tenant(reader: Reader, viewer: Viewer) -> Tenant:
    """Return the viewer's organisation. Needs no permission: the viewer belongs to it."""
    tenant = await reader.tenants.find(viewer.tenant_id)
    if tenant is None:
        raise NotFound("The organisation of this credential is gone.")
    return tenant


async def own_project(reader: Reader, viewer: Viewer) -> Project:
    """Return the viewer's workspace. Needs no permission: the viewer belongs to it."""
    project = await reader.projects.find(viewer.project_id)
    if project is None:
        raise NotFound("The project of this credential is gone.")
    return project


async def find_tenants(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Tenant]:
    """Return the viewer's organisation if it is asked for. Needs no permission, as above."""
    return {viewer.tenant_id: await own_tenant(reader, viewer)} if viewer.tenant_id in ids else {}


async def find_projects(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Project]:
    """Return the viewer's workspace if it is asked for. Needs no permission, as above."""
    return {viewer.project_id: await own_project(reader, viewer)} if viewer.project_id in ids else {}


async def set_ai_budget(
    uow: UnitOfWork, viewer: Viewer, *, microusd: int | None, expected_version: int | None
) -> Project:
    """Set what AI providers may cost the viewer's workspace in a day; None follows the installation.

    Raises `NotFound`, `VersionConflict`, or `Invalid` for an impossible budget.
    """
    viewer.require(Permission.CHANNELS_WRITE)
    project = await lock_own_project(uow.projects, viewer, expected_version=expected_version)
    project.set_ai_budget(microusd, at=uow.now)
    return project


async def event_head(reader: Reader, viewer: Viewer) -> int:
    """Return the position of the tenant's latest event in this snapshot."""
    viewer.require(Permission.EVENTS_READ)
    return await event_log.head(reader)
