"""Generated files are what their mimetype says."""

import base64
import struct
import zlib

import pytest

from wasim.content import Audio, Document, Image, Sticker, Text, Video, Voice
from wasim.jpeg import DC_CODES
from wasim.media import extension, file_of, qr_picture


@pytest.mark.parametrize(
    ("content", "mimetype", "start", "size"),
    [
        (Image(), "image/jpeg", b"\xff\xd8\xff\xe0", 8000),
        (Video(), "video/mp4", b"\x00\x00\x00\x18ftyp", 300),
        (Voice(seconds=12), "audio/ogg; codecs=opus", b"OggS", 4000),
        (Audio(), "audio/wav", b"RIFF", 5000),
        (Document(filename="a.pdf"), "application/pdf", b"%PDF-1.4", 1200),
        (Sticker(), "image/webp", b"RIFF", 100),
    ],
)
def test_a_kind_without_data_gets_a_small_real_file(content, mimetype, start, size):
    file = file_of(content, "seed")
    assert file.mimetype == mimetype
    assert file.data.startswith(start)
    assert len(file.data) < size


def test_a_photo_depends_on_its_message_only():
    assert file_of(Image(), "a").data == file_of(Image(), "a").data
    assert file_of(Image(), "a").data != file_of(Image(), "b").data


def test_a_jpeg_states_its_size_and_ends_with_its_end():
    data = file_of(Image(), "seed").data
    frame = data.index(b"\xff\xc0")
    assert struct.unpack(">HH", data[frame + 5 : frame + 9]) == (256, 192)
    assert data.endswith(b"\xff\xd9")


def test_a_jpeg_holds_one_colour_for_every_tile_and_nothing_else():
    data = file_of(Image(), "seed").data
    scan = data.index(b"\xff\xda")
    stream = data[scan + 2 + 12 : -2].replace(b"\xff\x00", b"\xff")
    bits = "".join(f"{byte:08b}" for byte in stream)
    sizes = {f"{code:0{length}b}": size for size, (code, length) in DC_CODES.items()}
    at, levels = 0, [0, 0, 0]
    for block in range(24 * 32 * 3):
        length = next(n for n in range(2, 10) if bits[at : at + n] in sizes)
        size = sizes[bits[at : at + length]]
        value = bits[at + length : at + length + size]
        at += length + size
        assert bits[at] == "0", "the end of the block"
        at += 1
        if size:
            levels[block % 3] += int(value, 2) if value[0] == "1" else int(value, 2) - (1 << size) + 1
            assert -64 <= levels[block % 3] < 64
    assert len(bits) - at < 8
    assert set(bits[at:]) <= {"1"}


def test_every_page_of_a_voice_note_carries_a_right_checksum():
    data = file_of(Voice(seconds=3), "seed").data
    pages = data.split(b"OggS")[1:]
    assert len(pages) == 2 + 3
    for page in (b"OggS" + page for page in pages):
        stated = struct.unpack("<I", page[22:26])[0]
        assert ogg_crc(page[:22] + bytes(4) + page[26:]) == stated


def ogg_crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def test_a_pairing_code_is_a_png_whose_chunks_check():
    data = qr_picture("2@value")
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at = 8
    names = []
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        names.append(name)
        at += 12 + length
    assert names == [b"IHDR", b"IDAT", b"IEND"]


def test_a_pdf_points_at_its_own_table():
    data = file_of(Document(filename="Orçamento (2).pdf"), "seed").data
    start = int(data.rpartition(b"startxref\n")[2].partition(b"\n")[0])
    assert data[start:].startswith(b"xref\n0 6\n")
    first = int(data[start:].split(b"\n")[3][:10])
    assert data[first:].startswith(b"1 0 obj")


def test_given_bytes_are_served_as_given():
    given = base64.b64encode(b"hello").decode()
    file = file_of(Document(data=given, mimetype="text/plain", filename="a.txt"), "seed")
    assert (file.data, file.mimetype, file.filename) == (b"hello", "text/plain", "a.txt")
    with pytest.raises(ValueError, match="not base64"):
        file_of(Document(data="***"), "seed")
    assert file_of(Text(text="no file"), "seed") is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"kind": "voice", "words": "É para sábado"}, b"TRANSCRIPT=\xc3\x89 para s\xc3\xa1bado"),
        ({"kind": "audio", "words": "It is for Saturday"}, b"ICMT\x13\x00\x00\x00It is for Saturday\x00"),
        ({"kind": "image", "description": "Um pão"}, b"\xff\xfe\x00\x09Um p\xc3\xa3o"),
        (
            {"kind": "image", "description": "Um pão", "mimetype": "image/png"},
            b"tEXtDescription\x00Um p\xe3o",
        ),
    ],
)
async def test_words_and_descriptions_are_inside_the_files_that_are_downloaded(wasim, content, expected):
    sent = await wasim.post("sessions/shop/incoming", person="5511999990001", content=content)
    path = f"/api/shop/chats/5511999990001@c.us/messages/{sent['id']}"
    message = (await wasim.control.get(path, params={"downloadMedia": "true"})).json()

    file = await wasim.control.get(message["media"]["url"])

    assert expected in file.content


async def test_data_that_is_given_is_not_changed_for_words(wasim):
    content = {"kind": "voice", "words": "Oi", "data": base64.b64encode(b"OggS").decode()}
    sent = await wasim.post("sessions/shop/incoming", person="5511999990001", content=content)
    path = f"/api/shop/chats/5511999990001@c.us/messages/{sent['id']}"
    message = (await wasim.control.get(path, params={"downloadMedia": "true"})).json()

    assert (await wasim.control.get(message["media"]["url"])).content == b"OggS"


def test_extensions_ignore_parameters():
    assert extension("audio/ogg; codecs=opus") == "oga"
    assert extension("application/zip") == "zip"
