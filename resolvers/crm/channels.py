"""Answers about channels."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypedDict, Unpack

from domain.crm.channel import DEFAULT_DEBOUNCE_MS, Channel
from domain.crm.pipeline import Pipeline
from domain.ids import ChannelId, PipelineId
from persistence.crm.channels import Traffic, channel_collection
from resolvers import connections
from resolvers.arguments import ListArguments
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


class Changes(TypedDict, total=False):
    """What an update may set, as clients write it."""

    name: str | None
    debounce_timeout_ms: int | None
    session_timeout_seconds: int | None
    allow_groups: bool | None
    pipeline_id: str | None


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
    debounce_timeout_ms: int | None = None,
    session_timeout_seconds: int | None = None,
    allow_groups: bool | None = None,
    pipeline_id: str | None = None,
) -> NewChannel:
    """Set up a channel."""
    channel, hmac_key = await context.write(
        service.create,
        vault=context.installation.vault,
        name=name,
        waha_url=waha_url,
        waha_session=waha_session,
        waha_api_key=waha_api_key,
        debounce_timeout_ms=DEFAULT_DEBOUNCE_MS if debounce_timeout_ms is None else debounce_timeout_ms,
        session_timeout_seconds=session_timeout_seconds,
        allow_groups=bool(allow_groups),
        pipeline_id=_pipeline_id(pipeline_id),
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
    wanted: service.Changes = {}
    if "pipeline_id" in changes:
        wanted["pipeline_id"] = _pipeline_id(changes["pipeline_id"])
    for name in ("name", "debounce_timeout_ms", "session_timeout_seconds", "allow_groups"):
        if name in changes:
            wanted[name] = changes[name]
    return await context.write(
        service.update, channel_id=private(ChannelId, id), expected_version=expected_version, **wanted
    )


def _pipeline_id(text: str | None) -> PipelineId | None:
    return None if text is None else private(PipelineId, text)
