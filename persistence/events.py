"""How a recorded event becomes a row of the outbox."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from domain.base import REGISTRY, Aggregate, Event
from domain.ids import PREFIXES, new_id, type_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why events of a transaction happened: the request or webhook they belong to, and who acted."""

    correlation_id: str
    actor: str

    @property
    def headers(self) -> dict[str, str]:
        """What is stored beside each event."""
        return {"correlation_id": self.correlation_id, "actor": self.actor}


def outbox_rows(aggregates: Iterable[Aggregate], cause: Cause) -> list[dict[str, object]]:
    """Take the events of all aggregates, in the order given, as rows of the outbox."""
    headers = cause.headers
    return [
        {
            "event_id": new_id(),
            "tenant_id": aggregate.tenant_id,
            "project_id": getattr(aggregate, "project_id", None),
            "aggregate_type": aggregate.kind,
            "aggregate_id": aggregate.id,
            "aggregate_version": aggregate.version,
            "event_type": event.name,
            "schema_version": event.version,
            "payload": payload(event),
            "headers": headers,
            "class": 0,
        }
        for aggregate in aggregates
        for event in aggregate.take_events()
    ]


def payload(event: Event) -> dict[str, object]:
    """Return the event's fields as plain JSON values, ids as TypeIDs."""
    return {name: encode(getattr(event, name)) for name, encode in _encoders(event.name).items()}


@cache
def _encoders(name: str) -> dict[str, Callable[[Any], object]]:  # Any: one encoder per field type.
    hints = get_type_hints(REGISTRY[name])
    return {field: _encoder(hint) for field, hint in hints.items() if get_origin(hint) is not ClassVar}


def _encoder(hint: object) -> Callable[[Any], object]:  # Any: as above.
    prefix = next((PREFIXES[name] for name in _type_names(hint) if name in PREFIXES), None)
    if prefix is None:
        return msgspec.to_builtins
    return lambda value: type_id(prefix, value) if isinstance(value, UUID) else None


def _type_names(hint: object) -> Iterable[str]:
    if get_origin(hint) in {Union, UnionType}:
        for argument in get_args(hint):
            yield from _type_names(argument)
    else:
        yield getattr(hint, "__name__", "")
