"""The text of files that are text: plain, CSV, JSON, XML and HTML; runs in the reading process."""

import codecs
import re
from html.parser import HTMLParser
from typing import IO

from integrations.errors import Rejected
from integrations.readers.writing import Writing

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE = 4096
_MOST_NULS, _FEWEST_NULS = 0.3, 0.02
_SPACES = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*")
_HIDDEN = {"script", "style", "template", "noscript", "svg", "head"}
_BLOCKS = {
    "p",
    "div",
    "br",
    "li",
    "tr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "table",
    "section",
    "article",
    "hr",
}


def read(file: IO[bytes], *, is_html: bool, characters: int) -> dict[str, object]:
    """Return the text of a file, without the tags if it is HTML. Raises `Rejected` for what is no text."""
    most = characters * (16 if is_html else 4)
    raw = file.read(most + 1)
    text = decoded(raw[:most], is_whole=len(raw) <= most)
    writing = Writing(characters)
    writing.add(_shown(text) if is_html else text.replace("\r\n", "\n"))
    return {"text": writing.text, "pages": None, "is_cut": writing.is_full or len(raw) > most}


def decoded(raw: bytes, *, is_whole: bool = True) -> str:
    """Return the characters of a file, or of its beginning unless it `is_whole`.

    Marks at the beginning are believed, then UTF-16 by its zeros, UTF-8 if it is without fault, and else the
    code page of Western Windows, where Latin-1 has control characters. Raises `Rejected` for what has zeros.
    """
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return codecs.getincrementaldecoder(encoding)("replace").decode(raw[len(mark) :], is_whole)
    sample = raw[:_SAMPLE]
    if b"\0" in sample:
        encoding = _utf16(sample)
        return codecs.getincrementaldecoder(encoding)("replace").decode(raw, is_whole)
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(raw, is_whole)
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("cp1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _utf16(sample: bytes) -> str:
    """Return which UTF-16 a text without a mark is in: Western letters have a zero as their other half."""
    even, odd = sample[::2].count(0) / len(sample[::2]), sample[1::2].count(0) / max(len(sample[1::2]), 1)
    if odd >= _MOST_NULS and even <= _FEWEST_NULS:
        return "utf-16-le"
    if even >= _MOST_NULS and odd <= _FEWEST_NULS:
        return "utf-16-be"
    raise Rejected("The file is called a text and has zeros inside.", code="NOT_TEXT")


def _shown(html: str) -> str:
    parser = _Page()
    parser.feed(html)
    parser.close()
    return _LINES.sub("\n", _SPACES.sub(" ", "".join(parser.pieces))).strip()


class _Page(HTMLParser):
    """Gathers what a browser would show of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where hidden parts and lines begin."""
        if tag in _HIDDEN:
            self._hidden.append(tag)
        elif tag == "body":
            self._hidden.clear()
        elif tag in _BLOCKS:
            self.pieces.append("\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """Note where hidden parts and lines end."""
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        elif tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Take in text that is shown."""
        if not self._hidden:
            # Line breaks of the source are spaces on the page.
            self.pieces.append(data.replace("\n", " "))
