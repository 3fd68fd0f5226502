"""Small real files made in code: a JPEG, a PNG, an Ogg Opus voice note, a WAV, an MP4, a WebP, a PDF."""

import base64
import binascii
import random
import struct
import zlib

from wasim.content import Audio, Content, Document, Image, Media, Sticker, Video, Voice
from wasim.jpeg import mosaic
from wasim.message import StoredFile
from wasim.sound import ogg_opus, wav

_EXTENSIONS = {
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
    "audio/ogg": "oga",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "video/mp4": "mp4",
    "application/pdf": "pdf",
    "text/plain": "txt",
}


def file_of(content: Content, seed: str) -> StoredFile | None:
    """The file of a media message: the bytes it came with, or generated ones; None for other kinds.

    Raises `ValueError` when `data` is not base64.
    """
    if not isinstance(content, Media):
        return None
    made, mimetype = _generate(content, seed)
    if content.data is not None:
        try:
            made = base64.b64decode(content.data, validate=True)
        except binascii.Error as error:
            raise ValueError(f"data of a {type(content).__name__.lower()} is not base64: {error}") from error
    filename = content.filename
    if isinstance(content, Document):
        filename = filename or "document.pdf"
    return StoredFile(data=made, mimetype=content.mimetype or mimetype, filename=filename)


def extension(mimetype: str) -> str:
    """The file name ending WAHA gives a mimetype; parameters do not count."""
    plain = mimetype.split(";", maxsplit=1)[0].strip()
    return _EXTENSIONS.get(plain, plain.rpartition("/")[2] or "bin")


def png(rows: list[list[bool]], scale: int = 4, *, description: str | None = None) -> bytes:
    """A black and white PNG; True is black, each cell `scale` pixels wide.

    The description is a `tEXt` chunk, or `iTXt` when Latin-1 cannot say it (PNG, section 11.3.3).
    """
    width = len(rows[0]) * scale
    raw = bytearray()
    for row in rows:
        line = b"\x00" + b"".join((b"\x00" if cell else b"\xff") * scale for cell in row)
        raw += line * scale
    header = struct.pack(">IIBBBBB", width, len(rows) * scale, 8, 0, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _description(description) if description else b"",
            _chunk(b"IDAT", zlib.compress(bytes(raw))),
            _chunk(b"IEND", b""),
        )
    )


def qr_picture(value: str) -> bytes:
    """A picture that looks like a pairing code; no phone can read it, the control API scans instead."""
    rng = random.Random(value)  # noqa: S311 -- a pattern, not a secret
    size = 29
    rows = [[rng.random() < 0.5 for _ in range(size)] for _ in range(size)]  # noqa: PLR2004 -- half of them black
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):
        for y in range(-1, 8):
            for x in range(-1, 8):
                if 0 <= top + y < size and 0 <= left + x < size:
                    ring = max(abs(y - 3), abs(x - 3))
                    rows[top + y][left + x] = ring in (0, 1, 3)
    quiet = [[False] * (size + 8)] * 4
    return png([*quiet, *([False] * 4 + row + [False] * 4 for row in rows), *quiet])


def mp4(seconds: int) -> bytes:
    """An MP4 container that states its duration and holds no track."""
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    mvhd = struct.pack(">IIIIIIHHQ", 0, 0, 0, 1000, seconds * 1000, 0x10000, 0x100, 0, 0)
    mvhd += matrix + bytes(24) + struct.pack(">I", 1)
    return _box(b"ftyp", b"isom\x00\x00\x02\x00isommp41") + _box(b"moov", _box(b"mvhd", mvhd))


def pdf(title: str) -> bytes:
    """A one-page PDF showing its title."""
    safe = title.encode("latin-1", "replace").decode("latin-1").translate(str.maketrans("()\\", "[]/"))
    stream = f"BT /F1 18 Tf 60 760 Td ({safe}) Tj ET".encode("latin-1")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(out)
    out += b"xref\n0 6\n0000000000 65535 f \n" + table
    return bytes(out) + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start


WEBP = base64.b64decode("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
"""A one-pixel lossless WebP."""


def _generate(content: Media, seed: str) -> tuple[bytes, str]:
    match content:
        case Image(mimetype="image/png", description=description):
            return png(_pattern(seed), description=description), "image/png"
        case Image(description=description):
            return mosaic(seed, comment=description), "image/jpeg"
        case Video(seconds=seconds):
            return mp4(seconds), "video/mp4"
        case Voice(seconds=seconds, words=words):
            return ogg_opus(seconds, words=words), "audio/ogg; codecs=opus"
        case Audio(seconds=seconds, words=words):
            return wav(seconds, words=words), "audio/wav"
        case Sticker():
            return WEBP, "image/webp"
        case _:
            return pdf(content.filename or "document.pdf"), "application/pdf"


def _pattern(seed: str) -> list[list[bool]]:
    rng = random.Random(seed)  # noqa: S311 -- a pattern, not a secret
    return [[rng.random() < 0.5 for _ in range(24)] for _ in range(32)]  # noqa: PLR2004 -- half of them black


def _description(text: str) -> bytes:
    try:
        return _chunk(b"tEXt", b"Description\x00" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", b"Description\x00" + bytes(4) + text.encode())


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + name + data
