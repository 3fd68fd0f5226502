"""Instants as WAHA and its engines write them: seconds, milliseconds, fractions, ISO 8601."""

from datetime import UTC, datetime, timedelta

from integrations.waha.fields import as_number

TOLERANCE = timedelta(minutes=5)
"""How far the other side's clock may be ahead of ours."""

_WHATSAPP_BEGAN = datetime(2009, 1, 1, tzinfo=UTC)
_LARGEST_SECONDS = 100_000_000_000
_UNITS = 1_000


def instant(value: object) -> datetime | None:
    """Return the instant a value means, in UTC, or None if it means none.

    Numbers are taken as seconds, milliseconds, microseconds or nanoseconds since 1970 by their magnitude:
    the documentation and the engines disagree about the unit of several fields.
    """
    if isinstance(value, str) and "-" in value[1:]:
        return _from_iso(value)
    number = as_number(value)
    if number is None or number <= 0:
        return None
    while number >= _LARGEST_SECONDS:
        number /= _UNITS
    return datetime.fromtimestamp(number, UTC)


def plausible(value: object, *, received_at: datetime) -> datetime | None:
    """Return the instant if it lies between WhatsApp's beginning and a little after the reception."""
    at = instant(value)
    return at if at is not None and _WHATSAPP_BEGAN <= at <= received_at + TOLERANCE else None


def _from_iso(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None
