"""What services need from the world outside; each Protocol is met by something in `integrations`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from domain.ids import ProjectId, TenantId
from domain.operations.queue import JobArgument, JobOrder, Waiting
from domain.values import Sealed, StoredFile


class Vault(Protocol):
    """Keeps secrets: what it seals only it can open, and only under the same context.

    `context` names the place of the secret, such as a column and the id of its row, so that a sealed value
    copied elsewhere does not open.
    """

    def seal(self, text: str, *, context: str) -> Sealed:
        """Return the text encrypted."""
        ...

    def open(self, sealed: Sealed, *, context: str) -> str:
        """Return the text that was sealed under that context."""
        ...


class Storage(Protocol):
    """Keeps files, each tenant's apart, by the hash of their content: the same file twice is kept once."""

    async def store(self, tenant_id: TenantId, chunks: AsyncIterator[bytes]) -> StoredFile:
        """Keep what the chunks make up; when it returns, the file survives a power cut.

        Raises `OSError` when it cannot be written, and whatever the chunks raise; then nothing is kept.
        """
        ...

    def path(self, tenant_id: TenantId, sha256: str) -> Path:
        """Return where a tenant's file is. Raises `ValueError` for anything but a hash."""
        ...

    def sweep(self) -> int:
        """Delete what killed processes left unfinished a day ago or earlier; return how many files. It blocks."""
        ...


class JobQueue(Protocol):
    """Where background work is left for workers; best effort, because its truth is always a row.

    A job that is lost here is found in its table by a sweeper, later. Nothing raises when the queue is away.
    """

    async def enqueue(
        self,
        name: str,
        args: Sequence[JobArgument],
        *,
        id: str,  # noqa: A002 The queue's word.
        queue: str,
        at: datetime | None = None,
        project_id: ProjectId | None = None,
    ) -> int:
        """Leave one job; return 1 if it waits now, 0 if the queue is away.

        A job that waits already is not doubled, only brought forward. One that is running is not queued again.
        """
        ...

    async def enqueue_many(self, orders: Sequence[JobOrder]) -> int:
        """Leave several jobs in one round trip; return how many wait now."""
        ...

    async def cancel(self, id: str) -> bool:  # noqa: A002 As above.
        """Take a job out of its queue, or have its worker stop it; return whether there was one."""
        ...

    async def waiting(self, tenant_id: TenantId | None = None) -> Mapping[str, Waiting] | None:
        """Return what waits by queue, of one tenant or in all; None when the queue is away."""
        ...
