"""Set-based reading and writing of aggregates on a driver connection, one statement per table and batch."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import Table

from domain.base import Aggregate
from domain.errors import Conflict
from persistence.types import decoder, encodable

Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)
"""A driver connection, whether opened or lent by a pool."""

A = TypeVar("A")


async def fetch(
    connection: Connection, into: type[A], table: Table, condition: str, *values: object
) -> list[A]:
    """Return the objects of a table that meet an SQL condition, which may end in ORDER BY and a lock clause."""
    statement = f"SELECT {_columns(table)} FROM {table.name} WHERE {condition}"  # noqa: S608 Ours, not input.
    rows = await connection.fetch(statement, *values)
    return [hydrate(into, table, row) for row in rows]


def hydrate(into: type[A], table: Table, row: asyncpg.Record) -> A:
    """Return the object of one row that holds every column of the table."""
    values: dict[str, Any] = dict(row.items())  # Any: whatever the driver returns for a column.
    for name, decode in _decoders(table):
        if values[name] is not None:
            values[name] = decode(values[name])
    return into(**values)


async def insert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], *, on_conflict: str = ""
) -> int:
    """Insert rows given as mappings that all have the same keys; return how many went in."""
    if not rows:
        return 0
    names = ", ".join(f'"{name}"' for name in rows[0])
    status = await connection.execute(
        f"INSERT INTO {table.name} ({names}) "  # noqa: S608 Names come from our own tables.
        f"SELECT {names} FROM json_populate_recordset(NULL::{table.name}, $1::json) {on_conflict}",
        _encoded(table, rows),
    )
    return int(status.rsplit(" ", 1)[-1])


async def insert_aggregates(connection: Connection, table: Table, aggregates: Sequence[object]) -> None:
    """Insert new objects."""
    await insert(connection, table, [_row(table, aggregate) for aggregate in aggregates])


async def update_aggregates(connection: Connection, table: Table, aggregates: Sequence[Aggregate]) -> None:
    """Update changed aggregates and raise their versions. Raises `Conflict` if any was changed meanwhile."""
    if not aggregates:
        return
    names = [column.name for column in table.columns if column.name not in {"tenant_id", "id", "created_at"}]
    targets = ", ".join(names)
    sources = ", ".join(f"u.{name}" for name in names)
    for aggregate in aggregates:
        aggregate.version += 1
    status = await connection.execute(
        f"UPDATE {table.name} t SET ({targets}) = ROW({sources}) "  # noqa: S608 Names come from our own tables.
        f"FROM json_populate_recordset(NULL::{table.name}, $1::json) u "
        "WHERE t.tenant_id = u.tenant_id AND t.id = u.id AND t.version = u.version - 1",
        _encoded(table, [_row(table, aggregate) for aggregate in aggregates]),
    )
    if int(status.rsplit(" ", 1)[-1]) != len(aggregates):
        raise Conflict(f"Somebody changed {table.name} while a batch held them; the batch starts over.")


async def delete(connection: Connection, table: Table, ids: Iterable[UUID]) -> None:
    """Delete rows by id."""
    if wanted := list(ids):
        await connection.execute(f"DELETE FROM {table.name} WHERE id = ANY($1::uuid[])", wanted)  # noqa: S608


def _row(table: Table, aggregate: object) -> dict[str, object]:
    return {column.name: getattr(aggregate, column.name) for column in table.columns}


def _encoded(table: Table, rows: Sequence[Mapping[str, object]]) -> str:
    return msgspec.json.encode(
        [{name: encodable(table.c[name].type, value) for name, value in row.items()} for row in rows]
    ).decode()


@cache
def _columns(table: Table) -> str:
    return ", ".join(column.name for column in table.columns)


@cache
def _decoders(table: Table) -> tuple[tuple[str, Callable[[Any], Any]], ...]:  # Any: one per column type.
    found = ((column.name, decoder(column.type)) for column in table.columns)
    return tuple((name, decode) for name, decode in found if decode is not None)
