"""Positions in the event log and in lists, as opaque texts for clients."""

import base64
import binascii

from resolvers.errors import InvalidCursor

_VERSION, _POSITION_BYTES, _CHECK_BYTES = b"\x01", 8, 4


def event_cursor(position: int) -> str:
    """Return a position of the event log as clients see it; 0 is the place before the first event."""
    body = _VERSION + position.to_bytes(_POSITION_BYTES, "big")
    return encode(body + binascii.crc32(body).to_bytes(_CHECK_BYTES, "big"))


def parse_event_cursor(text: str) -> int:
    """Return the position in the event log. Raises `InvalidCursor` for anything `event_cursor` did not make."""
    raw = decode(text)
    body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if (
        len(body) != 1 + _POSITION_BYTES
        or body[:1] != _VERSION
        or binascii.crc32(body).to_bytes(_CHECK_BYTES, "big") != check
    ):
        raise InvalidCursor("This is no event cursor; use one that eventCursor or an event gave you.")
    position = int.from_bytes(body[1:], "big")
    if position >> 63:
        raise InvalidCursor("This is no event cursor; use one that eventCursor or an event gave you.")
    return position


def decode(text: str) -> bytes:
    """Return the bytes of an opaque text. Raises `InvalidCursor` unless it is exactly what `encode` writes."""
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidCursor("A cursor is malformed; use one that the API gave you.") from None
    if encode(raw) != text:
        raise InvalidCursor("A cursor is malformed; use one that the API gave you.")
    return raw


def encode(raw: bytes) -> str:
    """Return bytes as a text that fits URLs."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
