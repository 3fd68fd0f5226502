"""The text layer of PDF files; runs in the reading process."""

import contextlib
from typing import IO

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from integrations.errors import Rejected
from integrations.readers.writing import Writing


def read(file: IO[bytes], *, pages: int, characters: int) -> dict[str, object]:
    """Return the text of each of the first pages, and how many there are. Raises `Rejected`.

    A page that cannot be read has no text.
    """
    try:
        reader = PdfReader(file)
        # An empty password opens files that are only protected from being changed.
        if reader.is_encrypted and not reader.decrypt(""):
            raise Rejected("The PDF opens only with a password.", code="ENCRYPTED")
        count = len(reader.pages)
    except PyPdfError as problem:
        raise Rejected(f"The PDF is damaged ({type(problem).__name__}).", code="UNREADABLE") from None
    texts: list[str] = []
    writing = Writing(characters)
    for number in range(min(count, pages)):
        text = ""
        with contextlib.suppress(Exception):
            text = reader.pages[number].extract_text()
        texts.append(writing.add(text))
        if writing.is_full:
            break
    return {"texts": texts, "pages": count, "is_cut": writing.is_full or len(texts) < count}
