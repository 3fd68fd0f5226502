"""Answers about who asks."""

from domain.identity.tenant import Project, Tenant
from resolvers.context import Context
from resolvers.cursors import event_cursor
from services.identity import tenants as service
from services.viewer import Viewer


def viewer(context: Context) -> Viewer:
    """Return who asks."""
    return context.viewer


async def tenant(_source: object, context: Context) -> Tenant:
    """Return the viewer's organisation."""
    return await context.read(service.own_tenant)


async def own_tenant(context: Context) -> Tenant:
    """Return the viewer's organisation."""
    return await context.read(service.own_tenant)


async def project(_source: object, context: Context) -> Project:
    """Return the viewer's workspace."""
    return await context.read(service.own_project)


async def event_position(context: Context) -> str:
    """Return the place in the event log that this operation's snapshot stands at."""
    return event_cursor(await context.read(service.event_head))
