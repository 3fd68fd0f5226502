"""Answers about API keys."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.identity.agent import Agent
from domain.identity.api_key import ApiKey
from domain.identity.permission import Permission
from domain.ids import AgentId, ApiKeyId
from persistence.identity.api_keys import api_key_collection
from resolvers import connections
from resolvers.arguments import ListArguments
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.identity import api_keys as service


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just issued, and its secret."""

    api_key: ApiKey
    secret: str


async def browse(context: Context, *, arguments: ListArguments) -> Connection[ApiKey]:
    """Return a page of the project's API keys."""
    return await connections.browse(
        context, api_key_collection, service.browse, count=service.count, arguments=arguments
    )


def agent(api_key: ApiKey, context: Context) -> Awaitable[Agent | None] | None:
    """Return who writes the messages sent with the key."""
    return None if api_key.agent_id is None else context.loaders.agents.load(api_key.agent_id)


async def create(
    context: Context,
    *,
    name: str,
    scopes: Sequence[Permission],
    agent_id: str | None = None,
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Issue a key."""
    api_key, secret = await context.write(
        service.create,
        name=name,
        scopes=scopes,
        agent_id=None if agent_id is None else private(AgentId, agent_id),
        expires_at=expires_at,
    )
    return NewApiKey(api_key, secret)


async def revoke(context: Context, *, id: str) -> ApiKey:  # noqa: A002 The API's word.
    """Stop a key from working."""
    return await context.write(service.revoke, api_key_id=private(ApiKeyId, id))
