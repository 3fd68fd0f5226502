"""Positions in the event log and in lists, as opaque texts for clients."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from uuid import UUID

import msgspec

from persistence.paging import Position
from resolvers.errors import InvalidCursor

_VERSION, _POSITION_BYTES, _CHECK_BYTES = b"\x01", 8, 4
_SEAL_BYTES = 16
_LONGEST = 4_096


def event_cursor(position: int) -> str:
    """Return a position of the event log as clients see it; 0 is the place before the first event."""
    body = _VERSION + position.to_bytes(_POSITION_BYTES, "big")
    return _encode(body + binascii.crc32(body).to_bytes(_CHECK_BYTES, "big"))


def parse_event_cursor(text: str) -> int:
    """Return the position in the event log. Raises `InvalidCursor` for anything `event_cursor` did not make."""
    raw = _decode(text)
    body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    position = int.from_bytes(body[1:], "big")
    if (
        len(body) != 1 + _POSITION_BYTES
        or body[:1] != _VERSION
        or binascii.crc32(body).to_bytes(_CHECK_BYTES, "big") != check
        or position >> 63
    ):
        raise InvalidCursor("This is no event cursor; use one that eventCursor or an event gave you.")
    return position


def binding(*parts: object) -> bytes:
    """Return a digest of what a list's cursor belongs to: tenant, list, parent, order and filter."""
    return hashlib.sha256(repr(parts).encode()).digest()


def list_cursor(key: bytes, bound: bytes, position: Position) -> str:
    """Return a place in a list, signed together with the list it belongs to."""
    body = msgspec.msgpack.encode([part.bytes if isinstance(part, UUID) else part for part in position])
    return _encode(_VERSION + _seal(key, bound, body) + body)


def parse_list_cursor(key: bytes, bound: bytes, text: str) -> Position:
    """Return the place in the list. Raises `InvalidCursor` when it was changed or belongs to another list."""
    raw = _decode(text)
    seal, body = raw[1 : 1 + _SEAL_BYTES], raw[1 + _SEAL_BYTES :]
    if raw[:1] != _VERSION or not hmac.compare_digest(seal, _seal(key, bound, body)):
        raise InvalidCursor(
            "The cursor does not belong to this list; use one from a page with the same arguments."
        )
    values: Sequence[object] = msgspec.msgpack.decode(body)
    # What the signature covers is what `list_cursor` wrote, so the shape needs no further check.
    return (*values[:-1], UUID(bytes=values[-1]))  # type: ignore[arg-type]


def _seal(key: bytes, bound: bytes, body: bytes) -> bytes:
    return hmac.digest(key, _VERSION + bound + body, "sha256")[:_SEAL_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    """Return the bytes of an opaque text. Raises `InvalidCursor` unless it is exactly what `_encode` writes."""
    padded = text[: _LONGEST + 1].encode("ascii", "replace") + b"=" * (-len(text) % 4)
    try:
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error:
        raw = b""
    if not raw or _encode(raw) != text:
        raise InvalidCursor("A cursor is malformed; use one that the API gave you.")
    return raw
