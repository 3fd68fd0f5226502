"""What services need from the world outside; each Protocol is met by something in `integrations`."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from domain.ids import TenantId
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
