"""Connections to PostgreSQL: tenants' transactions, and the system's own work across tenants."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self, TypedDict
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.orm.exc import StaleDataError

import persistence.mapping  # noqa: F401 Importing maps the domain classes.
from domain.clock import Clock
from domain.errors import AlreadyExists, Conflict
from domain.operations.queue import JobOrder
from persistence.bulk import Connection
from persistence.due import Alarm
from persistence.events import Cause
from persistence.unit_of_work import Reader, UnitOfWork

APP_ROLE, SYSTEM_ROLE = "ventros_app", "ventros_system"
"""Who acts for a tenant, under row-level security; and who claims queues and finds credentials across tenants."""

_SET_TENANT = text("SELECT set_config('app.tenant_id', :tenant, true)")

Wake = Callable[[str], Awaitable[None]]
"""Tells workers that something waits, such as `outbox`, `inbox` or `media`. Best effort, after the commit."""


SetAlarms = Callable[[Sequence[Alarm]], Awaitable[None]]
"""Tells the timers when rows are due. Best effort, after the commit."""


Place = Callable[[Sequence[JobOrder]], Awaitable[object]]
"""Leaves jobs for workers. Best effort, after the commit."""


async def _nobody(_: object) -> None:
    return None


class Database:
    """The pools of one process. Open it with `async with`.

    `wake` and `place` are called after commits that left work, `set_alarms` after those that left work for later.

    The login role of the URL must be a member of both roles; each pool assumes one of them when it connects,
    so that a statement never runs as the owner of the tables.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        pool_size: int = 10,
        system_pool_size: int = 6,
        wake: Wake = _nobody,
        set_alarms: SetAlarms = _nobody,
        place: Place = _nobody,
    ) -> None:
        self.url = url
        self.clock = clock
        self.wake = wake
        self.set_alarms = set_alarms
        self.place = place
        self._system_pool_size = system_pool_size
        self._system: asyncpg.Pool[asyncpg.Record] | None = None
        self.engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=False,
            pool_recycle=1800,
            # Parameters are what customers wrote; no error may carry them into a log.
            hide_parameters=True,
            connect_args=dict(connect_arguments(APP_ROLE)),
        )

    async def __aenter__(self) -> Self:
        """Connect the system's pool; the tenants' pool connects when first used."""
        self._system = await asyncpg.create_pool(
            dsn=self.url,
            min_size=1,
            max_size=self._system_pool_size,
            max_inactive_connection_lifetime=0,
            **connect_arguments(SYSTEM_ROLE),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close both pools."""
        if self._system is not None:
            await self._system.close()
        await self.engine.dispose()

    @property
    def system(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The pool of the system role: queues and credentials across tenants, nothing else."""
        if self._system is None:
            raise RuntimeError("The database is not open; use `async with database`.")
        return self._system

    @asynccontextmanager
    async def reading(self, tenant_id: UUID) -> AsyncIterator[Reader]:
        """Yield a read-only snapshot of one tenant's data."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            await connection.execute(_SET_TENANT, {"tenant": str(tenant_id)})
            async with _session(connection) as session:
                yield Reader(session, tenant_id, self.clock.now())

    @asynccontextmanager
    async def writing(self, tenant_id: UUID, cause: Cause) -> AsyncIterator[UnitOfWork]:
        """Yield a transaction that commits on a clean exit and rolls back on an exception.

        Raises `Conflict` when somebody else changed an object meanwhile, or both waited for each other, and
        `AlreadyExists` on a taken value.
        """
        try:
            async with self.engine.begin() as connection:
                await connection.execute(_SET_TENANT, {"tenant": str(tenant_id)})
                async with _session(connection) as session:
                    uow = UnitOfWork(session, tenant_id, self.clock.now(), cause)
                    yield uow
                    await uow.flush()
        except StaleDataError as error:
            raise Conflict(
                "Somebody else changed this at the same time; read it again and repeat."
            ) from error
        except IntegrityError as error:
            raise _translated(error) from error
        except DBAPIError as error:
            if isinstance(error.orig and error.orig.__cause__, asyncpg.DeadlockDetectedError):
                raise Conflict("Somebody else worked on the same things; repeat.") from error
            raise
        for name in uow.wakes:
            await self.wake(name)
        if uow.alarms:
            await self.set_alarms(uow.alarms)
        if uow.orders:
            await self.place(uow.orders)

    @asynccontextmanager
    async def tenant_transaction(self, tenant_id: UUID) -> AsyncIterator[Connection]:
        """Yield a plain driver connection inside a transaction of one tenant, for set-based work of the system."""
        async with self.system.acquire() as connection, connection.transaction():
            await assume_tenant(connection, tenant_id)
            yield connection


async def assume_tenant(connection: Connection, tenant_id: UUID) -> None:
    """Turn the rest of the system's transaction into one of that tenant, under row-level security."""
    await connection.execute(
        "SELECT set_config('role', $1, true), set_config('app.tenant_id', $2, true)", APP_ROLE, str(tenant_id)
    )


class ConnectArguments(TypedDict):
    """What a connection of ours is opened with; `timeout` in seconds."""

    server_settings: dict[str, str]
    timeout: float


def connect_arguments(role: str) -> ConnectArguments:
    """Return what every connection is opened with."""
    return {
        "server_settings": {
            "role": role,
            "application_name": f"ventros:{role}",
            "statement_timeout": "15000",
            "idle_in_transaction_session_timeout": "15000",
            "TimeZone": "UTC",
        },
        "timeout": 5,
    }


@asynccontextmanager
async def _session(connection: AsyncConnection) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(bind=connection, autoflush=False, expire_on_commit=False) as session:
        yield session


_MESSAGES = {
    "uq_contact_identities": "Another contact already has this phone number, LID or JID.",
    "uq_messages_client_message_id": "A message with this clientMessageId exists already.",
    "uq_scheduled_messages_client_message_id": "A scheduled message with this clientMessageId exists already.",
    "uq_contacts_external_id": "Another contact already has this external id.",
    "uq_pipelines_name": "A pipeline of this name exists already.",
    "uq_channels_waha_session": "A channel for this WAHA session exists already.",
}


def _translated(error: IntegrityError) -> Exception:
    name = str(getattr(getattr(error.orig, "__cause__", None), "constraint_name", ""))
    for prefix, message in _MESSAGES.items():
        if name.startswith(prefix):
            return AlreadyExists(message)
    return error
