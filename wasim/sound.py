"""Sounds made in code: an Ogg Opus voice note and a WAV, both able to carry the words they say."""

import struct

_SERIAL = 0x57415349
_CONTINUED, _BEGINS, _ENDS = 1, 2, 4
_LACES = 255
"""How many lacing values fit into one page; each stands for at most 255 bytes."""

_UNFINISHED = 0xFFFFFFFFFFFFFFFF
"""The position of a page on which no packet ends (RFC 3533, section 6)."""


def ogg_opus(seconds: int, *, words: str | None = None) -> bytes:
    """A playable Ogg Opus file of silence.

    The words are a comment `TRANSCRIPT=…` of the comment header (RFC 7845, section 5.2), which takes as
    many pages as it needs and ends the last of them.
    """
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 0, 48000, 0, 0)
    comments = [f"TRANSCRIPT={words}".encode()] if words else []
    tags = b"OpusTags" + struct.pack("<I", 5) + b"wasim" + struct.pack("<I", len(comments))
    tags += b"".join(struct.pack("<I", len(comment)) + comment for comment in comments)
    pages = [_page(_lacing(head), head, 0, 0, _BEGINS), *_comment_pages(tags)]
    frame = b"\xf8\xff\xfe"
    before = len(pages)
    for number in range(seconds):
        last = _ENDS if number == seconds - 1 else 0
        pages.append(_page(bytes([3] * 50), frame * 50, 48000 * (number + 1), before + number, last))
    return b"".join(pages)


def wav(seconds: int, *, words: str | None = None) -> bytes:
    """A playable WAV of a quiet square tone at 1 kHz sampling; at most 4 seconds long.

    The words are the comment `ICMT` of a LIST/INFO chunk, as UTF-8.
    """
    samples = bytes(132 if (i // 4) % 2 else 124 for i in range(1000 * min(seconds, 4)))
    fmt = struct.pack("<HHIIHH", 1, 1, 1000, 1000, 1, 8)
    info = _chunk(b"LIST", b"INFO" + _chunk(b"ICMT", words.encode() + b"\x00")) if words else b""
    return _chunk(b"RIFF", b"WAVE" + _chunk(b"fmt ", fmt) + info + _chunk(b"data", samples))


def _chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of RIFF; one of odd length is followed by a byte that does not count."""
    return name + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)


def _lacing(packet: bytes) -> bytes:
    """The lengths of a packet's segments; one below 255 ends it, zero if need be."""
    return b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])


def _comment_pages(packet: bytes) -> list[bytes]:
    lacing = _lacing(packet)
    pages = []
    at = 0
    for number, first in enumerate(range(0, len(lacing), _LACES)):
        laces = lacing[first : first + _LACES]
        ends = first + _LACES >= len(lacing)
        flags = _CONTINUED if number else 0
        body = packet[at : at + sum(laces)]
        # The page on which the header ends has position zero (RFC 7845, section 4).
        pages.append(_page(laces, body, 0 if ends else _UNFINISHED, number + 1, flags))
        at += sum(laces)
    return pages


def _page(lacing: bytes, body: bytes, position: int, number: int, flags: int) -> bytes:
    head = struct.pack("<4sBBQIIIB", b"OggS", 0, flags, position, _SERIAL, number, 0, len(lacing))
    page = bytearray(head + lacing + body)
    page[22:26] = struct.pack("<I", _checksum(page))
    return bytes(page)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = ((value << 1) ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        table.append(value)
    return table


_TABLE = _table()


def _checksum(data: bytearray) -> int:
    crc = 0
    for byte in data:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _TABLE[(crc >> 24) ^ byte]
    return crc
