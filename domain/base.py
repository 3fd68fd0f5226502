"""Aggregates and the events they record."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, dataclass_transform
from uuid import UUID

REGISTRY: dict[str, type["Event"]] = {}
"""Every event class by its published name."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Event:
    """A fact about an aggregate, named, versioned and registered when its class is made.

    Payload fields are ids, enums, instants, numbers and short texts: never message bodies or secrets.
    A subclass is a frozen dataclass: `class ChatArchived(Event, name="chat.archived"): chat_id: ChatId`.
    """

    name: ClassVar[str]
    version: ClassVar[int]

    def __init_subclass__(cls, *, name: str, version: int = 1) -> None:
        super().__init_subclass__()
        if name in REGISTRY:
            raise TypeError(f"The event {name} is already defined by {REGISTRY[name].__name__}.")
        cls.name = name
        cls.version = version
        dataclass(frozen=True, kw_only=True)(cls)
        REGISTRY[name] = cls


class Aggregate:
    """A consistency boundary: it changes through its verbs and records what happened.

    `version` grows with every stored change and guards against lost updates. A subclass is a
    `@dataclass(eq=False, kw_only=True)` with at least `id`, `tenant_id`, `updated_at` and `version`.
    """

    kind: ClassVar[str]
    id: UUID
    tenant_id: UUID
    updated_at: datetime
    version: int
    # An immutable class-level start, because loading from the database does not run `__init__`.
    events: tuple[Event, ...] = ()
    is_changed: bool = False

    def record(self, event: Event, *, at: datetime) -> None:
        """Keep an event for the outbox and mark the aggregate as changed at that instant."""
        self.events = (*self.events, event)
        self.touch(at)

    def touch(self, at: datetime) -> None:
        """Mark the aggregate as changed; `updated_at` never moves backwards."""
        self.is_changed = True
        self.updated_at = max(self.updated_at, at)

    def take_events(self) -> tuple[Event, ...]:
        """Hand over the recorded events, once."""
        events, self.events = self.events, ()
        return events
