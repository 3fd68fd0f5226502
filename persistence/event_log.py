"""The log of everything that happened, in one order per tenant that no reader ever sees filled in later."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import text

from domain.errors import DomainError
from persistence.leadership import Leader
from persistence.unit_of_work import Reader


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event at its place in the log; `prev` is the tenant's position before it, 0 for its first event."""

    position: int
    prev: int
    id: UUID
    type: str
    at: datetime
    logged_at: datetime
    tenant_id: UUID
    project_id: UUID | None
    aggregate_type: str
    aggregate_id: UUID
    aggregate_version: int
    payload: dict[str, Any]  # Any: JSON, each event type has its own fields.


class CursorExpired(DomainError):
    """The log no longer holds everything after the cursor; read the data again and follow from there."""

    code = "CURSOR_EXPIRED"


_COLUMNS = """
    position, tenant_prev, event_id, event_type, created_at, logged_at, tenant_id, project_id,
    aggregate_type, aggregate_id, aggregate_version, payload
"""

# Positions are drawn by one mover after the writers' commits, so a reader who saw one never finds a smaller
# one later. The identity of the outbox gives no such promise: a smaller id may be committed later.
_MOVE = """
    WITH moved AS (
        DELETE FROM outbox WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM outbox ORDER BY id LIMIT $1)
        RETURNING *
    ), placed AS MATERIALIZED (
        SELECT nextval('event_position') AS position, ordered.* FROM (SELECT * FROM moved ORDER BY id) ordered
    ), logged AS (
        INSERT INTO event_log (position, tenant_prev, event_id, tenant_id, project_id, aggregate_type,
            aggregate_id, aggregate_version, event_type, schema_version, payload, headers, class, created_at)
        SELECT position,
            coalesce(
                lag(position) OVER (PARTITION BY tenant_id ORDER BY position),
                (SELECT earlier.position FROM event_log earlier WHERE earlier.tenant_id = placed.tenant_id
                 ORDER BY earlier.position DESC LIMIT 1),
                0),
            event_id, tenant_id, project_id, aggregate_type, aggregate_id, aggregate_version, event_type,
            schema_version, payload, headers, class, created_at
        FROM placed
        RETURNING 1
    )
    SELECT count(*) FROM logged
"""


async def move(leader: Leader, *, limit: int) -> int:
    """Move the oldest events of the outbox to the log and return how many.

    Only the connection that holds the mover's lock may do this; see `persistence.leadership`.
    """
    try:
        moved: int = await leader.fetchval(_MOVE, limit)
    except asyncpg.CheckViolationError:
        # The positions ran past the last partition.
        await extend(leader)
        moved = await leader.fetchval(_MOVE, limit)
    return moved


async def extend(leader: Leader) -> None:
    """Make sure that the log has room for the positions to come. Cheap when it has."""
    await leader.execute("SELECT extend_event_log()")


async def backlog(system: "asyncpg.Pool[asyncpg.Record]") -> tuple[int, float]:
    """Return how many events wait in the outbox, and the seconds the oldest has waited."""
    row = await system.fetchrow(
        "SELECT count(*) AS depth, "
        "coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS oldest FROM outbox"
    )
    return (0, 0.0) if row is None else (row["depth"], row["oldest"])


async def following(
    system: "asyncpg.Pool[asyncpg.Record]", *, after: int, limit: int
) -> Sequence[LoggedEvent]:
    """Return the events of all tenants behind a position, for a sink."""
    rows = await system.fetch(
        f"SELECT {_COLUMNS} FROM event_log WHERE position > $1 ORDER BY position LIMIT $2",  # noqa: S608 A constant.
        after,
        limit,
    )
    return [_event(row, payload=msgspec.json.decode(row["payload"])) for row in rows]


async def heads(system: "asyncpg.Pool[asyncpg.Record]", tenants: Iterable[UUID]) -> dict[UUID, int]:
    """Return the latest position of each of those tenants that has any."""
    rows = await system.fetch(
        """
        SELECT tenant_id, last.position FROM unnest($1::uuid[]) AS tenants (tenant_id) CROSS JOIN LATERAL (
            SELECT position FROM event_log WHERE event_log.tenant_id = tenants.tenant_id
            ORDER BY position DESC LIMIT 1
        ) last
        """,
        list(tenants),
    )
    return {row["tenant_id"]: row["position"] for row in rows}


async def head(reader: Reader) -> int:
    """Return the tenant's latest position in the reader's snapshot, 0 when nothing has happened yet."""
    found = await reader.session.scalar(
        text("SELECT position FROM event_log WHERE tenant_id = :tenant ORDER BY position DESC LIMIT 1"),
        {"tenant": reader.tenant_id},
    )
    return int(found or 0)


async def page(reader: Reader, *, after: int, limit: int) -> Sequence[LoggedEvent]:
    """Return the tenant's events behind a position, oldest first.

    Raises `CursorExpired` when some of them may have left the log, or when the position lies ahead of it.
    """
    rows = await reader.session.execute(
        text(
            f"SELECT {_COLUMNS} FROM event_log "  # noqa: S608 A constant.
            "WHERE tenant_id = :tenant AND position > :after ORDER BY position LIMIT :limit"
        ),
        {"tenant": reader.tenant_id, "after": after, "limit": limit},
    )
    # The engine leaves the decoding of a textual statement's JSON to the driver, which hands out text.
    events = [_event(row, payload=_decoded(row["payload"])) for row in rows.mappings()]
    await _require_unbroken(reader, events, after=after)
    return events


async def _require_unbroken(reader: Reader, events: Sequence[LoggedEvent], *, after: int) -> None:
    if events and events[0].prev > after:
        raise CursorExpired("The cursor is older than the log; read the data again and follow from there.")
    if after == 0 or (events and events[0].prev):
        return
    if not events:
        latest = await head(reader)
        if latest == after:
            return
        if latest:
            raise CursorExpired(
                "The cursor lies ahead of the log; read the data again and follow from there."
            )
    # Nothing tells what came before: whole partitions may have gone, and with them all that this tenant had.
    if after < await _floor(reader):
        raise CursorExpired("The cursor is older than the log; read the data again and follow from there.")


async def _floor(reader: Reader) -> int:
    found = await reader.session.scalar(
        text(
            r"""
            SELECT min((regexp_match(pg_get_expr(part.relpartbound, part.oid), 'FROM \(''?(\d+)'))[1]::bigint)
            FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
            WHERE inhparent = 'event_log'::regclass
            """
        )
    )
    return int(found or 0)


def _decoded(payload: object) -> dict[str, Any]:  # Any: JSON, as above.
    return msgspec.convert(
        msgspec.json.decode(payload) if isinstance(payload, str) else payload, dict[str, Any]
    )


def _event(row: Mapping[Any, Any] | asyncpg.Record, *, payload: dict[str, Any]) -> LoggedEvent:  # Any: a row.
    return LoggedEvent(
        position=row["position"],
        prev=row["tenant_prev"],
        id=row["event_id"],
        type=row["event_type"],
        at=row["created_at"],
        logged_at=row["logged_at"],
        tenant_id=row["tenant_id"],
        project_id=row["project_id"],
        aggregate_type=row["aggregate_type"],
        aggregate_id=row["aggregate_id"],
        aggregate_version=row["aggregate_version"],
        payload=payload,
    )
