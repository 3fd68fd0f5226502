"""Sends scheduled messages at their time: each in one transaction that leaves the message and settles the schedule."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from domain.crm.scheduled_message import ScheduledMessage
from domain.ids import ScheduledMessageId, TenantId, type_id
from persistence.database import Database
from persistence.events import Cause
from persistence.outages import heed_cancellation, is_outage
from services.crm import scheduled_messages as service
from services.viewer import system_viewer

log = structlog.get_logger()

LATENESS = Histogram(
    "ventros_scheduled_message_lateness_seconds",
    "From the time a message was scheduled for to the moment it was queued.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
SETTLED = Counter(
    "ventros_scheduled_messages", "Attempts to send scheduled messages, by what came of them.", ["outcome"]
)


async def send_due(database: Database, tenant_id: TenantId, ids: Sequence[UUID]) -> list[ScheduledMessageId]:
    """Send those of a tenant's scheduled messages whose time has come, in that order; return which had some outcome.

    Raises the errors of an outage; what has no outcome by then stays due.
    """
    return [
        scheduled_message_id
        for scheduled_message_id in map(ScheduledMessageId, ids)
        if await send_one(database, tenant_id, scheduled_message_id)
    ]


async def send_one(database: Database, tenant_id: TenantId, scheduled_message_id: ScheduledMessageId) -> bool:
    """Send one if it is its time and nobody else does; return whether it was.

    The message, its place in the queue and the end of the schedule are one transaction: a worker that dies leaves
    all of them or none. Raises the errors of an outage; any other failure is noted at the schedule.
    """
    viewer, cause = system_viewer(tenant_id=tenant_id), _cause(scheduled_message_id)
    version: int | None = None
    try:
        async with database.writing(tenant_id, cause) as uow:
            scheduled = await service.claim(uow, viewer, scheduled_message_id=scheduled_message_id)
            if scheduled is None:
                return False
            version = scheduled.version
            await service.send(uow, viewer, scheduled=scheduled)
    except Exception as error:
        heed_cancellation()
        if version is None or is_outage(error):
            raise
        await _note_failure(database, tenant_id, scheduled_message_id, version=version, error=error)
    else:
        SETTLED.labels("sent").inc()
        LATENESS.observe(_seconds_late(scheduled, database.clock.now()))
    return True


async def _note_failure(
    database: Database,
    tenant_id: TenantId,
    scheduled_message_id: ScheduledMessageId,
    *,
    version: int,
    error: Exception,
) -> None:
    viewer = system_viewer(tenant_id=tenant_id)
    async with database.writing(tenant_id, _cause(scheduled_message_id)) as uow:
        scheduled = await service.note_failure(
            uow, viewer, scheduled_message_id=scheduled_message_id, version=version, error=error
        )
    if scheduled is None:
        SETTLED.labels("changed").inc()
        return
    outcome = "put_off" if scheduled.is_waiting else "failed"
    SETTLED.labels(outcome).inc()
    log.warning(
        "scheduled_message.not_sent",
        outcome=outcome,
        scheduled_message_id=type_id("sch", scheduled_message_id),
        attempt=scheduled.attempts,
        error=type(error).__name__,
    )


def _cause(scheduled_message_id: ScheduledMessageId) -> Cause:
    return Cause(correlation_id=f"scheduled_message:{scheduled_message_id}", actor="system")


def _seconds_late(scheduled: ScheduledMessage, now: datetime) -> float:
    return max((now - scheduled.send_at).total_seconds(), 0)
