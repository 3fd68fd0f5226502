"""Reading untyped JSON: every getter returns a value of the asked type, or nothing."""

import json
import math
import re

import msgspec

Node = dict[str, object]
"""A JSON object; never changed by a reader."""

EMPTY: Node = {}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_HIGH_WORD = 4_294_967_296
_DIGITS_LIMIT = 32


class MalformedPayload(ValueError):
    """A webhook body that is not a JSON object with an event name; it deserves HTTP 400."""


def decode(raw: bytes) -> Node:
    """Return the JSON object in the bytes, or raise `MalformedPayload`."""
    value = parse(raw)
    if not isinstance(value, dict):
        raise MalformedPayload(f"The body is a JSON {type(value).__name__}, not an object.")
    return value


def parse(raw: bytes) -> object:
    """Return the JSON value in the bytes, or raise `MalformedPayload`."""
    try:
        value: object = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        value = _parse_leniently(raw)
    return value


def node_of(value: object) -> Node:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else EMPTY


def member(node: object, name: str) -> object:
    """Return a member of a JSON object by its name in any casing: GOWS says `PTT` where NOWEB says `ptt`."""
    # A plain loop over plain dictionaries: this runs some eighty times for every event.
    if not isinstance(node, dict):
        return None
    if name in node:
        return node[name]
    length, wanted = len(name), name.lower()
    for key, value in node.items():
        if len(key) == length and key.lower() == wanted:
            return value
    return None


def child(node: object, *path: str) -> Node:
    """Return the object at the path, empty when there is none."""
    for name in path:
        node = member(node, name)
    return node if isinstance(node, dict) else EMPTY


def items(node: object, name: str) -> list[object]:
    """Return the list under a name, empty when there is none."""
    value = member(node, name)
    return value if isinstance(value, list) else []


def text(node: object, *names: str) -> str | None:
    """Return the first non-empty text under one of the names, fit to be stored."""
    for name in names:
        value = member(node, name)
        if isinstance(value, str) and value:
            return clean(value)
    return None


def flag(node: object, *names: str) -> bool:
    """Return whether one of the members is true."""
    return any(member(node, name) is True for name in names)


def number(node: object, *names: str) -> float | None:
    """Return the first finite number under one of the names."""
    return next((value for name in names if (value := as_number(member(node, name))) is not None), None)


def integer(node: object, *names: str) -> int | None:
    """Return the first number under one of the names that is at least zero, without its fraction."""
    value = number(node, *names)
    return None if value is None or value < 0 else int(value)


def as_number(value: object) -> float | None:
    """Return a number written as such, as text (64-bit fields) or as a Long object of JavaScript."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and len(value) <= _DIGITS_LIMIT:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, dict):
        low, high = value.get("low"), value.get("high")
        if not isinstance(low, int) or not isinstance(high, int):
            return None
        value = high * _HIGH_WORD + low % _HIGH_WORD
    if isinstance(value, int):
        return value if abs(value) < _HIGH_WORD * _HIGH_WORD else None
    return value if isinstance(value, float) and math.isfinite(value) else None


def clean(value: str) -> str:
    """Return the text with a replacement character for what PostgreSQL refuses: NUL and lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", value)


def compact(value: object) -> str:
    """Return the value as JSON text without spaces, fit to be stored; `null` if it is nested beyond reason."""
    try:
        return msgspec.json.encode(_cleaned(value)).decode()
    except RecursionError:
        return "null"


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): _cleaned(member) for key, member in value.items()}
    return [_cleaned(entry) for entry in value] if isinstance(value, list) else value


def _parse_leniently(raw: bytes) -> object:
    # A JavaScript sender may write half an emoji as a lone surrogate escape, which the fast decoder refuses.
    try:
        return json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as problem:
        raise MalformedPayload(f"The body is not JSON: {str(problem)[:100]}.") from problem


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
