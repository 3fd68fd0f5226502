"""The text of any file, read here, by the kind that the file says and shows itself to be."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from domain.ai.file_text import CUT, FileText, ReadBy
from domain.crm.file_type import UNKNOWN, begins_like
from integrations.errors import Rejected
from integrations.readers import ocr, sandbox
from integrations.readers.sandbox import Limits
from integrations.waha.fields import clean

_OFFICE = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PPTX",
    "application/vnd.oasis.opendocument.text": "ODF",
    "application/vnd.oasis.opendocument.spreadsheet": "ODF",
    "application/vnd.oasis.opendocument.presentation": "ODF",
}
_TEXTS = {
    "application/json",
    "application/xml",
    "application/csv",
    "application/x-ndjson",
    "application/yaml",
    "application/x-yaml",
    "application/xhtml+xml",
    "application/vnd.ms-excel",
    UNKNOWN,
}
"""Besides `text/…`. Excel's old type is what phones call a CSV; what nobody named may be text."""

_HTML = {"text/html", "application/xhtml+xml"}
_IMAGES = {"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff"}
_PDF = "application/pdf"
_BEGINNING = 512
_FEW = 20
"""A page of a PDF with fewer characters than this is taken for a picture of one."""


@dataclass(frozen=True, kw_only=True)
class LocalReader:
    """Meets `services.ports.FileReader`. At most `at_once` files are read at a time; others wait."""

    largest: int = 128 * 1024 * 1024
    pages: int = 300
    characters: int = 200_000
    recognised_pages: int = 10
    limits: Limits = field(default_factory=Limits)
    recognition: Limits = field(
        default_factory=lambda: Limits(memory=3 * 1024**3, cpu_seconds=150, wall_seconds=240.0)
    )
    at_once: int = 2
    _places: list[asyncio.Semaphore] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the places: for reading, and one for recognition, which takes half a gigabyte."""
        self._places.extend((asyncio.Semaphore(self.at_once), asyncio.Semaphore(1)))

    def reads(self, mime_type: str) -> bool:
        """Whether files of this type can be read at all."""
        kind = _plain(mime_type)
        if kind in _IMAGES:
            return ocr.is_installed(for_pdf=False)
        return kind == _PDF or kind in _OFFICE or _is_text(kind)

    async def read(self, path: Path, *, mime_type: str) -> FileText:
        """Return the text of a file; see the port."""
        size, beginning = await asyncio.to_thread(_look, path)
        kind = _kind(_plain(mime_type), beginning)
        if size > self.largest and not _is_text(kind):
            raise Rejected(f"The file has {size} bytes, over {self.largest}.", code="TOO_LARGE")
        if kind == _PDF:
            found = await self._pdf(path)
        elif kind in _OFFICE:
            arguments = {"kind": _OFFICE[kind], "pages": self.pages, "characters": self.characters}
            found = _file_text(await self._run("office:read", path, arguments), kind)
        elif kind in _IMAGES:
            found = _file_text(
                await self._recognise("ocr:read_image", path, {"characters": self.characters}), kind
            )
            found = replace(found, read_by=ReadBy.OCR)
        else:
            text = {"is_html": kind in _HTML, "characters": self.characters}
            found = _file_text(await self._run("plain:read", path, text), kind)
        marked = clean(found.text).strip() + (CUT if found.is_cut else "")
        return replace(found, text=marked)

    async def _pdf(self, path: Path) -> FileText:
        """Return the text layer, and what is recognised on pages that have none."""
        result = await self._run("pdf:read", path, {"pages": self.pages, "characters": self.characters})
        texts = _texts(result)
        found = _file_text({**result, "text": ""}, _PDF)
        bare = [number for number, text in enumerate(texts) if len(text.strip()) < _FEW]
        if bare and ocr.is_installed(for_pdf=True):
            tried = bare[: self.recognised_pages]
            arguments = {"numbers": tried, "characters": self.characters}
            try:
                recognised = _texts(await self._recognise("ocr:read_pdf", path, arguments))
            except Rejected:
                # What can be read is not lost with what cannot be drawn.
                if len(bare) == len(texts):
                    raise
                tried, recognised = [], []
            for number, text in zip(tried, recognised, strict=True):
                texts[number] = text if len(text) > len(texts[number].strip()) else texts[number]
            has_only_these = len(bare) == len(texts)
            found = replace(
                found,
                read_by=ReadBy.OCR if has_only_these else ReadBy.TEXT,
                is_cut=found.is_cut or len(tried) < len(bare),
            )
        text = "\n\n".join(one.strip() for one in texts if one.strip())
        is_cut = found.is_cut or len(text) > self.characters
        return replace(found, text=text[: self.characters], is_cut=is_cut)

    async def _run(self, function: str, path: Path, arguments: Mapping[str, object]) -> dict[str, object]:
        async with self._places[0]:
            name = f"integrations.readers.{function}"
            return await sandbox.run(name, path, limits=self.limits, arguments=arguments)

    async def _recognise(
        self, function: str, path: Path, arguments: Mapping[str, object]
    ) -> dict[str, object]:
        async with self._places[1]:
            name = f"integrations.readers.{function}"
            return await sandbox.run(name, path, limits=self.recognition, arguments=arguments)


def _plain(mime_type: str) -> str:
    return mime_type.partition(";")[0].strip().lower() or UNKNOWN


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind in _TEXTS


def _look(path: Path) -> tuple[int, bytes]:
    """Return a file's size and beginning."""
    try:
        with path.open("rb") as file:
            return path.stat().st_size, file.read(_BEGINNING)
    except OSError as problem:
        raise Rejected(f"The file cannot be opened ({type(problem).__name__}).", code="NO_FILE") from None


