"""How runs of agents are looked up."""

from collections.abc import Sequence
from uuid import UUID

from domain.ai.run import AiRun
from domain.identity.permission import Permission
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader
from services.scope import find_own
from services.viewer import Viewer


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, AiRun]:
    """Return those of the runs that the viewer can see, by id."""
    viewer.require(Permission.AI_READ)
    return await find_own(reader.ai_runs, viewer, ids)


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[AiRun]:
    """Return a page of the project's runs."""
    viewer.require(Permission.AI_READ)
    return await reader.ai_runs.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many runs the whole list has, up to the limit of counting."""
    viewer.require(Permission.AI_READ)
    return await reader.ai_runs.count(viewer.project_id, listing)
