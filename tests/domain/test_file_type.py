"""What a file really is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.crm.file_type import UNKNOWN, begins_like, may_be_shown, served_type, true_type

JPEG, PNG, PDF, OGG = b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"%PDF-1.7", b"OggS\x00"
MP4, M4A, QUICKTIME = b"\0\0\0\x20ftypisom", b"\0\0\0\x20ftypM4A ", b"\0\0\0\x14ftypqt  "
WAV, WEBP, MP3, AAC = b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WEBP", b"\xff\xfb\x90", b"\xff\xf1\x50"
UTF16 = b"\xff\xfeH\0i\0"


@pytest.mark.parametrize(
    ("said", "beginning", "found"),
    [
        ("image/jpeg", JPEG, "image/jpeg"),
        ("IMAGE/JPEG; q=1", JPEG, "image/jpeg"),
        ("image/png", JPEG, UNKNOWN),
        ("image/webp", WEBP, "image/webp"),
        ("audio/wav", WEBP, UNKNOWN),
        ("audio/ogg; codecs=opus", OGG, "audio/ogg"),
        ("audio/mp4", MP4, "audio/mp4"),
        ("video/quicktime", QUICKTIME, "video/quicktime"),
        (None, M4A, "audio/mp4"),
        (None, MP4, "video/mp4"),
        ("audio/mpeg", MP3, "audio/mpeg"),
        ("audio/mpeg", b"ID3\x04", "audio/mpeg"),
        ("audio/aac", AAC, "audio/aac"),
        ("audio/mpeg", AAC, UNKNOWN),
        ("text/plain", UTF16, "text/plain"),
        ("text/plain", b"", "text/plain"),
        ("application/zip", b"PK\x03\x04", "application/zip"),
        ("application/zip", PDF, UNKNOWN),
        (None, b"hello", UNKNOWN),
        ("", PNG, "image/png"),
        ("nonsense", PNG, "image/png"),
        ("image/x-new", b"anything", UNKNOWN),
    ],
)
def test_a_file_is_what_it_begins_like(said: str | None, beginning: bytes, found: str) -> None:
    assert true_type(said, beginning) == found


@given(st.text(max_size=40), st.binary(max_size=32))
def test_what_is_shown_in_place_begins_like_something_that_runs_nothing(said: str, beginning: bytes) -> None:
    found = true_type(said, beginning)

    if may_be_shown(found):
        assert true_type(None, beginning) != UNKNOWN
    # Saying it again changes nothing.
    assert true_type(found, beginning) in {found, true_type(None, beginning)}


@pytest.mark.parametrize(
    "active",
    [
        "text/html",
        "application/xhtml+xml",
        "image/svg+xml",
        "text/xml",
        "application/xml",
        "text/javascript",
        "application/ecmascript",
        "multipart/related",
        "text/plain\r\nX-Evil: 1",
        "",
        None,
    ],
)
def test_what_a_browser_could_run_is_served_as_unknown(active: str | None) -> None:
    assert served_type(active) == UNKNOWN
    assert not may_be_shown(served_type(active))


@pytest.mark.parametrize(
    "harmless", ["image/jpeg", "text/csv", "application/vnd.ms-excel", "application/pdf"]
)
def test_other_types_are_served_as_they_are(harmless: str) -> None:
    assert served_type(harmless) == harmless


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"PK\x03\x04\x14\x00", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
        (b"MZ\x90\x00\x03\x00", "application/vnd.microsoft.portable-executable"),
        (b"\x7fELF\x02", "application/x-executable"),
        (b"II*\x00", "image/tiff"),
        (b"BM\x36\x00\x01\x00\x00\x00\x00\x00", "image/bmp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"MZ is how this text begins", None),
        (b"BMW, Fiat", None),
        (b"Oi", None),
        (b"", None),
    ],
)
def test_archives_and_programs_are_known_by_their_beginning(beginning: bytes, kind: str | None) -> None:
    assert begins_like(beginning) == kind
