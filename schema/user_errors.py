"""What a caller's user can mend, as data: every payload of a mutation lists it."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain.base import Aggregate
from domain.errors import DomainError
from schema.fields import plain
from schema.relay import Node
from services.crm.contacts import PhoneTaken
from services.scope import VersionConflict

if TYPE_CHECKING:
    from schema.crm.contact import Contact


@strawberry.enum(
    description="What is wrong. A code never changes its meaning; new ones may appear, so expect unknown ones."
)
class UserErrorCode(Enum):
    """The codes of `domain.errors`."""

    REQUIRED = strawberry.enum_value("REQUIRED", description="A value is missing or empty.")
    INVALID = strawberry.enum_value("INVALID", description="A value breaks a rule.")
    TOO_LONG = strawberry.enum_value("TOO_LONG", description="A text exceeds its limit.")
    TOO_MANY = strawberry.enum_value("TOO_MANY", description="A list exceeds its limit.")
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="There is nothing with that id.")
    ALREADY_EXISTS = strawberry.enum_value("ALREADY_EXISTS", description="A unique value is taken.")
    DUPLICATE_IDENTITY = strawberry.enum_value(
        "DUPLICATE_IDENTITY", description="A phone number, LID or JID belongs to another contact."
    )
    VERSION_CONFLICT = strawberry.enum_value(
        "VERSION_CONFLICT", description="Somebody else changed the object; read it again and repeat."
    )
    INVALID_STATE = strawberry.enum_value(
        "INVALID_STATE", description="The object's state does not allow the command."
    )
    CAPABILITY_UNSUPPORTED = strawberry.enum_value(
        "CAPABILITY_UNSUPPORTED", description="The channel or its engine cannot do this."
    )
    CHANNEL_OFFLINE = strawberry.enum_value(
        "CHANNEL_OFFLINE", description="The channel is not connected to WhatsApp."
    )
    NOT_ON_WHATSAPP = strawberry.enum_value(
        "NOT_ON_WHATSAPP", description="The number has no WhatsApp account."
    )


@strawberry.interface(description="Something that the caller's user can mend.")
class UserError:
    """A domain error, told to people."""

    code: UserErrorCode = plain("What is wrong, for programs.")
    message: str = plain("What is wrong and what to do, for people, in English.")
    field: list[str] | None = plain("The path into input to what caused it; list indexes as texts.")


@strawberry.type(description="A value or state that does not allow the command.")
class InputError(UserError):
    """Any error without a type of its own."""


@strawberry.type(description="Somebody else changed the object since it was read.")
class VersionConflictError(UserError):
    """A `VERSION_CONFLICT`."""

    current: Node | None = plain("The object as it is now; null if it changed while the command ran.")


@strawberry.type(description="Another contact has the phone number, in this or the other Brazilian spelling.")
class DuplicateError(UserError):
    """A `DUPLICATE_IDENTITY` with the contact that has it."""

    existing: Annotated["Contact", strawberry.lazy("schema.crm.contact")] = plain("The contact that has it.")


def user_error(error: DomainError) -> UserError:
    """Return a domain error as data."""
    code = UserErrorCode(error.code)
    field = [part for name in error.field for part in name.split(".")] or None
    if isinstance(error, PhoneTaken):
        return DuplicateError(
            code=code,
            message=error.message,
            field=field,
            existing=error.existing,  # type: ignore[arg-type] # A type stands for the domain object.
        )
    if code is UserErrorCode.VERSION_CONFLICT:
        current: Aggregate | None = error.current if isinstance(error, VersionConflict) else None
        return VersionConflictError(
            code=code,
            message=error.message,
            field=field,
            current=current,  # type: ignore[arg-type] # As above.
        )
    return InputError(code=code, message=error.message, field=field)
