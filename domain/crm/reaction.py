"""An emoji that somebody put on a message."""

from dataclasses import dataclass
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
