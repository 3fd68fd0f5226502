"""What every repository can do; each adds its own named queries."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base import Aggregate
from domain.errors import Conflict, NotFound

A = TypeVar("A", bound=Aggregate)


class Repository(Generic[A]):
    """The aggregates of one kind that the transaction's tenant owns; row-level security hides all others."""

    aggregate: type[A]
    table: ClassVar[Table]

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    def add(self, aggregate: A) -> A:
        """Store a new aggregate, and its events, when the transaction commits."""
        self.session.add(aggregate)
        return aggregate

    async def find(self, id_: UUID) -> A | None:
        """Return the aggregate, or None."""
        found = await self.session.scalars(select(self.aggregate).where(self.table.c.id == id_))
        return found.one_or_none()

    async def find_many(self, ids: Sequence[UUID]) -> dict[UUID, A]:
        """Return the aggregates that exist, by id, in one statement."""
        found = await self.session.scalars(select(self.aggregate).where(self.table.c.id.in_(ids)))
        return {aggregate.id: aggregate for aggregate in found}

    async def get_for_update(self, id_: UUID, *, expected_version: int | None = None) -> A:
        """Return the aggregate locked for this transaction, as it is once the lock is held.

        Raises `NotFound`, or `Conflict` when the caller has seen another version.
        """
        statement = select(self.aggregate).where(self.table.c.id == id_).with_for_update(key_share=True)
        if not any(isinstance(one, self.aggregate) and one.id == id_ for one in self.session.dirty):
            # It may have been read before, and changed by others while this transaction waited for the lock.
            statement = statement.execution_options(populate_existing=True)
        found = (await self.session.scalars(statement)).one_or_none()
        if found is None:
            raise NotFound(f"There is no {self.aggregate.kind} with this id.", field=["id"])
        if expected_version is not None and found.version != expected_version:
            raise Conflict(
                f"The {self.aggregate.kind} is at version {found.version}, not {expected_version}; read it again.",
                field=["expectedVersion"],
            )
        return found
