"""Who asks, as published."""

import strawberry

from domain.identity.permission import Permission
from domain.ids import ApiKeyId
from resolvers.identity import viewer as resolve
from schema.fields import computed, edge, plain
from schema.identity.tenant import Project, Tenant
from schema.relay import id_of


@strawberry.type(description="Who asks: the holder of an API key.")
class Viewer:
    """A `services.viewer.Viewer`."""

    id: strawberry.ID = id_of(ApiKeyId, "The id of the credential.")
    name: str = plain("What the credential is called.")
    tenant: Tenant = edge(resolve.tenant, "The organisation.")
    project: Project = edge(resolve.project, "The workspace that everything asked for belongs to.")
    permissions: list[Permission] = computed(
        lambda viewer: sorted(viewer.permissions, key=lambda permission: permission.value),
        "What the viewer may do.",
    )
