"""Rows that somebody has to look at when their time comes: how they are found, whatever kind they are.

A row is due when its column says so; whoever looks at it settles it, or moves the time, in a transaction of
its own. So a timer that is late, early, or doubled costs nothing but time.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from domain.base import Aggregate
from domain.ids import TenantId


@dataclass(frozen=True, slots=True)
class Alarm:
    """That a row is due at an instant, for whoever keeps the timers."""

    queue: str
    tenant_id: TenantId
    row_id: UUID
    at: datetime


TIMED = {"message_group": "message_groups", "scheduled_message": "scheduled_messages"}
"""The kinds of aggregates whose `alarm_at` is told to the timers, and the queue of each."""


def alarms_of(aggregates: Iterable[Aggregate]) -> list[Alarm]:
    """Return when those that changed, and of a timed kind, are due."""
    found = []
    for one in aggregates:
        at = getattr(one, "alarm_at", None)
        if one.is_changed and at is not None and (queue := TIMED.get(one.kind)) is not None:
            found.append(Alarm(queue, TenantId(one.tenant_id), one.id, at))
    return found


@dataclass(frozen=True, kw_only=True)
class DueQueue:
    """A table with a column of instants, indexed on its own where it is not null; SQL of ours, not input.

    `ready`, about a row called `d`, leaves out rows whose time has come and that have to wait all the same, for
    something that wakes them when it happens: rows of which nothing can be done must not hide others. The system
    role must be granted the columns id, tenant_id and those named here.
    """

    name: str
    table: str
    column: str
    ready: str = "true"

    async def due(
        self, system: "asyncpg.Pool[asyncpg.Record]", *, now: datetime, limit: int
    ) -> dict[TenantId, list[UUID]]:
        """Return the rows whose time has come, by tenant, those first that have waited longest."""
        rows = await system.fetch(
            f"SELECT tenant_id, id FROM {self.table} d "  # noqa: S608 As said above.
            f"WHERE {self.column} <= $1 AND {self.ready} ORDER BY {self.column} LIMIT $2",
            now,
            limit,
        )
        found: dict[TenantId, list[UUID]] = defaultdict(list)
        for row in rows:
            found[row["tenant_id"]].append(row["id"])
        return found

    async def upcoming(
        self, system: "asyncpg.Pool[asyncpg.Record]", *, after: Alarm | None, limit: int
    ) -> list[Alarm]:
        """Return rows in the order of their times, behind one that was returned before: to set all timers anew."""
        since, id_ = (None, None) if after is None else (after.at, after.row_id)
        rows = await system.fetch(
            f"SELECT tenant_id, id, {self.column} AS at FROM {self.table} "  # noqa: S608 As said above.
            f"WHERE {self.column} IS NOT NULL "
            f"AND ($1::timestamptz IS NULL OR ({self.column}, id) > ($1, $2)) ORDER BY {self.column}, id LIMIT $3",
            since,
            id_,
            limit,
        )
        return [Alarm(self.name, row["tenant_id"], row["id"], row["at"]) for row in rows]

    async def times(
        self,
        system: "asyncpg.Pool[asyncpg.Record]",
        rows_of: Mapping[TenantId, Sequence[UUID]],
        *,
        after: datetime,
    ) -> list[Alarm]:
        """Return when those of tenants' rows are due that are due later than an instant."""
        pairs = [(tenant_id, id_) for tenant_id, ids in rows_of.items() for id_ in ids]
        rows = await system.fetch(
            # OFFSET 0 keeps each row looked up by its key, whatever the planner thinks of their number.
            "SELECT u.tenant AS tenant_id, u.id, d.at "  # noqa: S608 As said above.
            "FROM unnest($1::uuid[], $2::uuid[]) AS u (tenant, id) CROSS JOIN LATERAL ("
            f"SELECT {self.column} AS at FROM {self.table} t WHERE t.tenant_id = u.tenant AND t.id = u.id OFFSET 0"
            ") AS d WHERE d.at > $3",
            [tenant_id for tenant_id, _ in pairs],
            [id_ for _, id_ in pairs],
            after,
        )
        return [Alarm(self.name, row["tenant_id"], row["id"], row["at"]) for row in rows]

    async def next_at(self, system: "asyncpg.Pool[asyncpg.Record]") -> datetime | None:
        """Return when the next row is due; None when none waits."""
        found: datetime | None = await system.fetchval(
            f"SELECT {self.column} FROM {self.table} d "  # noqa: S608 As said above.
            f"WHERE {self.column} IS NOT NULL AND {self.ready} ORDER BY {self.column} LIMIT 1"
        )
        return found
