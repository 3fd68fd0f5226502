"""How what other people wrote is shown to a model: as data between marks that nobody outside can guess.

Each piece is one line of JSON, so that nothing inside can begin a line of its own; characters that show nothing,
reorder text, or end lines are written as escapes, so that nothing hides.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MARK_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Block:
    """Pieces of data under one label."""

    label: str
    lines: tuple[str, ...]


def mark_of(secret: str) -> str:
    """Return the mark that encloses data, made from something that whoever wrote the data cannot know."""
    return sha256(f"mark {secret}".encode()).hexdigest()[:_MARK_LENGTH]


def quoted(values: Mapping[str, object]) -> str:
    """Return values as one line of JSON without characters that hide, reorder or break lines."""
    line = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    if line.isascii():
        # Of what hides, JSON leaves only this one.
        return line.replace("\x7f", "\\u007f")
    return "".join(_escaped(one) if unicodedata.category(one) in _HIDDEN else one for one in line)


def enclosed(blocks: Sequence[Block], *, mark: str) -> str:
    """Return blocks between marks; a mark inside data, however it came there, is broken."""
    return "\n".join(
        "\n".join(
            (
                opening(block.label, mark=mark),
                *(line.replace(mark, f"{mark[:4]}…") for line in block.lines),
                closing(block.label, mark=mark),
            )
        )
        for block in blocks
    )


def opening(label: str, *, mark: str) -> str:
    """Return the line before a block."""
    return f"<<<DATA {mark} {label}>>>"


def closing(label: str, *, mark: str) -> str:
    """Return the line after a block."""
    return f"<<<END {mark} {label}>>>"


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
