"""Answers about agents."""

from domain.identity.agent import Agent, AgentType
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
) -> Agent:
    """Let a person or bot answer."""
    return await context.write(service.create, type=type, name=name, email=email)
