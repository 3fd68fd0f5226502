"""The text of files of every kind, of lying ones, and of hostile ones."""

import io
import zipfile
from pathlib import Path

import pytest

from domain.ai.file_text import CUT, FileText
from integrations.errors import Rejected
from integrations.readers import ocr
from integrations.readers.reader import LocalReader
from integrations.readers.sandbox import Limits
from tests.integrations.readers.documents import (
    DOCX,
    ODS,
    ODT,
    PDF,
    PPTX,
    XLSX,
    bomb,
    docx,
    drawing_itself,
    inflating_twice,
    open_document,
    paragraph,
    pdf,
    pdf_of,
    pdf_page,
    pptx,
    xlsx,
    zipped,
)

ORDER = "Pedido 4821 de Maria Teste, R$ 199,90"
READER = LocalReader()
without_ocr = pytest.mark.skipif(ocr.is_installed(for_pdf=False), reason="the extra ocr is installed")


async def read(tmp_path: Path, content: bytes, mime_type: str, reader: LocalReader = READER) -> FileText:
    path = tmp_path / "file"
    path.write_bytes(content)
    return await reader.read(path, mime_type=mime_type)


async def refusal(tmp_path: Path, content: bytes, mime_type: str, reader: LocalReader = READER) -> str:
    with pytest.raises(Rejected) as caught:
        await read(tmp_path, content, mime_type, reader)
    return caught.value.code


async def test_pages_of_a_pdf_are_read(tmp_path: Path) -> None:
    found = await read(tmp_path, pdf([ORDER, "The second page says this."]), PDF)

    assert found == FileText(text=f"{ORDER}\n\nThe second page says this.", mime_type=PDF, pages=2)


async def test_a_pdf_protected_only_from_change_is_read(tmp_path: Path) -> None:
    found = await read(tmp_path, pdf([ORDER], password="", owner="boss"), PDF)

    assert found.text == ORDER


async def test_pages_and_characters_of_a_pdf_are_limited(tmp_path: Path) -> None:
    by_pages = await read(tmp_path, pdf([ORDER] * 3), PDF, LocalReader(pages=2))
    by_characters = await read(tmp_path, pdf([ORDER] * 3), PDF, LocalReader(characters=50))

    assert by_pages == FileText(text=f"{ORDER}\n\n{ORDER}{CUT}", mime_type=PDF, pages=3, is_cut=True)
    assert by_characters.text == f"{ORDER}\n\nPedido 4821{CUT}"
    assert by_characters.is_cut


async def test_a_document_is_read_by_paragraphs_and_rows(tmp_path: Path) -> None:
    cells = f"<w:tc>{paragraph('Total')}</w:tc><w:tc>{paragraph('199,90')}</w:tc>"
    twice = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<mc:Choice>{paragraph('once')}</mc:Choice><mc:Fallback>{paragraph('once')}</mc:Fallback>"
        "</mc:AlternateContent>"
    )
    body = (
        paragraph("Olá, João")
        + f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>"
        + "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:delText>gone</w:delText></w:r></w:p>"
        + twice
    )

    found = await read(tmp_path, docx(body), DOCX)

    assert found.text == "Olá, João\nTotal \t199,90 \t\na\tb\n\nonce"
    assert (found.mime_type, found.is_cut) == (DOCX, False)


async def test_a_workbook_is_read_by_sheets_and_rows(tmp_path: Path) -> None:
    first = (
        '<row><c t="s"><v>1</v></c><c><f>1+1</f><v>2</v></c><c t="b"><v>1</v></c></row>'
        '<row><c t="inlineStr"><is><t>in place</t></is></c><c t="s"><v>99</v></c></row>'
    )
    shared = "<si><t>no</t></si><si><r><t>Ma</t></r><r><t>ria</t></r></si>"

    found = await read(tmp_path, xlsx({"Vendas": first, "Zwei": ""}, shared=shared), XLSX)

    assert found.text == "Vendas\nMaria\t2\tTRUE\nin place\t\n\nZwei"
    assert found.pages == 2


async def test_slides_are_read_in_their_order(tmp_path: Path) -> None:
    found = await read(tmp_path, pptx([f"slide {number}" for number in range(1, 12)]), PPTX)

    assert found.text.split("\n\n") == [f"slide {number}" for number in range(1, 12)]
    assert found.pages == 11


