"""What a file really is, by how it begins, and how it may be shown without harm."""

import re
from collections.abc import Callable
from dataclasses import dataclass

UNKNOWN = "application/octet-stream"
"""The type of files of which nothing is known, or which are not what they are said to be."""

_WELL_FORMED = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_UNDECLARED = {"", UNKNOWN, "binary/octet-stream", "application/binary"}
_PROVABLE = ("image/", "audio/", "video/", "application/pdf")
_SHOWN = {"image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"}
_LAYER, _LAYER_III = 0x06, 0x02
_ACTIVE = re.compile(r"text/html|.*[/+-]xml|.*script|application/x-shockwave-flash|.*mhtml|multipart/.*")


@dataclass(frozen=True, slots=True)
class _Form:
    """A way files begin: its usual type first, then the other types that such files are rightly given."""

    types: tuple[str, ...]
    begins: Callable[[bytes], bool]


def true_type(declared: str | None, beginning: bytes) -> str:
    """Return the type of a file, given what its sender says and its first bytes.

    What is said of pictures, sounds, films and PDF is believed only when the file begins like one, and of other
    files only when they do not begin like those: otherwise the type is unknown.
    """
    said = (declared or "").partition(";")[0].strip().lower()
    form = next((one for one in _FORMS if one.begins(beginning)), None)
    if said in _UNDECLARED or not _WELL_FORMED.fullmatch(said):
        return UNKNOWN if form is None else form.types[0]
    if form is not None:
        return said if said in form.types else UNKNOWN
    return UNKNOWN if said.startswith(_PROVABLE) else said


def begins_like(beginning: bytes) -> str | None:
    """Return the usual type of files that begin so: also of archives and programs, which `true_type` lets be."""
    return next((one.types[0] for one in (*_FORMS, *_CONTAINERS) if one.begins(beginning)), None)


def may_be_shown(mime_type: str) -> bool:
    """Whether a browser may show files of a type in place; those that could run scripts are only saved."""
    return mime_type in _SHOWN or mime_type.startswith(("audio/", "video/"))


def served_type(mime_type: str | None) -> str:
    """Return the type to give a browser: unknown for those that it could run."""
    said = (mime_type or "").lower()
    return said if _WELL_FORMED.fullmatch(said) and not _ACTIVE.fullmatch(said) else UNKNOWN


def _prefix(*prefixes: bytes) -> Callable[[bytes], bool]:
    return lambda beginning: beginning.startswith(prefixes)


def _riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda beginning: beginning[:4] == b"RIFF" and beginning[8:12] == form


def _iso(*brands: bytes) -> Callable[[bytes], bool]:
    """Return whether a file is of the MP4 family (ISO/IEC 14496-12), of one of those brands if there are any."""
    return lambda beginning: beginning[4:8] == b"ftyp" and (not brands or beginning[8:12].startswith(brands))


def _mpeg_audio(beginning: bytes) -> bool:
    """Whether a file begins with an ID3 tag or a frame of MPEG layer III."""
    if beginning.startswith(b"ID3"):
        return True
    return beginning[:1] == b"\xff" and beginning[1:2] >= b"\xe0" and beginning[1] & _LAYER == _LAYER_III


def _adts(beginning: bytes) -> bool:
    """Whether a file begins with a frame of AAC without a container."""
    return beginning[:1] == b"\xff" and beginning[1:2] >= b"\xf0" and beginning[1] & _LAYER == 0


_ISO_TYPES = (
    "video/mp4",
    "audio/mp4",
    "audio/m4a",
    "audio/x-m4a",
    "audio/aac",
    "video/quicktime",
    "video/3gpp",
    "video/3gpp2",
    "audio/3gpp",
    "video/x-m4v",
)

_FORMS = (
    _Form(("image/jpeg", "image/jpg", "image/pjpeg"), _prefix(b"\xff\xd8\xff")),
    _Form(("image/png",), _prefix(b"\x89PNG\r\n\x1a\n")),
    _Form(("image/gif",), _prefix(b"GIF87a", b"GIF89a")),
    _Form(("image/webp",), _riff(b"WEBP")),
    _Form(("application/pdf",), _prefix(b"%PDF-")),
    _Form(("audio/ogg", "audio/opus", "video/ogg", "application/ogg"), _prefix(b"OggS")),
    _Form(("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"), _riff(b"WAVE")),
    _Form(("image/heic", "image/heif"), _iso(b"heic", b"heix", b"mif1", b"msf1")),
    _Form(("image/avif",), _iso(b"avif", b"avis")),
    _Form(("audio/mp4", *_ISO_TYPES), _iso(b"M4A", b"M4B")),
    _Form(_ISO_TYPES, _iso()),
    _Form(("video/webm", "audio/webm", "video/x-matroska"), _prefix(b"\x1a\x45\xdf\xa3")),
    _Form(("audio/amr", "audio/amr-wb"), _prefix(b"#!AMR")),
    _Form(("audio/aac", "audio/aacp", "audio/x-aac"), _adts),
    _Form(("audio/mpeg", "audio/mp3", "audio/x-mp3"), _mpeg_audio),
)

_CONTAINERS = (
    _Form(("application/zip",), _prefix(b"PK\x03\x04", b"PK\x05\x06")),
    _Form(("application/x-ole-storage",), _prefix(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
    _Form(("application/rtf",), _prefix(b"{\\rtf")),
    _Form(("application/gzip",), _prefix(b"\x1f\x8b")),
    _Form(("application/x-7z-compressed",), _prefix(b"7z\xbc\xaf\x27\x1c")),
    _Form(("application/vnd.rar",), _prefix(b"Rar!\x1a\x07")),
    _Form(("application/x-executable",), _prefix(b"\x7fELF")),
    _Form(("image/bmp",), lambda beginning: beginning[:2] == b"BM" and beginning[6:10] == bytes(4)),
    _Form(("image/tiff",), _prefix(b"II*\x00", b"MM\x00*")),
    _Form(
        ("application/vnd.microsoft.portable-executable",),
        lambda beginning: beginning[:2] == b"MZ" and b"\x00" in beginning[:64],
    ),
)
"""What begins like these is not called unknown when it is said to be another type: office files are archives."""
