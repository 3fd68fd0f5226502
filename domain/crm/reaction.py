"""An emoji that somebody put on a message."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from domain.ids import ContactId


@dataclass(frozen=True, kw_only=True, slots=True)
class Reaction:
    """One person's emoji on a message; `contact_id` None means our side. An empty emoji is a withdrawn reaction,
    kept so that an older reaction arriving later does not bring it back.
    """

    contact_id: ContactId | None
    emoji: str
    at: datetime


def renamed(reactions: Iterable[Reaction], old: ContactId, new: ContactId) -> tuple[Reaction, ...]:
    """Return reactions with one contact become another; of one person's reactions the newest stays."""
    newest: dict[ContactId | None, Reaction] = {}
    for reaction in sorted(reactions, key=lambda one: (one.at, one.emoji)):
        person = new if reaction.contact_id == old else reaction.contact_id
        newest[person] = replace(reaction, contact_id=person)
    return tuple(sorted(newest.values(), key=lambda one: (one.at, str(one.contact_id))))