@pytest.mark.parametrize(
    ("mime_type", "body", "text"),
    [
        (
            ODT,
            "<text:h>Title</text:h><text:p>a<text:tab/>b<text:span>c</text:span>d</text:p>",
            "Title\na\tbcd",
        ),
        (
            ODS,
            "<table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
            "<table:table-cell><text:p>b</text:p></table:table-cell></table:table-row>",
            "a \tb",
        ),
    ],
)
async def test_an_open_document_is_read(tmp_path: Path, mime_type: str, body: str, text: str) -> None:
    assert (await read(tmp_path, open_document(body), mime_type)).text == text


@pytest.mark.parametrize(
    ("content", "mime_type", "text"),
    [
        ("Olá".encode(), "text/plain", "Olá"),
        ("Olá".encode("utf-8-sig"), "text/plain; charset=us-ascii", "Olá"),
        ("Olá".encode("utf-16"), "text/plain", "Olá"),
        ("Olá, Maria".encode("utf-16-le"), "text/plain", "Olá, Maria"),
        ("Olá, Maria".encode("utf-16-be"), "text/plain", "Olá, Maria"),
        ("Olá".encode("utf-32"), "text/plain", "Olá"),
        ("Olá “5 €”".encode("cp1252"), "text/csv", "Olá “5 €”"),
        (b"Ol\xe1 \x81", "text/csv", "Olá \x81"),
        (b"a;b\r\n1;2\r\n", "application/vnd.ms-excel", "a;b\n1;2"),
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b"what nobody named", "application/octet-stream", "what nobody named"),
        (
            b"<html><head><title>T</title></head><body><script>bad()</script><p>Ol&aacute;,\n Jo&#227;o</p>"
            b"<table><tr><td>a</td><td>b</td></tr></table><style>p{}</style></body>",
            "text/html",
            "Olá, João\na b",
        ),
    ],
)
async def test_text_is_read_in_whatever_characters_it_is(
    tmp_path: Path, content: bytes, mime_type: str, text: str
) -> None:
    found = await read(tmp_path, content, mime_type)

    assert (found.text, found.is_cut) == (text, False)


async def test_a_hundred_megabytes_of_text_are_read_from_their_beginning(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write("á".encode() * 500_000)
        file.truncate(100 * 2**20)

    found = await READER.read(path, mime_type="text/plain")

    assert found.text == "á" * 200_000 + CUT
    assert found.is_cut


async def test_a_hundred_megabytes_of_pdf_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    # Readers begin at the end; what stands between only has to be skipped.
    objects, _, start = pdf([ORDER]).rpartition(b"startxref")
    with path.open("wb") as file:
        file.write(objects + b"%" + b" " * (100 * 2**20) + b"\nstartxref" + start)

    found = await READER.read(path, mime_type=PDF)

    assert found.text == ORDER


async def test_a_file_beyond_reason_is_refused_unopened(tmp_path: Path) -> None:
    small = LocalReader(largest=100)

    assert await refusal(tmp_path, pdf([ORDER]), PDF, small) == "TOO_LARGE"


@pytest.mark.parametrize(
    ("content", "mime_type", "code"),
    [
        (b"", PDF, "EMPTY"),
        (zipped({"a": "b"}), PDF, "NOT_A_PDF"),
        (b"just text", PDF, "NOT_A_PDF"),
        (b"MZ\x90\x00\x03\x00\x00\x00", "image/jpeg", "NOT_AN_IMAGE"),
        (b"%PDF-1.7", "image/jpeg", "NOT_AN_IMAGE"),
        (pdf([ORDER]), DOCX, "NOT_A_DOCX"),
        (zipped({"a": "b"}), DOCX, "NOT_A_DOCX"),
        (pptx(["slide"]), XLSX, "NOT_A_XLSX"),
        (xlsx({"a": ""}), PPTX, "NOT_A_PPTX"),
        (docx(paragraph("x")), ODT, "NOT_A_ODF"),
        (docx(paragraph("x"))[:-30], DOCX, "NOT_A_DOCX"),
        (b"PK\x03\x04" + bytes(100), DOCX, "NOT_A_DOCX"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), DOCX, "ENCRYPTED"),
        (b"\x7fELF" + bytes(60), "text/plain", "NOT_TEXT"),
        (zipped({"a": "b"}), "text/csv", "NOT_TEXT"),
        (b"text \x00 with \x01\x02 zeros", "text/plain", "NOT_TEXT"),
        (zipped({"a": "b"}), "application/vnd.ms-excel", "UNSUPPORTED"),
        (b"PK\x03\x04", "application/zip", "UNSUPPORTED"),
        (b"OggS", "audio/ogg", "UNSUPPORTED"),
    ],
)
async def test_a_file_that_lies_about_its_type_is_refused(
    tmp_path: Path, content: bytes, mime_type: str, code: str
) -> None:
    assert await refusal(tmp_path, content, mime_type) == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (pdf([ORDER], password="secret"), "ENCRYPTED"),
        (pdf([ORDER])[:200], "UNREADABLE"),
        (b"%PDF-1.7\n" + b"\x00\xff" * 5_000, "UNREADABLE"),
    ],
)
async def test_a_pdf_that_cannot_be_opened_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    assert await refusal(tmp_path, content, PDF) == code


