"""Which of several worker processes does the work that only one may do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
import structlog

from persistence.database import SYSTEM_ROLE, connect_arguments

Leader: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""A connection that holds a lock nobody else holds."""

log = structlog.get_logger()

_CLASS, _RETRY_SECONDS = 7_230, 1.0
_COMMAND_SECONDS = 20.0


@asynccontextmanager
async def leading(url: str, *, office: int) -> AsyncIterator[Leader]:
    """Wait until nobody else leads, then yield the connection whose session holds the lock.

    Work that must have one author goes through this very connection: when it is lost, the lock and the
    ability to write are lost together, and another process takes over. The URL must lead to PostgreSQL
    itself or a pooler in session mode.
    """
    arguments = connect_arguments(SYSTEM_ROLE)
    # A leader whose machine vanishes must not keep the lock for the hours that TCP allows by default.
    alive = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
    connection = await asyncpg.connect(
        dsn=url,
        timeout=arguments["timeout"],
        command_timeout=_COMMAND_SECONDS,
        server_settings={**arguments["server_settings"], **alive, "application_name": "ventros:leader"},
    )
    try:
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _CLASS, office):  # noqa: ASYNC110 In another process.
            await asyncio.sleep(_RETRY_SECONDS)
        yield connection
    finally:
        await _close(connection)


async def _close(connection: Leader) -> None:
    try:
        await connection.close(timeout=2.0)
    except Exception as error:  # noqa: BLE001 However it fails, the lock must go with the connection.
        log.warning("leadership.cut", error=repr(error))
    finally:
        # Nothing more to do after a clean close; else, the server notices at once.
        connection.terminate()
