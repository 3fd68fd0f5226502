"""Tenants and projects as published."""

from datetime import datetime

import strawberry

from domain.identity import tenant as domain
from domain.ids import ProjectId, TenantId
from schema.fields import plain, represents
from schema.relay import Node, id_of


@strawberry.type(description="An organisation; nobody outside it sees anything of it.")
@represents(domain.Tenant)
class Tenant(Node):
    """A tenant."""

    id: strawberry.ID = id_of(TenantId)
    name: str = plain("What it is called.")
    created_at: datetime = plain("When it was set up.")


@strawberry.type(description="A workspace of a tenant, which holds contacts, chats and channels.")
@represents(domain.Project)
class Project(Node):
    """A project."""

    id: strawberry.ID = id_of(ProjectId)
    name: str = plain("What it is called.")
    session_timeout_seconds: int = plain(
        "How much silence ends a session, in seconds, unless a channel or pipeline says otherwise."
    )
    created_at: datetime = plain("When it was set up.")
