"""Seeing: what kind of picture a file is, and the description it carries.

Pictures of the WhatsApp simulator say what they show in a comment segment of JPEG (`COM`, ITU T.81
section B.2.4.5) or in a `tEXt` or `iTXt` chunk of PNG with the keyword `Description`.
"""

import base64
import binascii
import hashlib
import struct
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_COMMENT, _SCAN, _END = 0xFE, 0xDA, 0xD9
_BARE = {0x01, *range(0xD0, 0xD9)}
"""Markers without a length behind them."""


class Picture(NamedTuple):
    """A picture; `description` is None when the file does not tell what it shows."""

    kind: str
    size: int
    digest: str
    description: str | None


class NoPicture(Exception):
    """The bytes, or the address, are no picture."""


def see_url(url: str) -> Picture:
    """Look at the picture of a `data:` URL; of any other address only the address is seen. Raises `NoPicture`."""
    if not url.startswith("data:"):
        if url.startswith(("http://", "https://")):
            return Picture("url", 0, hashlib.sha256(url.encode()).hexdigest(), None)
        raise NoPicture("a picture is given as a data: URL or an http address")
    return see(read_data_url(url)[1])


def read_data_url(url: str) -> tuple[str, bytes]:
    """The type and the bytes of a `data:` URL (RFC 2397). Raises `NoPicture`."""
    head, found, payload = url.partition(",")
    if not found:
        raise NoPicture("the data: URL has no comma")
    kind, *options = head.removeprefix("data:").split(";")
    if "base64" not in options:
        return kind, unquote_to_bytes(payload)
    try:
        return kind, base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise NoPicture("the data: URL is not base64") from error


def see(data: bytes) -> Picture:
    """Look at a file. Raises `NoPicture`."""
    kind = _kind(data)
    description = {"jpeg": _jpeg_comment, "png": _png_description}.get(kind, lambda _: None)(data)
    return Picture(kind, len(data), hashlib.sha256(data).hexdigest(), description)


def _kind(data: bytes) -> str:
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    raise NoPicture("no picture format begins like this")


def _jpeg_comment(data: bytes) -> str | None:
    """The comment segments one after the other: a long description needs several."""
    comment = b""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 -- what every marker begins with
        marker = data[at + 1]
        if marker in (_SCAN, _END):
            break
        if marker in _BARE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker == _COMMENT:
            comment += data[at + 4 : at + 2 + length]
        at += 2 + length
    return comment.decode("utf-8", "replace").strip("\x00 ") or None


def _png_description(data: bytes) -> str | None:
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        keyword, _, rest = data[at + 8 : at + 8 + length].partition(b"\x00")
        if keyword == b"Description" and name == b"tEXt":
            return rest.decode("latin-1") or None
        # Two zero bytes say uncompressed; language and translated keyword follow, each ended by a zero.
        if keyword == b"Description" and name == b"iTXt" and rest.startswith(b"\x00\x00"):
            return rest[2:].split(b"\x00", 2)[-1].decode("utf-8", "replace") or None
        at += 12 + length
    return None
