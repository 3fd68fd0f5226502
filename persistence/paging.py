"""Lists in pages: exact, stable while rows are added, forwards and backwards, for one list or many parents' at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    FromClause,
    Table,
    Uuid,
    and_,
    column,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from persistence.filters import Column, Condition, Filterable, sql

E = TypeVar("E")

COUNT_LIMIT = 10_000
"""Totals are exact up to here; one row more is looked for, to tell that there are more."""

SortValue = datetime | str | int | None
Position = tuple[SortValue | UUID, ...]
"""A place in a list: the values it is sorted by, then the id."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing a list is sorted by; instants that are missing come last unless `nulls_first`."""

    key: str
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Which rows in which order. The id settles what the order leaves open."""

    order: tuple[Term, ...]
    where: Condition | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How much of a list: `limit` rows after the cursor, or, going backwards, before it."""

    limit: int
    backward: bool = False
    cursor: Position | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[E]):
    """Some rows of a list in the list's order, and whether there are more on either side."""

    items: tuple[E, ...]
    positions: tuple[Position, ...]
    has_previous: bool
    has_next: bool


@dataclass(frozen=True, slots=True)
class SortKey:
    """What lists can be sorted by. `is_optional` instants may be missing."""

    column: Column
    is_optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Collection(Generic[E]):
    """The rows of one kind as lists: what they can be sorted, filtered and searched by.

    `shown` leaves out what lists never hold. `search` turns a text into a condition.
    """

    entity: type[E]
    table: Table
    default_order: tuple[Term, ...]
    sort_keys: Mapping[str, SortKey]
    fields: Mapping[str, Filterable] = field(default_factory=dict)
    shown: ColumnElement[bool] | None = None
    search: Callable[[str], ColumnElement[bool]] | None = None

    async def page(
        self, session: AsyncSession, scope: ColumnElement[bool], listing: Listing, request: PageRequest
    ) -> Page[E]:
        """Return a page of the rows within a scope, such as one project."""
        one = select(literal_column("NULL::uuid").label("id"), literal(1).label("n")).subquery("parents")
        pages = await self._pages(session, one, scope, listing, request)
        return pages[None]

    async def pages(
        self,
        session: AsyncSession,
        parent: Column,
        parents: Sequence[UUID],
        listing: Listing,
        request: PageRequest,
    ) -> dict[UUID, Page[E]]:
        """Return one page per parent in one statement; `parent` is the column that names it."""
        many = _unnested(parents)
        found = await self._pages(session, many, parent == many.c.id, listing, request)
        return {id_: page for id_, page in found.items() if id_ is not None}

    async def count(self, session: AsyncSession, scope: ColumnElement[bool], listing: Listing) -> int:
        """Return how many rows there are, at most one more than `COUNT_LIMIT`."""
        rows = select(literal(1)).select_from(self.table).where(scope, *self._conditions(listing))
        found = await session.scalar(
            select(func.count()).select_from(rows.limit(COUNT_LIMIT + 1).subquery("counted"))
        )
        return found or 0

    async def counts(
        self, session: AsyncSession, parent: Column, parents: Sequence[UUID], listing: Listing
    ) -> dict[UUID, int]:
        """Return how many rows each parent has, in one statement."""
        many = _unnested(parents)
        rows = select(literal(1).label("one")).select_from(self.table)
        rows = rows.where(parent == many.c.id, *self._conditions(listing)).limit(COUNT_LIMIT + 1)
        total = select(func.count()).select_from(rows.correlate(many).subquery("counted")).scalar_subquery()
        found = await session.execute(select(many.c.id, total).select_from(many))
        return dict(found.all())

    async def _pages(
        self,
        session: AsyncSession,
        parents: FromClause,
        scope: ColumnElement[bool],
        listing: Listing,
        request: PageRequest,
    ) -> dict[UUID | None, Page[E]]:
        order = _Order.of(self, listing.order, backward=request.backward)
        conditions = [scope, *self._conditions(listing)]
        ahead = [] if request.cursor is None else [order.beyond(request.cursor)]
        place = func.row_number().over(order_by=order.by).label("place")
        rows = (
            select(self.table, place, *order.values)
            .where(*conditions, *ahead)
            .order_by(*order.by)
            .limit(request.limit + 1)
            .lateral("page")
        )
        left_behind: ColumnElement[bool] = false()
        if request.cursor is not None:
            # Not EXISTS, which forgets the order and with it the index: the nearest row behind is all that is needed.
            passed = select(literal(1)).select_from(self.table)
            passed = passed.where(*conditions, order.up_to(request.cursor)).order_by(*order.back).limit(1)
            left_behind = passed.scalar_subquery().is_not(None)
        row: Any = aliased(self.entity, rows)  # Any: an alias is used as the class it stands for.
        statement = (
            select(parents.c.id, left_behind, row, *(rows.c[value.name] for value in order.values))
            .select_from(parents.outerjoin(rows, true()))
            .order_by(parents.c.n, rows.c.place)
        )
        found: dict[UUID | None, list[Any]] = {}  # Any: a row of the statement above.
        for one in await session.execute(statement):
            found.setdefault(one[0], []).append(one)
        return {id_: _page(several, request) for id_, several in found.items()}

    def _conditions(self, listing: Listing) -> list[ColumnElement[bool]]:
        conditions = [] if self.shown is None else [self.shown]
        if listing.where is not None:
            conditions.append(sql(listing.where, self.fields))
        if listing.search and self.search is not None:
            conditions.append(self.search(listing.search))
        return conditions


_EARLIEST = literal_column("'-infinity'::timestamptz", DateTime(timezone=True))
_LATEST = literal_column("'infinity'::timestamptz", DateTime(timezone=True))


