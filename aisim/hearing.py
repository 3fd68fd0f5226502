"""Hearing: what an audio file is, how long it is, and the words it carries in its comments.

Files of the WhatsApp simulator say their words in the comment header of Opus (`TRANSCRIPT=…`, RFC 7845
section 5.2) or in the `ICMT` chunk of a WAV (RIFF, LIST/INFO). Other files are told by their first bytes.
"""

import struct
from typing import NamedTuple

_SIGNS = (
    (0, b"fLaC"),
    (0, b"ID3"),
    (0, b"\xff\xfb"),
    (0, b"\xff\xf3"),
    (0, b"\xff\xf2"),
    (4, b"ftyp"),
    (0, b"\x1a\x45\xdf\xa3"),
)
"""First bytes of FLAC, MP3, MP4 and WebM."""

_CONTINUED = 1
_MAX_LACE = 255


class Sound(NamedTuple):
    """What a file sounds like; `seconds` is None when only a decoder could tell, `words` when nobody speaks."""

    seconds: float | None
    words: str | None


class NoSound(Exception):
    """The bytes are no audio, or a damaged one."""


def hear(data: bytes) -> Sound:
    """Listen to a file. Raises `NoSound`."""
    try:
        if data.startswith(b"OggS"):
            return _hear_ogg(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WAVE":
            return _hear_wav(data)
    except (struct.error, IndexError) as error:
        raise NoSound("the file ends in the middle") from error
    if any(data[at : at + len(sign)] == sign for at, sign in _SIGNS):
        return Sound(_seconds_of_mp4(data), None)
    raise NoSound("no audio format begins like this")


def _hear_ogg(data: bytes) -> Sound:
    packets, position = _read_ogg(data)
    if not packets or not packets[0].startswith(b"OpusHead"):
        # Vorbis, Speex: audio all the same, but its time runs at another rate.
        if packets and packets[0][:1] in (b"\x01", b"S", b"\x7f"):
            return Sound(None, None)
        raise NoSound("an Ogg file without audio")
    skipped = struct.unpack_from("<H", packets[0], 10)[0]
    comments = _opus_comments(packets[1]) if len(packets) > 1 else {}
    return Sound(max(position - skipped, 0) / 48000, comments.get("TRANSCRIPT") or None)


def _read_ogg(data: bytes) -> tuple[list[bytes], int]:
    """The packets of the headers, put together across pages, and the last page's position (RFC 3533)."""
    packets: list[bytes] = []
    open_packet = b""
    at, position = 0, 0
    while at < len(data):
        if data[at : at + 4] != b"OggS":
            raise NoSound("a page of the Ogg file is damaged")
        flags = data[at + 5]
        stated = struct.unpack_from("<q", data, at + 6)[0]
        position = max(position, stated)
        lacing = data[at + 27 : at + 27 + data[at + 26]]
        at += 27 + len(lacing)
        if at + sum(lacing) > len(data):
            raise NoSound("the last page of the Ogg file is cut")
        if not flags & _CONTINUED:
            open_packet = b""
        for lace in lacing:
            # Two packets are all that has words in it.
            if len(packets) < 2:  # noqa: PLR2004
                open_packet += data[at : at + lace]
                if lace < _MAX_LACE:
                    packets.append(open_packet)
                    open_packet = b""
            at += lace
    return packets, position


def _opus_comments(packet: bytes) -> dict[str, str]:
    if not packet.startswith(b"OpusTags"):
        raise NoSound("the comments of the Opus file are missing")
    at = 8
    (length,) = struct.unpack_from("<I", packet, at)
    at += 4 + length
    (number,) = struct.unpack_from("<I", packet, at)
    at += 4
    found: dict[str, str] = {}
    for _ in range(number):
        (length,) = struct.unpack_from("<I", packet, at)
        if at + 4 + length > len(packet):
            raise NoSound("a comment of the Opus file is longer than the file")
        name, _, value = packet[at + 4 : at + 4 + length].decode("utf-8", "replace").partition("=")
        found.setdefault(name.upper(), value)
        at += 4 + length
    return found


def _hear_wav(data: bytes) -> Sound:
    rate, size, spoken = 0, 0, None
    for name, body in _chunks(data, 12):
        if name == b"fmt ":
            rate = struct.unpack_from("<I", body, 8)[0]
        elif name == b"data":
            size = len(body)
        elif name == b"LIST" and body[:4] == b"INFO":
            for inner, text in _chunks(body, 4):
                if inner == b"ICMT":
                    spoken = text.rstrip(b"\x00").decode("utf-8", "replace") or None
    if rate == 0:
        raise NoSound("the WAV file states no rate")
    return Sound(size / rate, spoken)


def _chunks(data: bytes, at: int) -> list[tuple[bytes, bytes]]:
    found = []
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def _seconds_of_mp4(data: bytes) -> float | None:
    at = data.find(b"mvhd")
    if data[4:8] != b"ftyp" or at < 0 or data[at + 4] != 0 or at + 24 > len(data):
        return None
    scale, length = struct.unpack_from(">II", data, at + 16)
    return length / scale if scale else None
