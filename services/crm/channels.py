"""What can be done with channels."""

import secrets
from collections.abc import Sequence
from typing import Unpack
from urllib.parse import urlsplit
from uuid import UUID

from domain.crm.channel import Channel
from domain.errors import Invalid, NotFound, within
from domain.identity.permission import Permission
from domain.ids import ChannelId
from persistence.paging import Listing, Page, PageRequest
from persistence.unit_of_work import Reader, UnitOfWork
from services.crm.channel_settings import Changes, Settings, settle
from services.ports import Vault
from services.scope import find_own, lock_own
from services.secrets import waha_api_key_context, webhook_hmac_key_context
from services.viewer import Viewer

URL_LIMIT, KEY_LIMIT = 2_048, 1_024
_TOKEN_BYTES, _KEY_BYTES = 24, 32


async def find(reader: Reader, viewer: Viewer, *, ids: Sequence[UUID]) -> dict[UUID, Channel]:
    """Return those of the channels that the viewer can see, by id."""
    viewer.require(Permission.CHANNELS_READ)
    found = await find_own(reader.channels, viewer, ids)
    return {id_: channel for id_, channel in found.items() if channel.deleted_at is None}


async def browse(reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest) -> Page[Channel]:
    """Return a page of the project's channels."""
    viewer.require(Permission.CHANNELS_READ)
    return await reader.channels.page(viewer.project_id, listing, request)


async def count(reader: Reader, viewer: Viewer, *, listing: Listing) -> int:
    """Return how many channels the whole list has, up to the limit of counting."""
    viewer.require(Permission.CHANNELS_READ)
    return await reader.channels.count(viewer.project_id, listing)


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    vault: Vault,
    name: str,
    waha_url: str,
    waha_session: str,
    waha_api_key: str | None,
    **settings: Unpack[Settings],
) -> tuple[Channel, str]:
    """Set up a channel; return it and the key that signs its webhooks, which is never shown again.

    Raises `AlreadyExists` when the tenant has a channel for this WAHA session, `NotFound` for an unknown pipeline
    or agent.
    """
    viewer.require(Permission.CHANNELS_WRITE)
    token, hmac_key = secrets.token_urlsafe(_TOKEN_BYTES), secrets.token_urlsafe(_KEY_BYTES)
    sealed = None
    if waha_api_key:
        sealed = vault.seal(_key(waha_api_key), context=waha_api_key_context(token))
    channel = Channel.create(
        tenant_id=viewer.tenant_id,
        project_id=viewer.project_id,
        name=name,
        waha_url=_server(waha_url),
        waha_session=waha_session,
        waha_api_key=sealed,
        webhook_token=token,
        webhook_hmac_key=vault.seal(hmac_key, context=webhook_hmac_key_context(token)),
        at=uow.now,
    )
    channel.configure(at=uow.now, **await settle(uow, viewer, channel, {**settings, "name": name}))
    return uow.channels.add(channel), hmac_key


async def connect(
    uow: UnitOfWork, viewer: Viewer, *, channel_id: ChannelId, expected_version: int | None
) -> Channel:
    """Ask a worker to connect the channel to WhatsApp. Raises `NotFound`, `VersionConflict` or `InvalidState`."""
    viewer.require(Permission.CHANNELS_WRITE)
    channel = await lock_own(uow.channels, viewer, channel_id, expected_version=expected_version)
    _refuse_deleted(channel)
    channel.request_activation(at=uow.now)
    return channel


async def update(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    channel_id: ChannelId,
    expected_version: int | None,
    **changes: Unpack[Changes],
) -> Channel:
    """Change a channel's settings. Raises `NotFound`, `VersionConflict`, or what breaks a rule."""
    viewer.require(Permission.CHANNELS_WRITE)
    channel = await lock_own(uow.channels, viewer, channel_id, expected_version=expected_version)
    _refuse_deleted(channel)
    channel.configure(at=uow.now, **await settle(uow, viewer, channel, changes))
    return channel


def _server(url: str) -> str:
    """Return the address of a WAHA server. Raises `Invalid` unless it is a plain HTTP address."""
    text = within(url.strip(), field="wahaUrl", limit=URL_LIMIT)
    try:
        parts = urlsplit(text)
        is_plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_plain = False
    if not is_plain or parts.username or parts.password or parts.query or parts.fragment or " " in text:
        raise Invalid(
            f"{text[:64]!r} is not the address of a WAHA server, such as https://waha.example.org; "
            "it may hold no user, query or fragment.",
            field=["wahaUrl"],
        )
    return text


def _key(text: str) -> str:
    """Return WAHA's API key. Raises `Invalid` for what no HTTP header can carry; the message does not repeat it."""
    within(text, field="wahaApiKey", limit=KEY_LIMIT)
    if not (text.isascii() and text.isprintable()):
        raise Invalid(
            "WAHA's API key travels in an HTTP header: it may hold only printable ASCII characters, no line break.",
            field=["wahaApiKey"],
        )
    return text


def _refuse_deleted(channel: Channel) -> None:
    if channel.deleted_at is not None:
        raise NotFound("There is no channel with this id.", field=["id"])
