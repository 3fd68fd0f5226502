"""Answers about agents."""

from collections.abc import Mapping
from typing import Any

from domain.ai.agent_settings import AgentSettings
from domain.identity.agent import Agent, AgentType
from domain.identity.permission import Permission
from domain.ids import AgentId
from persistence.identity.agents import agent_collection
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.identity import agents as service


async def one(context: Context, *, id: str) -> Agent | None:  # noqa: A002 The API's word.
    """Return the agent with that id, or None."""
    key = private(AgentId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[Agent]:
    """Return a page of the project's agents."""
    return await connections.browse(
        context, agent_collection, service.browse, count=service.count, arguments=arguments
    )


async def create(
    context: Context,
    *,
    name: str,
    type: AgentType,  # noqa: A002 The API's word.
    email: str | None = None,
    ai: Mapping[str, Any] | None = None,  # Any: the values of the settings that were given.
) -> Agent:
    """Let a person, a program or a model answer."""
    return await context.write(service.create, type=type, name=name, email=email, ai=ai)


async def update(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
    **changes: Any,  # Any: as above.
) -> Agent:
    """Change what is said of an agent."""
    return await context.write(
        service.update, agent_id=private(AgentId, id), expected_version=expected_version, changes=changes
    )


async def activate(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Agent:
    """Let an agent answer again."""
    return await context.write(
        service.activate, agent_id=private(AgentId, id), expected_version=expected_version
    )


async def deactivate(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Agent:
    """Let an agent answer no more."""
    return await context.write(
        service.deactivate, agent_id=private(AgentId, id), expected_version=expected_version
    )


def settings(agent: Agent, context: Context) -> AgentSettings | None:
    """Return how an agent of type AI answers."""
    context.viewer.require(Permission.AI_READ)
    return agent.ai
