"""How domain values are stored: enums as text, value objects as JSON, numbers and ids as they are."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import DateTime, Dialect, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.crm.content import CONTENT_TYPES, ContentKind, MessageContent
from domain.values import PhoneNumber, Sealed

E = TypeVar("E", bound=Enum)
T = TypeVar("T")


class EnumText(TypeDecorator[E], Generic[E]):
    """An enum as its value; a check constraint is left to the domain, which knows every member."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        """Store the member's value."""
        return None if value is None else str(value.value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        """Return the member."""
        return None if value is None else self.enum(value)


class AsJSON(TypeDecorator[T], Generic[T]):
    """A value object, or a tuple of them, as JSONB; decoding checks the declared type."""

    impl = JSONB
    cache_ok = True

    def __init__(self, declared: Any) -> None:  # Any: a type form such as `tuple[Reaction, ...]`.
        # What is missing is NULL, not JSON's null, which rows read without SQLAlchemy would hand to `decode`.
        super().__init__(none_as_null=True)
        self.declared = declared

    def process_bind_param(self, value: T | None, dialect: Dialect) -> object:
        """Store plain JSON values."""
        return None if value is None else msgspec.to_builtins(value)

    def process_result_value(self, value: object, dialect: Dialect) -> T | None:
        """Return the value object."""
        return None if value is None else self.decode(value)

    def decode(self, value: object) -> T:
        """Return the value object of plain JSON values."""
        decoded: T = msgspec.convert(value, self.declared)
        return decoded


class ContentJSON(TypeDecorator[MessageContent]):
    """A message's content, tagged with its kind."""

    impl = JSONB
    cache_ok = True

    def process_bind_param(self, value: MessageContent | None, dialect: Dialect) -> object:
        """Store plain JSON values."""
        return None if value is None else encode_content(value)

    def process_result_value(self, value: object, dialect: Dialect) -> MessageContent | None:
        """Return the content."""
        return None if value is None else decode_content(value)


class Phone(TypeDecorator[PhoneNumber]):
    """A phone number in E.164."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: PhoneNumber | None, dialect: Dialect) -> str | None:
        """Store the text."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> PhoneNumber | None:
        """Return the number; what was stored was checked before."""
        return None if value is None else str.__new__(PhoneNumber, value)


class SealedBytes(TypeDecorator[Sealed]):
    """A secret the vault has encrypted."""

    impl = LargeBinary
    cache_ok = True


def instant() -> DateTime:
    """Return the type of instants: UTC, microseconds."""
    return DateTime(timezone=True)


def encode_content(content: MessageContent) -> dict[str, object]:
    """Return content as plain JSON values with its kind; fields at their default are left out."""
    values: dict[str, object] = msgspec.to_builtins(content)
    return {"kind": content.kind.value} | {name: value for name, value in values.items() if value is not None}


def decode_content(value: object) -> MessageContent:
    """Return the content of plain JSON values."""
    assert isinstance(value, dict)  # noqa: S101 The column holds objects only.
    return msgspec.convert(value, CONTENT_TYPES[ContentKind(value["kind"])])


def decoder(type_: TypeEngine[Any]) -> Callable[[Any], Any] | None:  # Any: one converter per column type.
    """Return what turns a driver's value into a domain value for rows read without SQLAlchemy, None if nothing."""
    if isinstance(type_, EnumText):
        return type_.enum
    if isinstance(type_, AsJSON):
        return lambda value: type_.decode(msgspec.json.decode(value))
    if isinstance(type_, ContentJSON):
        return lambda value: decode_content(msgspec.json.decode(value))
    if isinstance(type_, Phone):
        return lambda value: str.__new__(PhoneNumber, value)
    return None


def encodable(type_: TypeEngine[Any], value: object) -> object:  # Any: as above.
    """Return a domain value as something `msgspec.json` writes the way PostgreSQL reads it back."""
    if isinstance(type_, ContentJSON) and value is not None:
        return encode_content(value)  # type: ignore[arg-type] # The column's type says what it holds.
    if isinstance(value, PhoneNumber):
        return str(value)
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return value
