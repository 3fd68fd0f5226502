"""Lists as clients see them: a page with its cursors, and a total that is counted only when asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from persistence.paging import COUNT_LIMIT, Branch, Collection, Listing, Page, PageRequest, Position
from persistence.unit_of_work import Reader
from resolvers.arguments import ListArguments, listing
from resolvers.context import Context
from resolvers.cursors import binding, list_cursor, parse_list_cursor
from services.viewer import Viewer

E = TypeVar("E")


class Browse(Protocol[E]):
    """A service that returns a page of a project's list."""

    def __call__(
        self, reader: Reader, viewer: Viewer, *, listing: Listing, request: PageRequest
    ) -> Awaitable[Page[E]]:
        """Return the page."""
        ...


class Count(Protocol):
    """A service that counts a project's list."""

    def __call__(self, reader: Reader, viewer: Viewer, *, listing: Listing) -> Awaitable[int]:
        """Return the number of rows, up to the limit of counting."""
        ...


@dataclass(frozen=True, slots=True)
class Edge(Generic[E]):
    """One row of a page and its place; the cursor is signed when somebody selects it."""

    node: E
    position: Position
    sign: Callable[[Position], str]

    @property
    def cursor(self) -> str:
        """The place of the row, for clients."""
        return self.sign(self.position)


class Connection(Generic[E]):
    """One page of a list."""

    def __init__(
        self, page: Page[E], *, sign: Callable[[Position], str], count: Callable[[], Awaitable[int]]
    ) -> None:
        self.page = page
        self.sign = sign
        self._count = count
        self._total: asyncio.Future[int] | None = None

    @property
    def nodes(self) -> tuple[E, ...]:
        """The rows."""
        return self.page.items

    @property
    def edges(self) -> list[Edge[E]]:
        """The rows with their places."""
        return [Edge(*both, self.sign) for both in zip(self.page.items, self.page.positions, strict=True)]

    @property
    def has_next_page(self) -> bool:
        """Whether rows follow."""
        return self.page.has_next

    @property
    def has_previous_page(self) -> bool:
        """Whether rows come before."""
        return self.page.has_previous

    @property
    def start_cursor(self) -> str | None:
        """The place of the first row."""
        return self.sign(self.page.positions[0]) if self.page.positions else None

    @property
    def end_cursor(self) -> str | None:
        """The place of the last row."""
        return self.sign(self.page.positions[-1]) if self.page.positions else None

    async def total_count(self) -> int:
        """Return how many rows the whole list has, at most the limit of counting."""
        return min(await self._counted(), COUNT_LIMIT)

    async def total_count_is_capped(self) -> bool:
        """Return whether there are more rows than were counted."""
        return await self._counted() > COUNT_LIMIT

    def _counted(self) -> Awaitable[int]:
        if self._total is None:
            self._total = asyncio.ensure_future(self._count())
        return self._total


async def browse(
    context: Context,
    collection: Collection[E],
    service: Browse[E],
    *,
    count: Count,
    arguments: ListArguments,
) -> Connection[E]:
    """Return a page of a project's list."""
    wanted = _Wanted.of(context, collection, arguments, name=collection.table.name, parent=None)
    page = await context.read(service, listing=wanted.listing, request=wanted.request)
    return Connection(page, sign=wanted.sign, count=lambda: context.read(count, listing=wanted.listing))


async def follow(
    context: Context, branch: Branch[E], parent: UUID, *, arguments: ListArguments
) -> Connection[E]:
    """Return a page of what belongs to a parent; all parents that ask at once are answered in one statement."""
    wanted = _Wanted.of(context, branch.collection, arguments, name=branch.name, parent=parent)
    page = await context.loaders.pages(branch, wanted.listing, wanted.request).load(parent)
    return Connection(
        page, sign=wanted.sign, count=lambda: context.loaders.counts(branch, wanted.listing).load(parent)
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A client's arguments, understood; `bound` is what the cursors of the list belong to."""

    listing: Listing
    request: PageRequest
    key: bytes
    bound: bytes

    @classmethod
    def of(
        cls,
        context: Context,
        collection: Collection[Any],  # Any: rows of any kind.
        arguments: ListArguments,
        *,
        name: str,
        parent: UUID | None,
    ) -> "_Wanted":
        request = PageRequest(arguments.limit, backward=arguments.is_backward)
        wanted = listing(arguments, collection)
        viewer, key = context.viewer, context.installation.cursor_key
        bound = binding(viewer.tenant_id, viewer.project_id, name, parent, wanted)
        if (cursor := arguments.cursor) is not None:
            request = replace(request, cursor=parse_list_cursor(key, bound, cursor))
        return cls(wanted, request, key, bound)

    def sign(self, position: Position) -> str:
        return list_cursor(self.key, self.bound, position)
