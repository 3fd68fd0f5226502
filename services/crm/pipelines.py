"""What can be done with pipelines; they are part of the channels' settings."""

from collections.abc import Sequence
from uuid import UUID

from domain.crm.pipeline import Pipeline
from domain.identity.permission import Permission
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.scope import find_own
from services.viewer import Viewer


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Pipeline]:
    """Return those of the pipelines that the viewer can see, by id."""
    viewer.require(Permission.CHANNELS_READ)
    return await find_own(reader.pipelines, viewer, ids)


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[Pipeline]:
    """Return a page of the project's pipelines."""
    viewer.require(Permission.CHANNELS_READ)
    return await reader.pipelines.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many pipelines the whole list has, up to the limit of counting."""
    viewer.require(Permission.CHANNELS_READ)
    return await reader.pipelines.count(viewer.project_id, listing)


async def create(
    uow: UnitOfWork, viewer: Viewer, *, name: str, session_timeout_seconds: int | None
) -> Pipeline:
    """Set up a pipeline. Raises `AlreadyExists` for a taken name, or what breaks a rule."""
    viewer.require(Permission.PIPELINES_WRITE)
    return uow.pipelines.add(
        Pipeline.create(
            tenant_id=viewer.tenant_id,
            project_id=viewer.project_id,
            name=name,
            session_timeout_seconds=session_timeout_seconds,
            at=uow.now,
        )
    )
