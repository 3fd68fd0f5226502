"""How the loss of PostgreSQL shows itself, for whoever has to wait until it is back."""

import asyncio

import asyncpg
from sqlalchemy import exc

from domain.errors import Conflict

OUTAGES: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # What the driver runs into when a connection is torn between two of its steps.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    exc.OperationalError,
    exc.InterfaceError,
    exc.TimeoutError,
)
"""Raised while the server is away, is starting or stopping, or has no connection to spare."""

RACES: tuple[type[Exception], ...] = (
    Conflict,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.UniqueViolationError,
)
"""Raised when two transactions met; the one that lost starts over and finds what the other did."""


def is_outage(error: BaseException) -> bool:
    """Tell whether an error means that PostgreSQL is away, rather than that a statement is wrong."""
    if isinstance(error, OUTAGES):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    # A connection that is lost while it is being opened is not marked as lost; the driver's own error tells.
    driver = error.orig.__cause__ if error.orig is not None else None
    return error.connection_invalidated or isinstance(driver, OUTAGES)


def heed_cancellation() -> None:
    """Raise `CancelledError` if the present task is being cancelled; call it before trying again after an error.

    When a connection is torn at the moment of a cancellation, the driver reports the connection and the
    cancellation is lost. Whoever then goes on never ends.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
