"""XML inside ZIP archives, which may be bombs."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from integrations.errors import Rejected

ENTRY_LIMIT = 10_000
ENTRY_BYTES, ALL_BYTES = 256 * 1024 * 1024, 1024 * 1024 * 1024
"""How large an entry, and all of them, may be when inflated."""

_ENCRYPTED = 0x1


def opened(file: IO[bytes], *, called: str) -> zipfile.ZipFile:
    """Return the archive. Raises `Rejected` when it is none, encrypted, or would inflate beyond reason."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError):
        raise Rejected(
            f"The file is called {called} and is no whole ZIP archive.", code=f"NOT_A_{called}"
        ) from None
    entries = archive.infolist()
    if len(entries) > ENTRY_LIMIT:
        raise Rejected(f"The archive has {len(entries)} entries, over {ENTRY_LIMIT}.", code="ZIP_BOMB")
    total, largest = sum(one.file_size for one in entries), max((one.file_size for one in entries), default=0)
    if total > ALL_BYTES or largest > ENTRY_BYTES:
        raise Rejected(f"The archive inflates to {total} bytes, one entry to {largest}.", code="ZIP_BOMB")
    if any(one.flag_bits & _ENCRYPTED for one in entries):
        raise Rejected("The archive is encrypted.", code="ENCRYPTED")
    return archive


def elements(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[str, str, Element]]:
    """Yield the elements of an entry as they start and end: the event, the name without its namespace, and it.

    Raises `Rejected` for what is no XML, and for XML that declares types or entities: office files need none.
    """
    try:
        # The archive's reader never gives more than the size that an entry declares.
        with archive.open(name) as entry:
            for event, element in iterparse(entry, events=("start", "end"), forbid_dtd=True):
                yield event, element.tag.rpartition("}")[2], element
    except DefusedXmlException as problem:
        raise Rejected(
            f"The XML in {name} declares what office files do not ({type(problem).__name__}).",
            code="HOSTILE_XML",
        ) from None
    except (ParseError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as problem:
        raise Rejected(
            f"{name} in the archive is damaged ({type(problem).__name__}).", code="UNREADABLE"
        ) from None


def attribute(element: Element, name: str) -> str | None:
    """Return an attribute by its name without namespace."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)
