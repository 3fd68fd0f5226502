"""The page of events, from the classes that define them."""

import inspect
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from itertools import groupby
from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints

import persistence.mapping  # noqa: F401 Importing it imports every aggregate, and with them every event.
from domain.base import REGISTRY, Event
from domain.ids import PREFIXES

_OPENING = """\
# Events

Everything that changes an aggregate records an event in the same transaction. Events leave through the
`events` subscription and the typed subscriptions; see [the API](api.md#subscriptions) for how to follow them and
[the architecture](architecture.md#events-on-their-way-out) for how they travel.

- An event carries ids, enums, instants, numbers and short texts. It never carries the text of a message or a
  secret: read the object for that.
- Ids are TypeIDs such as `msg_01jd…`; instants are RFC 3339 in UTC; `?` marks a field that may be null.
- A name never changes its meaning. A field may be added; anything else raises the version.
- Several events of one transaction keep their order, and one tenant's events have one order for everybody.
- What you receive may be repeated to you after a reconnect without `after`; the event's `id` is the same each time.

This page is generated: `.venv/bin/python -m ventros.reference --write`.
"""


def page() -> str:
    """Return the whole page."""
    parts = [_OPENING]
    for kind, group in groupby(sorted(REGISTRY), key=lambda name: name.partition(".")[0]):
        rows = [_row(REGISTRY[name]) for name in group]
        parts.append(
            f"\n## {kind.replace('_', ' ').capitalize()}\n\n"
            "| event | version | what happened | payload |\n|---|---|---|---|\n" + "".join(rows)
        )
    return "".join(parts)


def _row(event: type[Event]) -> str:
    hints = get_type_hints(event)
    fields = [f"`{name}` {_published(hints[name])}" for name in inspect.signature(event).parameters]
    return f"| `{event.name}` | {event.version} | {_sentence(event)} | {', '.join(fields)} |\n"


def _sentence(event: type[Event]) -> str:
    return " ".join((inspect.getdoc(event) or "").split()).replace("|", "\\|")


def _published(hint: object) -> str:
    """Return how a field's type reads in JSON."""
    if get_origin(hint) in {Union, UnionType}:
        (inner,) = (one for one in get_args(hint) if one is not type(None))
        return _published(inner) + "?"
    if get_origin(hint) is tuple:
        return "list of " + _published(get_args(hint)[0])
    name = getattr(hint, "__name__", str(hint))
    if name in PREFIXES:
        return f"`{PREFIXES[name]}_…`"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + " ".join(f"`{member.value}`" for member in hint)
    return _PLAIN[hint]


_PLAIN: dict[object, str] = {
    str: "text",
    int: "whole number",
    bool: "`true` or `false`",
    datetime: "instant",
}

PAGES: dict[str, Callable[[], str]] = {"docs/events.md": page}
