"""What a file says survives in it, and the file remains what its mimetype says."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aisim.hearing import NoSound, Sound, hear
from aisim.seeing import NoPicture, see
from wasim.content import Audio, Image, Sticker, Video, Voice
from wasim.media import file_of

BEFORE_WORDS = len(b"OpusTags") + 4 + len(b"wasim") + 4 + 4 + len(b"TRANSCRIPT=")
PAGE = 255 * 255

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)


@given(words)
@example("x" * (255 - BEFORE_WORDS))
@example("x" * (PAGE - BEFORE_WORDS - 1))
@example("x" * (PAGE - BEFORE_WORDS))
@example("x" * (2 * PAGE - BEFORE_WORDS))
@example("é" * 100_000)
def test_the_words_of_a_voice_note_are_heard(said):
    assert hear(file_of(Voice(seconds=3, words=said), "s").data) == Sound(3.0, said)


@given(words)
def test_the_words_of_an_audio_file_are_heard(said):
    assert hear(file_of(Audio(seconds=2, words=said), "s").data) == Sound(2.0, said)


@given(words.filter(lambda text: text == text.strip(" \x00")))
@example("x" * 65533)
@example("é" * 100_000)
def test_what_a_jpeg_shows_is_seen(shown):
    seen = see(file_of(Image(description=shown), "s").data)

    assert (seen.kind, seen.description) == ("jpeg", shown)


@given(words)
@example("Pão")
@example("Pão 🎂")
def test_what_a_png_shows_is_seen(shown):
    seen = see(file_of(Image(description=shown, mimetype="image/png"), "s").data)

    assert (seen.kind, seen.description) == ("png", shown)


@pytest.mark.parametrize("length", [0, 1, 200, PAGE - BEFORE_WORDS, PAGE, 3 * PAGE])
def test_the_comment_header_has_pages_of_its_own(length):
    """RFC 7845, sections 3 and 4; RFC 3533, section 6."""
    data = file_of(Voice(seconds=2, words="x" * length), "s").data

    pages = pages_of(data)
    assert [page["number"] for page in pages] == list(range(len(pages)))
    assert [page["flags"] for page in pages] == [2, 0, *[1] * (len(pages) - 4), 0, 4]
    header = pages[1:-2]
    assert [page["position"] for page in header] == [-1] * (len(header) - 1) + [0]
    assert [page["position"] for page in pages[-2:]] == [48000, 96000]
    lacing = b"".join(page["lacing"] for page in header)
    # The packet ends with the first length below 255, and with it the last page of the header.
    assert set(lacing[:-1]) <= {255}
    assert lacing[-1] < 255
    assert sum(lacing) == BEFORE_WORDS + length if length else sum(lacing) == 21


def pages_of(data: bytes) -> list[dict]:
    found, at = [], 0
    while at < len(data):
        sign, flags, position, number, count = struct.unpack_from("<4sxBq4xI4xB", data, at)
        assert sign == b"OggS"
        lacing = data[at + 27 : at + 27 + count]
        found.append({"flags": flags, "position": position, "number": number, "lacing": lacing})
        at += 27 + count + sum(lacing)
    assert at == len(data)
    return found


def test_the_chunks_of_a_wav_fill_it():
    for said in (None, "a", "ab"):
        data = file_of(Audio(seconds=1, words=said), "s").data

        names, at = [], 12
        assert struct.unpack_from("<4sI4s", data) == (b"RIFF", len(data) - 8, b"WAVE")
        while at < len(data):
            name, length = struct.unpack_from("<4sI", data, at)
            names.append(name)
            at += 8 + length + length % 2
        assert at == len(data)
        assert names == ([b"fmt ", b"LIST", b"data"] if said else [b"fmt ", b"data"])


def test_files_without_words_are_told_by_their_beginning():
    assert hear(file_of(Voice(seconds=12), "s").data) == Sound(12.0, None)
    assert hear(file_of(Video(seconds=9), "s").data) == Sound(9.0, None)
    assert hear(b"ID3" + bytes(100)) == Sound(None, None)
    assert see(file_of(Image(), "s").data).description is None
    assert see(file_of(Sticker(), "s").data).kind == "webp"


@pytest.mark.parametrize("kind", [Voice(seconds=3, words="Oi"), Audio(seconds=2, words="Oi")])
def test_a_damaged_file_is_refused_or_heard_but_never_breaks(kind):
    whole = file_of(kind, "s").data
    for length in range(0, len(whole), 7):
        try:
            hear(whole[:length])
        except NoSound:
            continue


def test_what_is_no_file_of_its_kind_is_refused():
    for data in (b"", b"hello", b"OggS", b"OggS" + bytes(50), b"RIFF\0\0\0\0WAVE"):
        with pytest.raises(NoSound):
            hear(data)
    for data in (b"", b"hello", b"RIFF\0\0\0\0WAVE"):
        with pytest.raises(NoPicture):
            see(data)
