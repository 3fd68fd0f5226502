"""What can be done with agents; who may read sessions may read who is in charge of them."""

from collections.abc import Sequence
from uuid import UUID

from domain.errors import Invalid
from domain.identity.agent import Agent, AgentType
from domain.identity.permission import Permission
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.scope import find_own
from services.viewer import Viewer


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Agent]:
    """Return those of the agents that the viewer can see, by id."""
    viewer.require(Permission.SESSIONS_READ)
    found = await find_own(reader.agents, viewer, ids)
    return {id_: agent for id_, agent in found.items() if agent.type is not AgentType.SYSTEM}


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[Agent]:
    """Return a page of the project's agents."""
    viewer.require(Permission.SESSIONS_READ)
    return await reader.agents.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many agents the whole list has, up to the limit of counting."""
    viewer.require(Permission.SESSIONS_READ)
    return await reader.agents.count(viewer.project_id, listing)


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    type: AgentType,  # noqa: A002 The word the API uses.
    name: str,
    email: str | None,
) -> Agent:
    """Let a person or bot answer. Raises what breaks a rule."""
    viewer.require(Permission.AGENTS_WRITE)
    if type is AgentType.SYSTEM:
        raise Invalid("SYSTEM marks jobs of the installation; use HUMAN or BOT.", field=["type"])
    return uow.agents.add(
        Agent.create(
            tenant_id=viewer.tenant_id,
            project_id=viewer.project_id,
            type=type,
            name=name,
            email=email,
            at=uow.now,
        )
    )
