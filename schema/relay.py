"""Objects with global ids, and lists in pages, as Relay's specifications have them."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry

from domain.ids import type_id
from resolvers.ids import prefix_of
from schema.fields import computed, edge, plain

T = TypeVar("T")


def id_of(kind: Callable[[UUID], UUID], description: str = "The global id.") -> Any:  # Any: a field.
    """Publish an object's id as one of that kind."""
    prefix = prefix_of(kind)
    return computed(lambda found: type_id(prefix, found.id), description)


@strawberry.interface(description="An object with an id by which node finds it.")
class Node:
    """Relay's interface of everything that can be found again."""

    id: strawberry.ID = plain("The global id: a prefix that names the kind, and a UUIDv7 in base 32.")


@strawberry.type(description="Where a page lies within its list. Both flags are exact in either direction.")
class PageInfo:
    """The page of a `resolvers.connections.Connection`."""

    has_next_page: bool = plain("Whether rows follow the page.")
    has_previous_page: bool = plain("Whether rows come before the page.")
    start_cursor: str | None = plain("The cursor of the page's first row; null on an empty page.")
    end_cursor: str | None = plain("The cursor of the page's last row; null on an empty page.")


@strawberry.type(description="A row of a page.")
class Edge(Generic[T]):
    """One row and its place."""

    cursor: str = plain("The place of the row in the list, for after and before.")
    node: T = plain("The row.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """A `resolvers.connections.Connection`."""

    edges: list[Edge[T]] = plain("The rows with their cursors.")
    nodes: list[T] = plain("The rows.")
    page_info: PageInfo = computed(lambda connection: connection, "Where the page lies.")
    total_count: int = edge(
        lambda connection, _context: connection.total_count(),
        "How many rows the whole list has, whatever the page; counted only when selected, up to 10,000.",
    )
    total_count_is_capped: bool = edge(
        lambda connection, _context: connection.total_count_is_capped(),
        "Whether there are more rows than were counted.",
    )
