"""How the loss of PostgreSQL shows itself, for whoever has to wait until it is back."""

import asyncpg
from sqlalchemy import exc

from domain.errors import Conflict

OUTAGES: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
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
    return isinstance(error, OUTAGES) or (isinstance(error, exc.DBAPIError) and error.connection_invalidated)
