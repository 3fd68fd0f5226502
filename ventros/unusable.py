"""A PostgreSQL that cannot be used: what is wrong and how to mend it, said in a line instead of a traceback."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from persistence.database import APP_ROLE, SYSTEM_ROLE, connect_arguments
from persistence.outages import is_outage

_REFUSALS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
_DEFAULT_PORT = 5432


class DatabaseUnusable(Exception):
    """PostgreSQL is away, or refuses what we need; the message says what to do and holds no password."""


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Raise `DatabaseUnusable` for an error in the block that whoever runs an installation can mend."""
    try:
        yield
    except Exception as error:
        explanation = explain(error, url)
        if explanation is None:
            raise
        raise DatabaseUnusable(explanation) from error


def explain(error: Exception, url: str) -> str | None:
    """Say in a line what is wrong and what to do; None for an error that is a fault of ours."""
    cause = _of_the_driver(error)
    if isinstance(cause, asyncpg.InvalidParameterValueError) and '"role"' in str(cause):
        return f"A role is missing: {_sentence(cause)} Run: ventros migrate up"
    if isinstance(cause, asyncpg.InsufficientPrivilegeError):
        return (
            f"PostgreSQL refuses: {_sentence(cause)} A login that serves needs both roles, given by an "
            f"administrator: GRANT {APP_ROLE}, {SYSTEM_ROLE} TO {make_url(url).username or '<login>'}; one that "
            "migrates must also own the database."
        )
    if isinstance(cause, _REFUSALS):
        return f"PostgreSQL refuses DATABASE_URL: {_sentence(cause)} Correct the URL, or make what it names."
    if is_outage(error) or is_outage(cause):
        return f"PostgreSQL cannot be reached at {_place(url)}: {_sentence(cause)} Start it, or correct DATABASE_URL."
    return None


async def assume_roles(url: str) -> None:
    """Connect once as each role. Raises what the driver does when the login may not."""
    for role in (APP_ROLE, SYSTEM_ROLE):
        connection = await asyncpg.connect(dsn=url, **connect_arguments(role))
        await connection.close()


def _of_the_driver(error: Exception) -> Exception:
    if (
        isinstance(error, DBAPIError)
        and error.orig is not None
        and isinstance(error.orig.__cause__, Exception)
    ):
        return error.orig.__cause__
    return error


def _sentence(error: Exception) -> str:
    if isinstance(error, asyncpg.PostgresError) and error.args:
        # Without the details and hints, which stand on lines of their own.
        text = str(error.args[0])
    elif isinstance(error, OSError) and error.errno is not None and error.errno in errno.errorcode:
        # asyncio's own words would repeat the address.
        text = os.strerror(error.errno)
    else:
        text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return f"{text.rstrip('.')}."


def _place(url: str) -> str:
    address = make_url(url)
    host = address.host or address.query.get("host") or "localhost"
    return f"{host if isinstance(host, str) else host[0]}, port {address.port or _DEFAULT_PORT}"
