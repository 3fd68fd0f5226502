"""The text of office files: Open XML (ECMA-376) and OpenDocument; runs in the reading process."""

import posixpath
import re
import zipfile
from collections.abc import Callable
from typing import IO
from xml.etree.ElementTree import Element

from integrations.errors import Rejected
from integrations.readers.writing import Writing
from integrations.readers.zipped import attribute, elements, opened

_SLIDE = re.compile(r"ppt/slides/slide(\d+)\.xml")
_BREAKS = {"br": "\n", "cr": "\n", "line-break": "\n", "tab": "\t", "s": " "}


def read(file: IO[bytes], *, kind: str, pages: int, characters: int) -> dict[str, object]:
    """Return the text of a file of a kind: DOCX, XLSX, PPTX or ODF. Raises `Rejected`."""
    writing = Writing(characters)
    with opened(file, called=kind) as archive:
        main, reader = _KINDS[kind]
        if main not in archive.namelist():
            raise Rejected(f"The file is called {kind} and has no {main} inside.", code=f"NOT_A_{kind}")
        count = reader(archive, writing, pages)
    return {"text": writing.text, "pages": count, "is_cut": writing.is_full}


def _document(archive: zipfile.ZipFile, writing: Writing, _: int) -> None:
    _words(archive, "word/document.xml", writing)


def _slides(archive: zipfile.ZipFile, writing: Writing, pages: int) -> int:
    found = sorted(
        (int(match[1]), match[0]) for name in archive.namelist() if (match := _SLIDE.fullmatch(name))
    )
    for _, name in found[:pages]:
        _words(archive, name, writing)
        writing.add("\n")
    writing.is_full |= len(found) > pages
    return len(found)


def _words(archive: zipfile.ZipFile, name: str, writing: Writing) -> None:
    """Take in the runs of text (`t`), a line for each paragraph (`p`); cells of one row share a line."""
    cells = fallbacks = 0
    for event, tag, element in elements(archive, name):
        if event == "start":
            cells += tag == "tc"
            fallbacks += tag == "Fallback"
            continue
        if tag == "Fallback":
            fallbacks -= 1
        elif fallbacks:
            # The same again, for programs that do not know the first form.
            continue
        elif tag == "t":
            writing.add(element.text or "")
        elif tag in {"br", "cr", "tab"}:
            writing.add(_BREAKS[tag])
        elif tag == "p":
            writing.add(" " if cells else "\n")
        elif tag == "tc":
            cells -= 1
            writing.add("\t")
        elif tag == "tr" and not cells:
            writing.add("\n")
        if tag in {"p", "tbl", "tr"}:
            element.clear()
        if writing.is_full:
            return


def _sheets(archive: zipfile.ZipFile, writing: Writing, pages: int) -> int:
    shared = _shared_texts(archive, limit=writing.limit)
    found = _sheet_names(archive)
    for title, name in found[:pages]:
        writing.add(f"{title}\n")
        _rows(archive, name, shared=shared, writing=writing)
        writing.add("\n")
    writing.is_full |= len(found) > pages
    return len(found)


def _sheet_names(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return the title and the entry of each sheet, in the workbook's order."""
    entries = set(archive.namelist())
    targets: dict[str, str] = {}
    if "xl/_rels/workbook.xml.rels" in entries:
        for event, tag, element in elements(archive, "xl/_rels/workbook.xml.rels"):
            if event == "end" and tag == "Relationship":
                path = posixpath.normpath(posixpath.join("/xl", element.get("Target") or ""))
                targets[element.get("Id") or ""] = path.lstrip("/")
    found = []
    for event, tag, element in elements(archive, "xl/workbook.xml"):
        # `id` with a namespace names the relationship; the sheet's own number is `sheetId`.
        if (
            event == "end"
            and tag == "sheet"
            and (name := targets.get(attribute(element, "id") or "")) in entries
        ):
            found.append((element.get("name") or "", name or ""))
    return found


def _shared_texts(archive: zipfile.ZipFile, *, limit: int) -> list[str]:
    """Return the texts that cells refer to by number, each as long as could be shown at all."""
    name = "xl/sharedStrings.xml"
    if name not in archive.namelist():
        return []
    texts: list[str] = []
    pieces: list[str] = []
    for event, tag, element in elements(archive, name):
        if event == "start":
            continue
        if tag == "t":
            pieces.append(element.text or "")
        elif tag == "si":
            texts.append("".join(pieces)[:limit])
            pieces.clear()
            element.clear()
    return texts


def _rows(archive: zipfile.ZipFile, name: str, *, shared: list[str], writing: Writing) -> None:
    value = ""
    is_first = True
    for event, tag, element in elements(archive, name):
        if event == "start":
            continue
        if tag in {"v", "t"}:
            value += element.text or ""
        elif tag == "c":
            writing.add(("" if is_first else "\t") + _shown(value, element.get("t"), shared))
            value, is_first = "", False
        elif tag == "row":
            writing.add("\n")
            is_first = True
            element.clear()
        if writing.is_full:
            return


def _shown(value: str, kind: str | None, shared: list[str]) -> str:
    if kind == "s":
        return shared[int(value)] if value.isascii() and value.isdigit() and int(value) < len(shared) else ""
    if kind == "b":
        return "TRUE" if value == "1" else "FALSE"
    return value


def _open_document(archive: zipfile.ZipFile, writing: Writing, _: int) -> None:
    """Take in paragraphs (`p`, `h`) with what stands inside and between their parts."""
    depth = cells = 0
    for event, tag, element in elements(archive, "content.xml"):
        if event == "start":
            depth += tag in {"p", "h"}
            cells += tag == "table-cell"
            continue
        if tag in {"p", "h"}:
            depth -= 1
            if not depth:
                writing.add(_inner(element) + (" " if cells else "\n"))
                element.clear()
        elif tag == "table-cell":
            cells -= 1
            writing.add("\t")
        elif tag == "table-row" and not cells:
            writing.add("\n")
            element.clear()
        if writing.is_full:
            return


def _inner(element: Element) -> str:
    pieces = [element.text or ""]
    for one in element:
        tag = one.tag.rpartition("}")[2]
        pieces.append(_BREAKS.get(tag) or ("" if tag in {"annotation", "note"} else _inner(one)))
        pieces.append(one.tail or "")
    return "".join(pieces)


_Reader = Callable[[zipfile.ZipFile, Writing, int], int | None]
_KINDS: dict[str, tuple[str, _Reader]] = {
    "DOCX": ("word/document.xml", _document),
    "XLSX": ("xl/workbook.xml", _sheets),
    "PPTX": ("ppt/presentation.xml", _slides),
    "ODF": ("content.xml", _open_document),
}
