"""What can be done with agents; who may read sessions may read who is in charge of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain.ai.agent_settings import AgentSettings
from domain.errors import Invalid, Required
from domain.identity.agent import Agent, AgentType
from domain.identity.permission import Permission
from domain.ids import AgentId
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.scope import find_agent, find_own, lock_own
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
    ai: Mapping[str, Any] | None = None,
) -> Agent:
    """Let a person, a program or a model answer; `ai` are the settings of a model. Raises what breaks a rule."""
    viewer.require(Permission.AGENTS_WRITE)
    if type is AgentType.SYSTEM:
        raise Invalid("SYSTEM marks jobs of the installation; use HUMAN, BOT or AI.", field=["type"])
    return uow.agents.add(
        Agent.create(
            tenant_id=viewer.tenant_id,
            project_id=viewer.project_id,
            type=type,
            name=name,
            email=email,
            ai=None if ai is None else _settings(None, ai),
            at=uow.now,
        )
    )


async def update(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    agent_id: AgentId,
    expected_version: int | None,
    changes: Mapping[str, Any],  # Any: the values of `name`, `email` and `ai`, those that are to change.
) -> Agent:
    """Change what is said of an agent. Raises `NotFound`, `VersionConflict`, or what breaks a rule."""
    viewer.require(Permission.AGENTS_WRITE)
    agent = await _lock(uow, viewer, agent_id, expected_version=expected_version)
    name, ai = changes.get("name", agent.name), changes.get("ai")
    if name is None:
        raise Required("name must not be empty.", field=["name"])
    agent.update(
        name=name,
        email=changes.get("email", agent.email),
        ai=agent.ai if ai is None else _settings(agent.ai, ai),
        at=uow.now,
    )
    return agent


async def activate(
    uow: UnitOfWork, viewer: Viewer, *, agent_id: AgentId, expected_version: int | None
) -> Agent:
    """Let an agent answer again. Raises `NotFound` or `VersionConflict`."""
    viewer.require(Permission.AGENTS_WRITE)
    agent = await _lock(uow, viewer, agent_id, expected_version=expected_version)
    agent.activate(at=uow.now)
    return agent


async def deactivate(
    uow: UnitOfWork, viewer: Viewer, *, agent_id: AgentId, expected_version: int | None
) -> Agent:
    """Let an agent answer no more; an AI agent stops at once. Raises `NotFound` or `VersionConflict`."""
    viewer.require(Permission.AGENTS_WRITE)
    agent = await _lock(uow, viewer, agent_id, expected_version=expected_version)
    agent.deactivate(at=uow.now)
    return agent


async def _lock(uow: UnitOfWork, viewer: Viewer, agent_id: AgentId, *, expected_version: int | None) -> Agent:
    await find_agent(uow, viewer, agent_id, field="id")
    return await lock_own(uow.agents, viewer, agent_id, expected_version=expected_version)


def _settings(
    before: AgentSettings | None,
    changes: Mapping[str, Any],  # Any: values of the settings, which the schema has checked.
) -> AgentSettings:
    """Return settings with what was given; null stands for nothing where that has a meaning, else for no change."""
    wanted = {key: value for key, value in changes.items() if value is not None or key in _CLEARABLE}
    if "tools" in wanted:
        wanted["tools"] = tuple(wanted["tools"])
    if before is not None:
        return replace(before, **wanted)
    if "instructions" not in wanted:
        raise Required("ai.instructions must not be empty.", field=["ai", "instructions"])
    return AgentSettings(**wanted)


_CLEARABLE = frozenset(
    {
        "model",
        "temperature",
        "contact_runs_per_day",
        "daily_budget_microusd",
        "fallback_message",
        "handover_message",
        "language",
    }
)