def _kind(said: str, beginning: bytes) -> str:
    """Return the kind to read a file as. Raises `Rejected` when it does not begin like what it is said to be."""
    shown = begins_like(beginning)
    like = "text, or nothing known" if shown is None else shown
    if not beginning:
        raise Rejected("The file is empty.", code="EMPTY")
    if said == UNKNOWN and shown is not None and (shown == _PDF or shown in _IMAGES):
        said = shown
    if said == _PDF:
        return _right(said, is_right=shown == _PDF, code="NOT_A_PDF", like=like)
    if said in _OFFICE:
        if shown == "application/x-ole-storage":
            raise Rejected("The file is of an old Office, or protected by a password.", code="ENCRYPTED")
        return _right(said, is_right=shown == "application/zip", code=f"NOT_A_{_OFFICE[said]}", like=like)
    if said.startswith("image/"):
        _right(
            said, is_right=shown is not None and shown.startswith("image/"), code="NOT_AN_IMAGE", like=like
        )
        if shown in _IMAGES and ocr.is_installed(for_pdf=False):
            return shown
        raise Rejected(f"No text can be recognised in {said} here; see ventros[ocr].", code="UNSUPPORTED")
    if _is_text(said):
        if said == "application/vnd.ms-excel" and shown is not None:
            raise Rejected("Only spreadsheets in Open XML can be read.", code="UNSUPPORTED")
        return _right(said, is_right=shown is None, code="NOT_TEXT", like=like)
    raise Rejected(f"Files of the type {said[:64]} cannot be read.", code="UNSUPPORTED")


def _right(said: str, *, is_right: bool, code: str, like: str) -> str:
    if not is_right:
        raise Rejected(f"The file is called {said} and begins like {like}.", code=code)
    return said


def _file_text(result: dict[str, object], kind: str) -> FileText:
    text, pages = result.get("text"), result.get("pages")
    return FileText(
        text=text if isinstance(text, str) else "",
        mime_type=kind,
        pages=pages if isinstance(pages, int) else None,
        is_cut=result.get("is_cut") is True,
    )


def _texts(result: dict[str, object]) -> list[str]:
    texts = result.get("texts")
    return [one if isinstance(one, str) else "" for one in texts] if isinstance(texts, list) else []
