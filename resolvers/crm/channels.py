"""Answers about channels."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

from domain.crm.channel import Channel
from domain.crm.pipeline import Pipeline
from domain.identity.agent import Agent
from domain.ids import AgentId, ChannelId, PipelineId
from persistence.crm.channels import Traffic, channel_collection
from resolvers import connections
from resolvers.arguments import ListArguments, given
from resolvers.connections import Connection
from resolvers.context import Context
from resolvers.ids import private
from services.crm import channels as service


@dataclass(frozen=True, slots=True)
class Health:
    """How a channel does: its connection and its traffic."""

    channel: Channel
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel just set up, and the key that signs its webhooks."""

    channel: Channel
    webhook_hmac_key: str


class Settings(TypedDict, total=False):
    """What may be set besides the name, as clients write it."""

    debounce_timeout_ms: int | None
    grouping: object | None
    enrichment: object | None
    agent_id: str | None
    takeover_pause_seconds: int | None
    session_timeout_seconds: int | None
    session_warning_seconds: int | None
    allow_groups: bool | None
    pipeline_id: str | None


class Changes(Settings, total=False):
    """What an update may set."""

    name: str | None


async def one(context: Context, *, id: str) -> Channel | None:  # noqa: A002 The API's word.
    """Return the channel with that id, or None."""
    key = private(ChannelId, id)
    return (await context.read(service.find, ids=[key])).get(key)


async def browse(context: Context, *, arguments: ListArguments) -> Connection[Channel]:
    """Return a page of the project's channels."""
    return await connections.browse(
        context, channel_collection, service.browse, count=service.count, arguments=arguments
    )


def pipeline(channel: Channel, context: Context) -> Awaitable[Pipeline | None] | None:
    """Return the pipeline the channel feeds."""
    return None if channel.pipeline_id is None else context.loaders.pipelines.load(channel.pipeline_id)


def agent(channel: Channel, context: Context) -> Awaitable[Agent | None] | None:
    """Return the agent that answers on the channel."""
    return None if channel.agent_id is None else context.loaders.agents.load(channel.agent_id)


def webhook_url(channel: Channel, context: Context) -> str:
    """Return where WAHA sends the channel's events."""
    return f"{context.installation.base_url}/webhooks/waha/{channel.webhook_token}"


async def health(channel: Channel, context: Context) -> Health:
    """Return how the channel does."""
    return Health(channel, await context.loaders.traffic.load(channel.id))


def history_import(_channel: Channel, _context: Context) -> None:
    """Return the running or latest import of older messages: none has ever been started."""
    return


async def create(
    context: Context,
    *,
    name: str,
    waha_url: str,
    waha_session: str,
    waha_api_key: str | None = None,
    **settings: Unpack[Settings],
) -> NewChannel:
    """Set up a channel."""
    # Null and nothing are the same for what does not exist yet.
    wanted = _wanted({key: value for key, value in settings.items() if value is not None})
    channel, hmac_key = await context.write(
        service.create,
        vault=context.installation.vault,
        name=name,
        waha_url=waha_url,
        waha_session=waha_session,
        waha_api_key=waha_api_key,
        **wanted,
    )
    return NewChannel(channel, hmac_key)


async def connect(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
) -> Channel:
    """Ask for a connection to WhatsApp."""
    return await context.write(
        service.connect, channel_id=private(ChannelId, id), expected_version=expected_version
    )


async def update(
    context: Context,
    *,
    id: str,  # noqa: A002 The API's word.
    expected_version: int | None = None,
    **changes: Unpack[Changes],
) -> Channel:
    """Change a channel's settings."""
    return await context.write(
        service.update,
        channel_id=private(ChannelId, id),
        expected_version=expected_version,
        **_wanted(dict(changes)),
    )


def _wanted(changes: dict[str, Any]) -> Any:  # Any: the values of `Changes`, which the schema has checked.
    """Return changes as the service takes them: ids as keys, rules as those that were given."""
    if changes.get("pipeline_id") is not None:
        changes["pipeline_id"] = private(PipelineId, changes["pipeline_id"])
    if changes.get("agent_id") is not None:
        changes["agent_id"] = private(AgentId, changes["agent_id"])
    if changes.get("grouping") is not None:
        changes["grouping"] = dict(given(changes["grouping"]))
    if changes.get("enrichment") is not None:
        changes["enrichment"] = dict(given(changes["enrichment"]))
    return changes
