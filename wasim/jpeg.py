"""A baseline JPEG written by hand: a mosaic of 8 by 8 pixel tiles, enough to look like a photo."""

import random
import struct

_DC_BITS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
DC_CODES = {
    0: (0b00, 2),
    1: (0b010, 3),
    2: (0b011, 3),
    3: (0b100, 3),
    4: (0b101, 3),
    5: (0b110, 3),
    6: (0b1110, 4),
    7: (0b11110, 5),
    8: (0b111110, 6),
    9: (0b1111110, 7),
    10: (0b11111110, 8),
    11: (0b111111110, 9),
}
"""The standard table for brightness: bit size of a difference to its code and the code's length."""


LONGEST_COMMENT = 65533
"""Bytes that fit into one comment segment; a longer comment takes several."""


def mosaic(seed: str, columns: int = 24, rows: int = 32, *, comment: str | None = None) -> bytes:
    """A colourful picture of `columns` by `rows` tiles; the same seed gives the same picture.

    The comment is kept in COM segments as UTF-8 (ITU T.81, section B.2.4.5).
    """
    rng = random.Random(seed)  # noqa: S311 -- colours, not secrets
    sky, ground = [tuple(rng.randrange(-90, 90) for _ in range(3)) for _ in range(2)]
    bits: list[tuple[int, int]] = []
    previous = [0, 0, 0]
    for y in range(rows):
        for _ in range(columns):
            share = y / (rows - 1)
            for channel in range(3):
                shade = sky[channel] * (1 - share) + ground[channel] * share + rng.randrange(-14, 15)
                level = int(shade) * 8 // 16
                _put_dc(bits, level - previous[channel])
                previous[channel] = level
                bits.append((0b0, 1))  # End of block: the tile has one colour.
    return _head(columns * 8, rows * 8, (comment or "").encode()) + _pack(bits) + b"\xff\xd9"


def _put_dc(bits: list[tuple[int, int]], difference: int) -> None:
    size = abs(difference).bit_length()
    bits.append(DC_CODES[size])
    if size:
        bits.append((difference if difference > 0 else difference + (1 << size) - 1, size))


def _head(width: int, height: int, comment: bytes) -> bytes:
    quantisation = b"\x00" + bytes([16]) * 64
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\x01\x11\x00\x02\x11\x00\x03\x11\x00"
    dc_table = b"\x00" + _DC_BITS + bytes(range(12))
    # One code of one bit, "end of block", is all the AC table needs.
    ac_table = b"\x10" + bytes([1] + [0] * 15) + b"\x00"
    scan = b"\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"
    jfif = b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    said = [comment[at : at + LONGEST_COMMENT] for at in range(0, len(comment), LONGEST_COMMENT)]
    segments = ((0xDB, quantisation), (0xC0, frame), (0xC4, dc_table), (0xC4, ac_table), (0xDA, scan))
    out = b"\xff\xd8"
    for marker, data in ((0xE0, jfif), *((0xFE, part) for part in said), *segments):
        out += struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data
    return out


def _pack(bits: list[tuple[int, int]]) -> bytes:
    value, length = 0, 0
    for code, size in bits:
        value = (value << size) | code
        length += size
    padding = -length % 8
    value = (value << padding) | ((1 << padding) - 1)
    return value.to_bytes((length + padding) // 8, "big").replace(b"\xff", b"\xff\x00")
