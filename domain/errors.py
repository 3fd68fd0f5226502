"""The small tree of errors that the domain raises; each has a stable code."""

from collections.abc import Sequence


class DomainError(Exception):
    """Something the caller's user can understand and usually mend.

    `code` never changes its meaning once published. `field` is the path into the
    input that caused the error, list indexes as strings; empty when none did.
    """

    code = "INVALID"

    def __init__(self, message: str, *, field: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.field = tuple(field)


class Invalid(DomainError):
    """A value breaks a rule; the message names the value and the rule."""


class Required(Invalid):
    """A value is missing or empty."""

    code = "REQUIRED"


class TooLong(Invalid):
    """A text exceeds its limit."""

    code = "TOO_LONG"


class TooMany(Invalid):
    """A list exceeds its limit."""

    code = "TOO_MANY"


class NotFound(DomainError):
    """Nothing with that id exists in the caller's project; another tenant's things count as absent."""

    code = "NOT_FOUND"


class AlreadyExists(DomainError):
    """A unique value is taken."""

    code = "ALREADY_EXISTS"


class DuplicateIdentity(AlreadyExists):
    """A phone number, LID or JID already belongs to another contact."""

    code = "DUPLICATE_IDENTITY"


class Conflict(DomainError):
    """Somebody else changed the object since it was read; read it again and repeat."""

    code = "VERSION_CONFLICT"


class InvalidState(DomainError):
    """The object's state does not allow the command."""

    code = "INVALID_STATE"


class CapabilityUnsupported(DomainError):
    """The channel or its engine cannot do this."""

    code = "CAPABILITY_UNSUPPORTED"


class ChannelOffline(DomainError):
    """The channel is not connected to WhatsApp."""

    code = "CHANNEL_OFFLINE"


class NotOnWhatsApp(DomainError):
    """The number has no WhatsApp account."""

    code = "NOT_ON_WHATSAPP"


class Forbidden(DomainError):
    """The viewer lacks a permission."""

    code = "FORBIDDEN"


def require_text(value: str, *, field: str, limit: int) -> str:
    """Return the text without surrounding space, or raise `Required` or `TooLong`."""
    text = value.strip()
    if not text:
        raise Required(f"{field} must not be empty.", field=[field])
    return within(text, field=field, limit=limit)


def within(text: str, *, field: str, limit: int) -> str:
    """Return the text if it holds at most `limit` characters."""
    if len(text) > limit:
        raise TooLong(f"{field} has {len(text)} characters; at most {limit} are allowed.", field=[field])
    return text
