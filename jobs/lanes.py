"""The lanes: loops that claim received webhooks, conversation by conversation, and file them."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic

import structlog
from prometheus_client import Counter, Histogram

from domain.crm.enrichment_routing import NOTHING, Abilities
from domain.crm.inbound import InboundEvent
from domain.ids import TenantId
from integrations.redis_feed import Listening
from persistence.bulk import Connection
from persistence.database import Database, assume_tenant
from persistence.due import Alarm
from persistence.events import Cause
from persistence.messaging import lanes
from persistence.messaging.lanes import WaitingWebhook
from persistence.outages import RACES, heed_cancellation, is_outage
from services.crm.inbound import Report
from services.crm.inbound_batch import Processed, process
from services.crm.outcome import Outcome

log = structlog.get_logger()

POLL_SECONDS = 0.25
RETRIES = 5
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 5.0
_LONGEST_SECONDS = 10.0

Translate = Callable[[bytes, datetime], InboundEvent]
"""Reads a webhook's body, received at an instant; never raises."""

SETTLED = Counter("ventros_inbox_settled", "Webhooks settled, by event and outcome.", ["event", "outcome"])
FAILED = Counter("ventros_inbox_failed", "Webhooks that could not be filed, by what follows.", ["next"])
BATCH = Histogram(
    "ventros_lane_batch_size",
    "Webhooks settled per transaction.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 1600),
)
WAITED = Histogram(
    "ventros_inbox_wait_seconds",
    "From the reception of a webhook to its filing.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)


async def run_lanes(
    database: Database,
    wakes: Listening,
    *,
    translate: Translate,
    workers: int,
    abilities: Abilities = NOTHING,
) -> None:
    """Work until cancelled, through outages of PostgreSQL; a cancelled batch rolls back and is done by others."""
    async with asyncio.TaskGroup() as group:
        for number in range(workers):
            group.create_task(_loop(database, wakes, translate, abilities), name=f"lane-{number}")


async def work_once(database: Database, *, translate: Translate, abilities: Abilities = NOTHING) -> int:
    """Settle one batch and return how many webhooks it held; 0 when nothing waits.

    A batch that fails is done again webhook by webhook, so that one bad webhook delays nobody but itself.
    """
    for _ in range(RETRIES):
        try:
            return await _batch(database, translate, abilities, one_by_one=False)
        except RACES as race:
            log.debug("lane.race", error=type(race).__name__)
        except Exception as error:
            if _is_outage(error):
                raise
            # Whatever it is, the batch is done again webhook by webhook.
            log.warning("lane.batch_failed", error=repr(error))
            break
    return await _batch(database, translate, abilities, one_by_one=True)


async def _loop(database: Database, wakes: Listening, translate: Translate, abilities: Abilities) -> None:
    pause = _PAUSE_SECONDS
    while True:
        try:
            if await work_once(database, translate=translate, abilities=abilities) == 0:
                await wakes.wait("inbox", timeout=POLL_SECONDS)
            pause = _PAUSE_SECONDS
        except Exception as error:  # noqa: BLE001 The loop outlives any outage; the webhooks wait in the inbox.
            heed_cancellation()
            log.warning("lane.paused", error=type(error).__name__, seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _is_outage(error: Exception) -> bool:
    """Whether the server is away; a statement that takes too long is a fault of what it was to do."""
    return is_outage(error) and not isinstance(error, lanes.TOO_SLOW)


async def _batch(database: Database, translate: Translate, abilities: Abilities, *, one_by_one: bool) -> int:
    settled: list[WaitingWebhook] = []
    async with database.system.acquire() as connection, connection.transaction():
        claim = await lanes.claim(connection)
        if claim is None or not claim.webhooks:
            return 0
        await assume_tenant(connection, claim.tenant_id)
        parts = [(one,) for one in claim.webhooks] if one_by_one else [claim.webhooks]
        settle = _settle_alone if one_by_one else _file
        wakes: frozenset[str] = frozenset()
        alarms: list[Alarm] = []
        stop_at = monotonic() + _LONGEST_SECONDS
        for part in parts:
            done = await settle(connection, database, claim.tenant_id, part, translate, abilities=abilities)
            wakes |= done.wakes
            alarms += done.alarms
            settled += part
            if monotonic() > stop_at:
                # What is locked so far is let go; the others are claimed anew.
                break
    BATCH.observe(len(settled))
    now = database.clock.now()
    for webhook in settled:
        WAITED.observe(max((now - webhook.received_at).total_seconds(), 0))
    for name in sorted(wakes):
        await database.wake(name)
    if alarms:
        await database.set_alarms(alarms)
    return len(settled)


async def _settle_alone(
    connection: Connection,
    database: Database,
    tenant_id: TenantId,
    webhooks: Sequence[WaitingWebhook],
    translate: Translate,
    *,
    abilities: Abilities,
) -> Processed:
    """File one webhook in a savepoint; if it fails, try it later, and in the end put it aside."""
    (webhook,) = webhooks
    try:
        async with connection.transaction():
            done = await _file(connection, database, tenant_id, webhooks, translate, abilities=abilities)
            # What would only be refused at the commit has to be refused here, where it stops no other.
            await connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            await connection.execute("SET CONSTRAINTS ALL DEFERRED")
            return done
    except Exception as error:
        if _is_outage(error):
            raise
        is_dead = await lanes.postpone(connection, webhook, error=repr(error))
        FAILED.labels("dead" if is_dead else "retry").inc()
        log.exception(
            "webhook.failed",
            webhook=webhook.event_key,
            kind=webhook.kind,
            attempt=webhook.attempts + 1,
            dead=is_dead,
        )
        return Processed(outcomes={})


async def _file(
    connection: Connection,
    database: Database,
    tenant_id: TenantId,
    webhooks: Sequence[WaitingWebhook],
    translate: Translate,
    *,
    abilities: Abilities,
) -> Processed:
    reports = [
        Report(number=one.id, channel_id=one.channel_id, event=translate(one.body, one.received_at))
        for one in webhooks
    ]
    cause = Cause(correlation_id=webhooks[0].event_key, actor="whatsapp")
    done = await process(
        connection, tenant_id, reports, now=database.clock.now(), cause=cause, abilities=abilities
    )
    await lanes.archive(
        connection, [(one.id, done.outcomes.get(one.id, Outcome.IGNORED).value) for one in webhooks]
    )
    _count(webhooks, done)
    return done


def _count(webhooks: Sequence[WaitingWebhook], done: Processed) -> None:
    for webhook in webhooks:
        SETTLED.labels(webhook.kind, done.outcomes.get(webhook.id, Outcome.IGNORED).value).inc()
