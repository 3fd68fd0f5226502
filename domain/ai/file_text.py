"""The text of a file, and how much of it was read."""

from dataclasses import dataclass
from enum import Enum

CUT = "\n[… cut: the file goes on]"
"""Ends the text of a file that was not read to its end."""


class ReadBy(Enum):
    """How the text was had: it was written in the file, or recognised in pictures."""

    TEXT = "TEXT"
    OCR = "OCR"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileText:
    """The text of a file, empty when it has none.

    `mime_type` is what the file turned out to be. Pages are pages of a PDF, sheets or slides; None for what has
    none. A text that `is_cut` ends in `CUT`.
    """

    text: str
    mime_type: str
    read_by: ReadBy = ReadBy.TEXT
    pages: int | None = None
    is_cut: bool = False
