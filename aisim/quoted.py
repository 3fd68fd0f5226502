"""Conversations that are handed over as data: a line of JSON for each message, in blocks with labels.

A program that must keep what customers write apart from its own instructions writes, between lines such as
`<<<DATA 1f8a burst>>>` and `<<<END 1f8a burst>>>`, lines such as
`{"from":"customer","kind":"voice","text":"É para sábado"}`.
"""

import re
from typing import NamedTuple

import msgspec

_OPENING = re.compile(r"<<<DATA\b([^>]*)>>>")
_OURS = {"us", "we", "assistant", "agent", "business", "company", "system", "outbound"}
_MARKER = re.compile(r"\[[a-z]+\]")
_TEXTS = ("text", "body", "content", "message")
_AUTHORS = ("from", "role", "author", "direction", "sender")


class Line(NamedTuple):
    """One message; of a file that nobody has read yet, `text` is empty."""

    block: str
    is_ours: bool
    kind: str
    text: str


def quoted_lines(text: str) -> list[Line]:
    """The messages in a text; none when it hands nothing over in this way."""
    found = []
    block = ""
    for line in text.splitlines():
        if opening := _OPENING.match(line.strip()):
            block = opening.group(1).strip()
        elif line.lstrip().startswith("{"):
            said = _read(line, block)
            if said is not None:
                found.append(said)
    return found


def words_of(answer: str) -> str | None:
    """What the result of a tool says in words, if it is JSON or such lines: the first text in it."""
    lines = [line.text for line in quoted_lines(answer) if line.text]
    if lines:
        return lines[0]
    try:
        return _first_text(msgspec.json.decode(answer))
    except msgspec.DecodeError:
        return answer.strip() or None


def _read(line: str, block: str) -> Line | None:
    try:
        values = msgspec.json.decode(line, type=dict[str, object])
    except msgspec.DecodeError:
        return None
    text = next((values[name] for name in _TEXTS if isinstance(values.get(name), str)), None)
    if not isinstance(text, str):
        return None
    author = next((str(values[name]).lower() for name in _AUTHORS if name in values), "")
    kind = str(values.get("kind") or values.get("type") or "text").lower()
    return Line(block, author in _OURS, kind, "" if _MARKER.fullmatch(text.strip()) else text)


def _first_text(value: object) -> str | None:
    if isinstance(value, str):
        return value or None
    if isinstance(value, dict):
        named = [value[name] for name in (*_TEXTS, "answer", "status", "summary", "value") if name in value]
        return next((text for one in named if (text := _first_text(one))), None)
    if isinstance(value, list):
        return next((text for one in value if (text := _first_text(one))), None)
    return None
