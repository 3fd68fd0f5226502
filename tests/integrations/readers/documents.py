"""Makes small files of many kinds, and hostile ones."""

import io
import zipfile
import zlib
from collections.abc import Mapping

from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"


def zipped(entries: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def docx(body: str, *, before: str = "") -> bytes:
    return zipped(
        {"word/document.xml": f'{before}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'}
    )


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx(sheets: Mapping[str, str], *, shared: str = "") -> bytes:
    listed = "".join(
        f'<sheet name="{title}" sheetId="{number}" r:id="rId{number}"/>'
        for number, title in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="rId{number}" Target="worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    entries = {
        "xl/workbook.xml": f'<workbook xmlns="{S}" xmlns:r="{R}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"<Relationships>{related}</Relationships>",
    }
    for number, rows in enumerate(sheets.values(), 1):
        entries[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{S}"><sheetData>{rows}</sheetData></worksheet>'
        )
    if shared:
        entries["xl/sharedStrings.xml"] = f'<sst xmlns="{S}">{shared}</sst>'
    return zipped(entries)


def pptx(slides: list[str]) -> bytes:
    entries = {"ppt/presentation.xml": "<presentation/>"}
    for number, text in enumerate(slides, 1):
        entries[f"ppt/slides/slide{number}.xml"] = (
            f'<s xmlns:a="{A}"><a:p><a:r><a:t>{text}</a:t></a:r></a:p></s>'
        )
    return zipped(entries)


def open_document(body: str) -> bytes:
    return zipped(
        {
            "mimetype": ODT,
            "content.xml": '<o xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
            f'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0">{body}</o>',
        }
    )


def pdf(pages: list[str], *, password: str | None = None, owner: str | None = None) -> bytes:
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for text in pages:
        page = writer.add_blank_page(400, 200)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        if text:
            stream = DecodedStreamObject()
            stream.set_data(f"BT /F1 20 Tf 20 100 Td ({text}) Tj ET".encode())
            page[NameObject("/Contents")] = writer._add_object(stream)
    if password is not None:
        writer.encrypt(password, owner, algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def bomb(name: str, *, size: int) -> bytes:
    """A ZIP with one entry of so many zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open(name, "w", force_zip64=True) as entry:
            for _ in range(size // 2**20):
                entry.write(bytes(2**20))
    return buffer.getvalue()


def pdf_of(*objects: bytes) -> bytes:
    """A PDF of hand-written objects, numbered from 1, of which the first is the catalogue."""
    written, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % one for one in places)
    size = len(objects) + 1
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(written))
    return written + b"xref\n0 %d\n0000000000 65535 f \n%b%b" % (size, table, end)


def pdf_page(contents: bytes, *more: bytes) -> bytes:
    """A PDF of one page, whose resources are object 5."""
    return pdf_of(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources 5 0 R >>",
        contents,
        *(more or (b"<< >>",)),
    )


def drawing_itself(*, text: str = "") -> bytes:
    """A PDF with a page of that text, if any, and one with a form that draws itself twice."""
    form = b"<< /Type /XObject /Subtype /Form /Resources 5 0 R /Length 11 >>\nstream\n/F Do /F Do\nendstream"
    drawn, resources = b"<< /Length 5 >>\nstream\n/F Do\nendstream", b"<< /XObject << /F 6 0 R >> >>"
    if not text:
        return pdf_page(drawn, resources, form)
    shown = b"BT /F1 20 Tf 20 100 Td (%b) Tj ET" % text.encode()
    return pdf_of(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [7 0 R 3 0 R] /Count 2 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources 5 0 R >>",
        drawn,
        resources,
        form,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents 8 0 R /Resources 9 0 R >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(shown), shown),
        b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>",
    )


def inflating_twice(size: int) -> bytes:
    """A stream of a PDF that inflates to so many zeros."""
    inner = zlib.compressobj(9)
    once = b"".join([inner.compress(bytes(2**20)) for _ in range(size // 2**20)]) + inner.flush()
    twice = zlib.compress(once, 9)
    head = b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>" % len(twice)
    return b"%b\nstream\n%b\nendstream" % (head, twice)