def or_earliest(column: Column) -> Column:
    """Return instants with the earliest of all in place of nothing, as lists are sorted and indexes hold it.

    GREATEST passes over nothing, as COALESCE would; but only GREATEST counts as leakproof, so that row-level
    security lets the comparison with a cursor into the index.
    """
    return func.greatest(column, _EARLIEST)


def or_latest(column: Column) -> Column:
    """Return instants with the latest of all in place of nothing."""
    return func.least(column, _LATEST)


@dataclass(frozen=True, eq=False, slots=True)
class Branch(Generic[E]):
    """The rows of a collection that belong to a parent, such as a chat's messages; `parent` names it."""

    name: str
    collection: Collection[E]
    parent: Column

    async def pages(
        self, session: AsyncSession, parents: Sequence[UUID], listing: Listing, request: PageRequest
    ) -> dict[UUID, Page[E]]:
        """Return one page per parent, in one statement."""
        return await self.collection.pages(session, self.parent, parents, listing, request)

    async def counts(
        self, session: AsyncSession, parents: Sequence[UUID], listing: Listing
    ) -> dict[UUID, int]:
        """Return how many rows each parent has, in one statement."""
        return await self.collection.counts(session, self.parent, parents, listing)


@dataclass(frozen=True, slots=True)
class _Key:
    """One column of the effective order: what is compared, in which direction, and what stands for nothing."""

    expression: Column
    descending: bool
    missing: Column | None = None

    @property
    def by(self) -> ColumnElement[Any]:  # Any: as the column.
        return self.expression.desc() if self.descending else self.expression.asc()

    def literal(self, value: object) -> Column:
        if value is None and self.missing is not None:
            return self.missing
        return literal(value, self.expression.type)

    def beyond(self, value: object) -> ColumnElement[bool]:
        bound = self.literal(value)
        return self.expression < bound if self.descending else self.expression > bound


@dataclass(frozen=True, slots=True)
class _Order:
    """The order rows are read in: reversed when the page is read backwards."""

    keys: tuple[_Key, ...]
    values: tuple[Any, ...]  # Any: labelled columns of every type.

    @classmethod
    def of(cls, collection: Collection[Any], terms: Sequence[Term], *, backward: bool) -> "_Order":
        keys, values = [], []
        for number, term in enumerate(terms):
            key = collection.sort_keys[term.key]
            expression, missing = _with_missing(key, term)
            keys.append(_Key(expression, term.descending != backward, missing))
            values.append(key.column.label(f"value_{number}"))
        keys.append(_Key(collection.table.c.id, terms[-1].descending != backward))
        return cls(tuple(keys), tuple(values))

    @property
    def by(self) -> list[ColumnElement[Any]]:  # Any: as above.
        return [key.by for key in self.keys]

    @property
    def back(self) -> list[ColumnElement[Any]]:  # Any: as above.
        """The other way round, from the cursor to where the page came from."""
        return [replace(key, descending=not key.descending).by for key in self.keys]

    def beyond(self, cursor: Position) -> ColumnElement[bool]:
        """Return whether a row comes after the cursor."""
        if (sides := self._sides(cursor)) is not None:
            return sides[0] < sides[1] if self.keys[0].descending else sides[0] > sides[1]
        return self._step_by_step(cursor)

    def up_to(self, cursor: Position) -> ColumnElement[bool]:
        """Return whether a row is at the cursor or before it."""
        if (sides := self._sides(cursor)) is not None:
            return sides[0] >= sides[1] if self.keys[0].descending else sides[0] <= sides[1]
        return not_(self._step_by_step(cursor))

    def _sides(
        self, cursor: Position
    ) -> tuple[ColumnElement[Any], ColumnElement[Any]] | None:  # Any: tuples.
        """Return both sides of one comparison of rows, which an index serves, if all keys have one direction."""
        if len({key.descending for key in self.keys}) > 1:
            return None
        bounds = [key.literal(value) for key, value in zip(self.keys, cursor, strict=True)]
        return tuple_(*(key.expression for key in self.keys)), tuple_(*bounds)

    def _step_by_step(self, cursor: Position) -> ColumnElement[bool]:
        steps: list[ColumnElement[bool]] = []
        equal: list[ColumnElement[bool]] = []
        for key, value in zip(self.keys, cursor, strict=True):
            steps.append(and_(*equal, key.beyond(value)))
            equal.append(key.expression == key.literal(value))
        return or_(*steps)


def _with_missing(key: SortKey, term: Term) -> tuple[Column, Column | None]:
    """Return what rows are sorted by, and what missing instants count as, so that they go to their end."""
    if not key.is_optional:
        return key.column, None
    if term.nulls_first == term.descending:
        return or_latest(key.column), _LATEST
    return or_earliest(key.column), _EARLIEST


def _unnested(ids: Sequence[UUID]) -> FromClause:
    """Return ids as rows `id` with their place `n`."""
    array = literal(list(dict.fromkeys(ids)), ARRAY(Uuid))
    return func.unnest(array).table_valued(column("id", Uuid), with_ordinality="n").render_derived("parents")


def _page(rows: Sequence[Any], request: PageRequest) -> Page[Any]:  # Any: rows of `_pages`.
    found = [row for row in rows if row[2] is not None]
    has_more, is_behind = len(found) > request.limit, bool(rows[0][1])
    found = found[: request.limit]
    if request.backward:
        found.reverse()
    return Page(
        items=tuple(row[2] for row in found),
        positions=tuple((*row[3:], row[2].id) for row in found),
        has_previous=has_more if request.backward else is_behind,
        has_next=is_behind if request.backward else has_more,
    )
