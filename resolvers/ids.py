"""Ids as clients see them: the prefix names the kind, so that an id of another kind is refused before any query."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from domain.ids import PREFIXES, parse_type_id, type_id
from resolvers.errors import InvalidId

I = TypeVar("I", bound=UUID)  # noqa: E741 The letter of Id.

_SHOWN = 40


def public(kind: Callable[[UUID], I], value: UUID) -> str:
    """Return the id of that kind for clients: `public(ChatId, chat.id)`."""
    return type_id(prefix_of(kind), value)


def private(kind: Callable[[UUID], I], text: str) -> I:
    """Return the id of that kind that clients wrote. Raises `InvalidId` for any other text."""
    return kind(parse(prefix_of(kind), text))


def parse(prefix: str, text: str) -> UUID:
    """Return the value of an id with that prefix. Raises `InvalidId` for any other text."""
    try:
        found, value = parse_type_id(text)
    except ValueError:
        found, value = "", UUID(int=0)
    if found != prefix:
        raise InvalidId(
            f"{text[:_SHOWN]!r} is not of the kind that is needed here: such ids begin with {prefix}_."
        )
    return value


def prefix_of(kind: Callable[[UUID], I]) -> str:
    """Return the prefix of a kind of ids."""
    return PREFIXES[kind.__name__]