async def test_a_page_that_inflates_without_end_has_no_text(tmp_path: Path) -> None:
    reader = LocalReader(limits=Limits(memory=384 * 2**20))

    found = await read(tmp_path, pdf_page(inflating_twice(512 * 2**20)), PDF, reader)

    assert (found.text, found.pages) == ("", 1)


@without_ocr
async def test_a_form_that_draws_itself_ends(tmp_path: Path) -> None:
    found = await read(tmp_path, drawing_itself(), PDF)

    assert (found.text, found.pages) == ("", 1)


async def test_pages_that_hold_themselves_are_refused(tmp_path: Path) -> None:
    loop = pdf_of(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>")

    assert await refusal(tmp_path, loop, PDF) == "UNREADABLE"


def many_entries() -> bytes:
    return zipped({f"entry{number}": "" for number in range(10_001)})


def encrypted() -> bytes:
    content = bytearray(docx(paragraph("x")))
    # The flag of the entry in the directory at the end (APPNOTE 4.3.12).
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (bomb("word/document.xml", size=300 * 2**20), "ZIP_BOMB"),
        (many_entries(), "ZIP_BOMB"),
        (encrypted(), "ENCRYPTED"),
        (docx(paragraph("&b;"), before='<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'), "HOSTILE_XML"),
        (
            docx(paragraph("&f;"), before='<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
            "HOSTILE_XML",
        ),
        (docx("<w:p>"), "UNREADABLE"),
        (zipped({"word/document.xml": b"\xff\xfe\xff"}), "UNREADABLE"),
    ],
)
async def test_a_hostile_document_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    assert await refusal(tmp_path, content, DOCX) == code


async def test_an_archive_that_lies_about_its_sizes_is_refused(tmp_path: Path) -> None:
    content = bytearray(docx(paragraph("x" * 100_000)))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.index(mark) + place
        content[start : start + 4] = (50).to_bytes(4, "little")

    assert await refusal(tmp_path, bytes(content), DOCX) == "UNREADABLE"


async def test_elements_without_end_take_no_more_memory_than_allowed(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("word/document.xml", "w") as entry:
            entry.write(b"<a>" + b"<b/>" * 1_500_000)
    reader = LocalReader(limits=Limits(memory=128 * 2**20))

    assert await refusal(tmp_path, buffer.getvalue(), DOCX, reader) == "OUT_OF_MEMORY"


async def test_a_text_in_one_endless_element_is_cut(tmp_path: Path) -> None:
    found = await read(tmp_path, docx(paragraph("x" * 20_000_000)), DOCX)

    assert found.text == "x" * 200_000 + CUT


async def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as caught:
        await READER.read(tmp_path / "gone", mime_type=PDF)

    assert caught.value.code == "NO_FILE"


def test_what_can_be_read_is_known_beforehand() -> None:
    assert READER.reads("application/pdf")
    assert READER.reads("text/csv; charset=utf-8")
    assert READER.reads(DOCX)
    assert not READER.reads("application/zip")
    assert not READER.reads("audio/ogg")
    assert READER.reads("image/jpeg") is ocr.is_installed(for_pdf=False)


@without_ocr
async def test_a_picture_needs_the_extra(tmp_path: Path) -> None:
    assert await refusal(tmp_path, b"\xff\xd8\xff\xe0", "image/jpeg") == "UNSUPPORTED"


@without_ocr
async def test_a_pdf_of_pictures_has_no_text_without_the_extra(tmp_path: Path) -> None:
    found = await read(tmp_path, pdf(["", ""]), PDF)

    assert (found.text, found.pages, found.is_cut) == ("", 2, False)
