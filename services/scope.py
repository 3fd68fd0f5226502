"""What of a tenant's data a viewer can reach: the things of the viewer's project."""

from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

from domain.base import Aggregate
from domain.errors import Conflict, NotFound
from domain.identity.agent import Agent, AgentType
from domain.identity.tenant import Project
from domain.ids import AgentId
from persistence.repository import Repository
from persistence.unit_of_work import Reader
from services.viewer import Viewer

A = TypeVar("A", bound=Aggregate)


class VersionConflict(Conflict):
    """The caller has seen another version; `current` is what there is now."""

    def __init__(self, current: Aggregate, *, expected: int) -> None:
        super().__init__(
            f"The {current.kind} is at version {current.version}, not {expected}; read it again and repeat.",
            field=["expectedVersion"],
        )
        self.current = current


async def find_own(repository: Repository[A], viewer: Viewer, ids: Sequence[UUID]) -> dict[UUID, A]:
    """Return those of the ids that the viewer can see, by id."""
    found = await repository.find_many(ids)
    return {id_: one for id_, one in found.items() if _project(one) == viewer.project_id}


async def find_one(repository: Repository[A], viewer: Viewer, id_: UUID, *, field: str) -> A:
    """Return what an input refers to. Raises `NotFound` that names the input's field."""
    found = (await find_own(repository, viewer, [id_])).get(id_)
    if found is None:
        raise NotFound(f"There is no {repository.aggregate.kind} with this id.", field=[field])
    return found


async def find_agent(reader: Reader, viewer: Viewer, id_: AgentId, *, field: str) -> Agent:
    """Return the person or bot an input refers to. Raises `NotFound` that names the input's field."""
    agent = await find_one(reader.agents, viewer, id_, field=field)
    if agent.type is AgentType.SYSTEM:
        raise NotFound("There is no agent with this id.", field=[field])
    return agent


async def lock_own(
    repository: Repository[A], viewer: Viewer, id_: UUID, *, expected_version: int | None
) -> A:
    """Return the viewer's aggregate, locked for this transaction. Raises `NotFound` or `VersionConflict`."""
    found = await repository.get_for_update(id_)
    if _project(found) != viewer.project_id:
        raise NotFound(f"There is no {found.kind} with this id.", field=["id"])
    if expected_version is not None and found.version != expected_version:
        raise VersionConflict(found, expected=expected_version)
    return found


async def lock_own_project(
    repository: Repository[Project], viewer: Viewer, *, expected_version: int | None
) -> Project:
    """Return the viewer's workspace, locked for this transaction. Raises `NotFound` or `VersionConflict`."""
    found = await repository.get_for_update(viewer.project_id)
    if expected_version is not None and found.version != expected_version:
        raise VersionConflict(found, expected=expected_version)
    return found


def _project(aggregate: Aggregate) -> object:
    return getattr(aggregate, "project_id", None)
