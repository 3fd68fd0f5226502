"""JSON as it crosses the wire: typed bodies in, plain dictionaries out."""

from typing import TypeAlias, TypeVar

import msgspec

Body: TypeAlias = dict[str, object]
"""One JSON object."""

T = TypeVar("T")


class Wire(msgspec.Struct, kw_only=True, rename="camel"):
    """A JSON object of the control API or the configuration; unknown fields are ignored."""


def encode(value: object) -> bytes:
    """Compact JSON in UTF-8."""
    return msgspec.json.encode(value)


def spaced(value: object) -> str:
    """JSON as models write it, with spaces behind commas and colons; a limit cuts there."""
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def decode(raw: bytes, type_: type[T]) -> T:
    """Read `raw` as `type_`; an empty body counts as `{}`. Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(raw or b"{}", type=type_)


def mapping(value: object) -> Body:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[object]:
    """The value if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []
