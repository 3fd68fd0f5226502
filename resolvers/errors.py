"""What is wrong with a request itself, as opposed to what the caller's user can mend; each has a published code."""

from typing import ClassVar


class RequestError(Exception):
    """A request that cannot be answered as it is put; the message says what to change.

    `code` becomes `extensions.code` of a top-level error. `retryable` says whether the same request may
    succeed later.
    """

    code: ClassVar[str] = "BAD_USER_INPUT"
    retryable: ClassVar[bool] = False


class BadUserInput(RequestError):
    """An argument breaks a rule of the API."""


class InvalidId(RequestError):
    """An argument is no id of the kind that is asked for."""

    code: ClassVar[str] = "INVALID_ID"


class InvalidPagination(RequestError):
    """`first`, `after`, `last` and `before` do not fit together or leave their range."""

    code: ClassVar[str] = "INVALID_PAGINATION"


class InvalidCursor(RequestError):
    """A cursor was changed, or belongs to another list, order, filter or tenant."""

    code: ClassVar[str] = "INVALID_CURSOR"


class OperationEnded(RequestError):
    """A resolver asked for data after its operation was over; its answer reaches nobody."""

    code: ClassVar[str] = "UNAVAILABLE"
    retryable: ClassVar[bool] = True


class LiveUnavailable(RequestError):
    """Nothing can be followed live here."""

    code: ClassVar[str] = "UNAVAILABLE"
    retryable: ClassVar[bool] = True
