"""JSON as it crosses the wire: typed bodies in, plain dictionaries out."""

from typing import TypeAlias, TypeVar

import msgspec

Body: TypeAlias = dict[str, object]
"""One JSON object on its way out."""

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


class Wire(msgspec.Struct, kw_only=True, rename="camel"):
    """A JSON object on its way in; unknown fields are ignored, as NestJS does."""


def encode(value: object) -> bytes:
    """JSON as JavaScript writes it: compact, UTF-8, nothing escaped that need not be."""
    return _encoder.encode(value)


def decode(raw: bytes, type_: type[T]) -> T:
    """Read `raw` as `type_`; an empty body counts as `{}`. Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(raw or b"{}", type=type_)


def read_object(raw: bytes) -> Body:
    """Read `raw` as one JSON object, whatever its fields. Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(raw or b"{}", type=dict[str, object])
