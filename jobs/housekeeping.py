"""What happens by the clock: sessions end by silence, old webhooks and facts go."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from domain.ids import SessionId, TenantId
from jobs.metrics import OUTBOX_DEPTH, OUTBOX_OLDEST
from persistence import event_log, upkeep
from persistence.crm import enrichments
from persistence.database import Database
from persistence.events import Cause
from persistence.messaging import facts, lanes, media, outgoing
from services.crm import upkeep as chores
from services.viewer import system_viewer

log = structlog.get_logger()

FACTS_KEPT = timedelta(days=7)
"""How long a fact waits for its message."""

_ROWS_AT_ONCE = 5_000
_CAUSE = Cause(correlation_id="housekeeping", actor="system")

ENDED = Counter("ventros_sessions_ended_by_silence", "Sessions that ended by silence.")
INBOX_DEPTH = Gauge("ventros_inbox_depth", "Webhooks that wait to be filed.")
INBOX_OLDEST = Gauge("ventros_inbox_oldest_seconds", "How long the oldest webhook has waited.")
OUTGOING_DEPTH = Gauge("ventros_outgoing_depth", "Messages that wait to be sent or settled.")
MEDIA_DEPTH = Gauge("ventros_media_depth", "Files that wait to be fetched.")
ENRICHMENTS_DEPTH = Gauge(
    "ventros_enrichments_depth", "Files of which it waits to be found out what they say."
)
FACTS_EXPIRED = Counter("ventros_early_facts_expired", "Facts whose message never came.")


async def watch_silence(database: Database, tenant_id: TenantId, ids: Sequence[UUID]) -> list[SessionId]:
    """End those of a tenant's sessions that have been silent for too long, and return them; warn of others' ends."""
    async with database.writing(tenant_id, _CAUSE) as uow:
        ended = await chores.watch_silence(
            uow, system_viewer(tenant_id=tenant_id), session_ids=[SessionId(id_) for id_ in ids]
        )
    ENDED.inc(len(ended))
    return ended


async def expire_early_facts(database: Database) -> int:
    """Forget facts whose message never came."""
    expired = await facts.expire(database.system, before=database.clock.now() - FACTS_KEPT)
    FACTS_EXPIRED.inc(expired)
    return expired


async def prune_archive(database: Database, *, keep: timedelta) -> int:
    """Delete raw webhooks that are older than they have to be kept."""
    deleted = 0
    before = database.clock.now() - keep
    while some := await upkeep.prune_archive(database.system, before=before, limit=_ROWS_AT_ONCE):
        deleted += some
    return deleted


async def measure(database: Database) -> None:
    """Report how much work waits."""
    depth, oldest = await lanes.depth(database.system)
    INBOX_DEPTH.set(depth)
    INBOX_OLDEST.set(oldest)
    events, oldest_event = await event_log.backlog(database.system)
    OUTBOX_DEPTH.set(events)
    OUTBOX_OLDEST.set(oldest_event)
    OUTGOING_DEPTH.set(await outgoing.waiting(database.system))
    MEDIA_DEPTH.set(await media.waiting(database.system))
    ENRICHMENTS_DEPTH.set(await enrichments.waiting(database.system))
