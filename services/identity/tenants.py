"""The viewer's own tenant and project, which every viewer may see."""

from domain.errors import NotFound
from domain.identity.tenant import Project, Tenant
from persistence.unit_of_work import Reader
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
