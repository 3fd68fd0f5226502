"""Text in pictures, where the extra `ocr` is installed."""

import importlib
import io
from pathlib import Path

import pytest

from domain.ai.file_text import CUT, ReadBy
from integrations.errors import Rejected
from integrations.readers import ocr
from integrations.readers.reader import LocalReader
from integrations.readers.sandbox import Limits
from tests.integrations.readers.documents import PDF, drawing_itself, pdf

pytestmark = pytest.mark.skipif(not ocr.is_installed(for_pdf=True), reason="the extra ocr is not installed")

LINES = ["Pedido 4821 - Total R$ 199,90", "Pix: maria@example.org"]


def picture(form: str, *, size: tuple[int, int] = (900, 220)) -> bytes:
    image, draw, font = (importlib.import_module(f"PIL.{one}") for one in ("Image", "ImageDraw", "ImageFont"))
    canvas = image.new("RGB", size, "white")
    pen = draw.Draw(canvas)
    for number, line in enumerate(LINES):
        pen.text((20, 20 + number * 90), line, fill="black", font=font.load_default(40))
    buffer = io.BytesIO()
    canvas.save(buffer, form)
    return buffer.getvalue()


async def test_a_picture_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(picture("JPEG"))

    found = await LocalReader().read(tmp_path / "file", mime_type="image/jpeg")

    assert found.text.splitlines() == LINES
    assert (found.read_by, found.mime_type, found.pages) == (ReadBy.OCR, "image/jpeg", None)


async def test_pages_without_text_are_read_as_pictures(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(picture("PDF"))

    found = await LocalReader().read(tmp_path / "file", mime_type=PDF)

    assert found.text.splitlines() == LINES
    assert (found.read_by, found.mime_type, found.pages) == (ReadBy.OCR, PDF, 1)


async def test_pages_with_text_are_kept_beside_those_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(pdf(["This page has a text of its own.", "", ""]))

    found = await LocalReader(recognised_pages=1).read(tmp_path / "file", mime_type=PDF)

    assert found.text == "This page has a text of its own." + CUT
    assert (found.read_by, found.pages, found.is_cut) == (ReadBy.TEXT, 3, True)


async def test_a_page_that_cannot_be_drawn_takes_no_text_with_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(drawing_itself(text="This page has a text of its own."))
    reader = LocalReader(recognition=Limits(memory=3 * 1024**3, cpu_seconds=8, wall_seconds=60.0))

    found = await reader.read(tmp_path / "file", mime_type=PDF)

    assert found.text == "This page has a text of its own." + CUT
    assert (found.read_by, found.pages, found.is_cut) == (ReadBy.TEXT, 2, True)


async def test_a_pdf_that_cannot_be_drawn_and_has_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(drawing_itself())
    reader = LocalReader(recognition=Limits(memory=3 * 1024**3, cpu_seconds=4, wall_seconds=60.0))

    with pytest.raises(Rejected) as caught:
        await reader.read(tmp_path / "file", mime_type=PDF)

    assert caught.value.code in {"TOO_SLOW", "UNREADABLE"}


async def test_an_empty_picture_has_no_text(tmp_path: Path) -> None:
    image = importlib.import_module("PIL.Image")
    image.new("RGB", (80, 60), "white").save(tmp_path / "file", "PNG")

    found = await LocalReader().read(tmp_path / "file", mime_type="image/png")

    assert (found.text, found.read_by) == ("", ReadBy.OCR)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"\x89PNG\r\n\x1a\n" + bytes(100), "UNREADABLE"), (b"\xff\xd8\xff\xe0" + bytes(100), "UNREADABLE")],
)
async def test_a_damaged_picture_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(Rejected) as caught:
        await LocalReader().read(tmp_path / "file", mime_type="image/png")

    assert caught.value.code == code


async def test_a_picture_of_endless_size_is_refused_undecoded(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(picture("PNG", size=(10_000, 9_000)))

    with pytest.raises(Rejected) as caught:
        await LocalReader().read(tmp_path / "file", mime_type="image/png")

    assert caught.value.code == "TOO_LARGE"
