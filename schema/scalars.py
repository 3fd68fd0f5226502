"""How values travel: instants, telephone numbers, positions in the event log, and free JSON."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from domain.errors import Invalid
from domain.values import PhoneNumber

EventCursor = NewType("EventCursor", str)
"""A position in the event log, as `resolvers.cursors.event_cursor` writes it."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
_SHOWN = 40


def write_instant(value: datetime) -> str:
    """Return RFC 3339 in UTC with microseconds, such as 2026-11-24T12:00:00.000000Z."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def read_instant(value: object) -> datetime:
    """Return the instant, in UTC. Raises `GraphQLError` unless the text is RFC 3339 with an offset."""
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise GraphQLError(
        f"{str(value)[:_SHOWN]!r} is no instant; write RFC 3339 with an offset, such as 2026-11-24T12:00:00Z."
    )


def read_phone(value: object) -> PhoneNumber:
    """Return the number. Raises `GraphQLError` unless the text is one."""
    if not isinstance(value, str):
        raise GraphQLError("A phone number is a text, such as +5511999990001.")
    try:
        return PhoneNumber(value)
    except Invalid as error:
        raise GraphQLError(error.message) from None


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise GraphQLError("An event cursor is a text.")
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant: RFC 3339 in UTC with microseconds, such as 2026-11-24T12:00:00.000000Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=write_instant,
        parse_value=read_instant,
    ),
    PhoneNumber: strawberry.scalar(
        name="PhoneNumber",
        description="A telephone number in E.164, such as +5511999990001; separators are dropped on input.",
        specified_by_url="https://www.itu.int/rec/T-REC-E.164",
        serialize=str,
        parse_value=read_phone,
    ),
    EventCursor: strawberry.scalar(
        name="EventCursor",
        description="An opaque position in the tenant's event log.",
        serialize=str,
        parse_value=_read_text,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, where its shape belongs to somebody else.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}
