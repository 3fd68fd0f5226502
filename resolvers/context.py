"""What every resolver is given: who asks, one snapshot to read from, and a way to change things."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from domain.clock import Clock
from integrations.hub import Hub
from persistence.database import Database
from persistence.events import Cause
from persistence.unit_of_work import Reader, UnitOfWork
from resolvers.errors import OperationEnded
from resolvers.loaders import Loaders
from services.media_links import MediaLinks
from services.ports import JobQueue, Vault
from services.viewer import Viewer

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What all operations of a process share.

    `base_url` is where others reach this server, without a trailing slash. `cursor_key` signs the cursors of lists,
    and `media_links` make the addresses of files. Without a `hub` nothing can be followed live, and
    without `jobs` what waits for workers is not known.
    """

    database: Database
    vault: Vault
    base_url: str
    cursor_key: bytes
    media_links: MediaLinks
    hub: Hub | None = None
    jobs: JobQueue | None = None


@dataclass(kw_only=True)
class Progress:
    """How far a subscription has come, for transports that resume by themselves; both are event cursors."""

    resume_after: str | None = None
    latest: str | None = None


class Context:
    """One operation of one viewer, or one event of a subscription.

    Everything read belongs to one snapshot, opened when first needed; statements run one after the other. A
    change runs in a transaction of its own, after which reading begins anew.
    """

    def __init__(self, installation: Installation, *, viewer: Viewer, correlation_id: str) -> None:
        self.installation = installation
        self.viewer = viewer
        self.correlation_id = correlation_id
        self.connection_params: object = None
        self.progress: Progress | None = None
        self.loaders = Loaders(self)
        self._lock = asyncio.Lock()
        self._reader: Reader | None = None
        self._snapshot = AsyncExitStack()
        self._is_closed = False

    @property
    def database(self) -> Database:
        """The database, for what is no reading or writing of a service."""
        return self.installation.database

    @property
    def clock(self) -> Clock:
        """Where time comes from."""
        return self.installation.database.clock

    async def read(
        self,
        service: Callable[Concatenate[Reader, Viewer, P], Awaitable[T]],
        *args: P.args,
        **arguments: P.kwargs,
    ) -> T:
        """Ask a service, in this operation's snapshot."""
        async with self._lock:
            return await service(await self._open(), self.viewer, *args, **arguments)

    async def fetch(self, query: Callable[[Reader], Awaitable[T]]) -> T:
        """Run a query of an edge, whose node was authorised already, in this operation's snapshot."""
        async with self._lock:
            return await query(await self._open())

    async def write(
        self,
        service: Callable[Concatenate[UnitOfWork, Viewer, P], Awaitable[T]],
        *args: P.args,
        **arguments: P.kwargs,
    ) -> T:
        """Let a service change things in a transaction of its own, committed when this returns.

        The snapshot is given back first, so that an operation never holds two connections.
        """
        cause = Cause(correlation_id=self.correlation_id, actor=self.viewer.actor)
        async with self._lock:
            self._refuse_if_closed()
            await self._release()
            async with self.database.writing(self.viewer.tenant_id, cause) as uow:
                return await service(uow, self.viewer, *args, **arguments)

    def fresh(self) -> "Context":
        """Return a context for another operation or event of the same viewer, with nothing read yet."""
        other = Context(self.installation, viewer=self.viewer, correlation_id=self.correlation_id)
        other.connection_params = self.connection_params
        other.progress = self.progress
        return other

    async def renew(self) -> None:
        """Give the snapshot back and forget what was loaded; the next read begins a new one."""
        async with self._lock:
            await self._release()

    async def close(self) -> None:
        """Give everything back; reading and writing raise `OperationEnded` from now on."""
        async with self._lock:
            self._is_closed = True
            await self._release()

    async def _open(self) -> Reader:
        self._refuse_if_closed()
        if self._reader is None:
            self._reader = await self._snapshot.enter_async_context(
                self.database.reading(self.viewer.tenant_id)
            )
        return self._reader

    async def _release(self) -> None:
        self._reader = None
        self.loaders = Loaders(self)
        await self._snapshot.aclose()

    def _refuse_if_closed(self) -> None:
        if self._is_closed:
            raise OperationEnded("The operation is over.")
