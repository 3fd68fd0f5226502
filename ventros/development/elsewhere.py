"""Servers that the user runs and names in DATABASE_URL and REDIS_URL."""

import asyncpg
import redis

from ventros.development.errors import StackFailed

_PATIENCE = 10.0
"""Seconds for a server to answer."""


async def require_postgres(url: str) -> None:
    """Raise `StackFailed` unless PostgreSQL answers at the URL. The message does not repeat it: it holds a password."""
    try:
        connection = await asyncpg.connect(url, timeout=_PATIENCE)
        await connection.close()
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StackFailed(
            f"PostgreSQL cannot be used as DATABASE_URL says: {_reason(error)}. Set it to a running server and an "
            "existing database (postgresql://user:password@host/name), or unset it for an embedded PostgreSQL."
        ) from error


def require_redis(url: str) -> None:
    """Raise `StackFailed` unless Redis answers at the URL. The message does not repeat it: it holds a password."""
    try:
        with redis.Redis.from_url(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE) as client:
            client.ping()
    except (OSError, ValueError, redis.RedisError) as error:
        raise StackFailed(
            f"Redis cannot be used as REDIS_URL says: {_reason(error)}. Set it to a running server "
            "(redis://host:6379/0), or unset it for an embedded Valkey."
        ) from error


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
