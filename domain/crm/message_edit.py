"""A later wording of a message."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageEdit:
    """A later wording; None when WhatsApp kept it from us."""

    text: str | None
    at: datetime
