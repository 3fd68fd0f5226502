"""What can be done with sessions."""

from collections.abc import Sequence
from uuid import UUID

from domain.crm.session import Session, SessionEndReason
from domain.errors import Invalid, InvalidState
from domain.identity.permission import Permission
from domain.ids import AgentId, SessionId
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.scope import find_agent, find_own, lock_own
from services.viewer import Viewer

BY_HAND = (SessionEndReason.MANUAL_CLOSE, SessionEndReason.RESOLVED, SessionEndReason.CONTACT_REQUEST)
"""The reasons people may give; the others are found by the system."""


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Session]:
    """Return those of the sessions that the viewer can see, by id."""
    viewer.require(Permission.SESSIONS_READ)
    return await find_own(reader.sessions, viewer, ids)


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[Session]:
    """Return a page of the project's sessions."""
    viewer.require(Permission.SESSIONS_READ)
    return await reader.sessions.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many sessions the whole list has, up to the limit of counting."""
    viewer.require(Permission.SESSIONS_READ)
    return await reader.sessions.count(viewer.project_id, listing)


async def close(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    session_id: SessionId,
    reason: SessionEndReason,
    expected_version: int | None,
) -> Session:
    """End an episode by hand. Raises `NotFound`, `VersionConflict`, or `InvalidState` for one that has ended."""
    viewer.require(Permission.SESSIONS_WRITE)
    if reason not in BY_HAND:
        allowed = ", ".join(one.value for one in BY_HAND)
        raise Invalid(f"{reason.value} is found by the system; use one of {allowed}.", field=["reason"])
    session = await lock_own(uow.sessions, viewer, session_id, expected_version=expected_version)
    session.end(reason, at=uow.now)
    return session


async def assign(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    session_id: SessionId,
    agent_id: AgentId,
    expected_version: int | None,
) -> Session:
    """Put an agent in charge. Raises `NotFound`, `VersionConflict`, or `InvalidState`."""
    viewer.require(Permission.SESSIONS_WRITE)
    session = await lock_own(uow.sessions, viewer, session_id, expected_version=expected_version)
    agent = await find_agent(uow, viewer, agent_id, field="agentId")
    if not agent.is_active:
        raise InvalidState(f"{agent.name!r} does not answer any more.", field=["agentId"])
    session.assign(agent.id, at=uow.now)
    return session
