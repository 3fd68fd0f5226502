"""Connects channels: configures their WAHA session, and follows the pairing of a phone."""

from collections.abc import Callable

import structlog

from domain.crm.channel import Channel, ChannelStatus
from domain.crm.inbound import SessionState
from domain.ids import ChannelId, TenantId
from integrations.errors import Ambiguous, IntegrationError, Rejected, Unavailable
from integrations.waha.client import Waha
from integrations.waha.sessions import Webhook
from persistence import upkeep
from persistence.database import Database
from persistence.events import Cause
from services.crm import upkeep as chores
from services.viewer import system_viewer

log = structlog.get_logger()

Dial = Callable[[Channel], Waha]
Subscribe = Callable[[Channel], Webhook]
"""Returns where a channel's WAHA session has to send its webhooks, and the key that signs them."""

_CAUSE = Cause(correlation_id="channels", actor="system")


async def connect_waiting(database: Database, *, dial: Dial, subscribe: Subscribe) -> int:
    """Connect every channel that somebody asked to connect; return how many were tried."""
    waiting = await upkeep.channels_in(database.system, ChannelStatus.ACTIVATING)
    for tenant_id, channel_id in waiting:
        await _connect(database, tenant_id, channel_id, dial=dial, subscribe=subscribe)
    return len(waiting)


async def follow_pairing(database: Database, *, dial: Dial) -> None:
    """Fetch the QR codes of channels that wait for a phone; a code lives for seconds only."""
    for tenant_id, channel_id in await upkeep.channels_in(database.system, ChannelStatus.CONNECTING):
        channel = await _find(database, tenant_id, channel_id)
        if channel is None:
            continue
        try:
            code = await dial(channel).qr(channel.waha_session)
        except IntegrationError:
            # Not waiting for a code, or not reachable: WAHA's next report tells.
            continue
        async with database.writing(tenant_id, _CAUSE) as uow:
            await chores.show_qr(uow, system_viewer(tenant_id=tenant_id), channel_id=channel_id, code=code)


async def _connect(
    database: Database, tenant_id: TenantId, channel_id: ChannelId, *, dial: Dial, subscribe: Subscribe
) -> None:
    channel = await _find(database, tenant_id, channel_id)
    if channel is None:
        return
    viewer = system_viewer(tenant_id=tenant_id)
    waha = dial(channel)
    try:
        info = await waha.create_or_update_session(
            channel.waha_session,
            webhook=subscribe(channel),
            metadata={"tenant.id": str(tenant_id), "channel.id": str(channel_id)},
        )
        if info.state in {SessionState.STOPPED, SessionState.FAILED}:
            await waha.restart(channel.waha_session)
            info = await waha.session(channel.waha_session) or info
    except (Rejected, Unavailable, Ambiguous) as problem:
        log.warning("channel.connect_failed", channel_id=str(channel_id), code=problem.code)
        async with database.writing(tenant_id, _CAUSE) as uow:
            await chores.fail_activation(
                uow, viewer, channel_id=channel_id, reason=f"WAHA: {problem.reason} ({problem.code})"
            )
        return
    async with database.writing(tenant_id, _CAUSE) as uow:
        await chores.report_state(
            uow,
            viewer,
            channel_id=channel_id,
            state=info.state or SessionState.STARTING,
            changed_at=uow.now,
            engine=info.engine,
            phone=info.own.address.phone if info.own is not None else None,
        )


async def _find(database: Database, tenant_id: TenantId, channel_id: ChannelId) -> Channel | None:
    async with database.reading(tenant_id) as reader:
        return await reader.channels.find(channel_id)
