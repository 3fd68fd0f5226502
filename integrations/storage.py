"""Files in a directory: `<tenant>/<aa>/<sha256>`, written beside their place and moved there when complete."""

import asyncio
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from domain.ids import TenantId
from domain.values import StoredFile

BEGINNING = 4_096
_WRITE_BYTES = 1024 * 1024
_UNFINISHED = "unfinished"
_ABANDONED_SECONDS = 24 * 3600.0
_HASH = re.compile(r"[0-9a-f]{64}")


class LocalStorage:
    """A directory that every process of the installation sees; made when the first file comes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    async def store(self, tenant_id: TenantId, chunks: AsyncIterator[bytes]) -> StoredFile:
        """Keep what the chunks make up; see `services.ports.Storage`."""
        unfinished = self.directory / _UNFINISHED / secrets.token_hex(16)
        file = await asyncio.to_thread(self._begin, unfinished)
        try:
            with file:
                digest, size, beginning = hashlib.sha256(), 0, b""
                async for block in _blocks(chunks):
                    digest.update(block)
                    size += len(block)
                    beginning += block[: BEGINNING - len(beginning)]
                    await asyncio.to_thread(file.write, block)
                found = StoredFile(sha256=digest.hexdigest(), size=size, beginning=beginning)
                await asyncio.to_thread(self._finish, file, unfinished, self.path(tenant_id, found.sha256))
        finally:
            # Gone already when it was moved to its place.
            unfinished.unlink(missing_ok=True)
        return found

    def path(self, tenant_id: TenantId, sha256: str) -> Path:
        """Return where a tenant's file is. Raises `ValueError` for anything but a hash."""
        if _HASH.fullmatch(sha256) is None:
            raise ValueError(f"{sha256[:80]!r} is not a SHA-256.")
        return self.directory / str(tenant_id) / sha256[:2] / sha256

    def sweep(self) -> int:
        """Delete what killed processes left unfinished a day ago or earlier; return how many files."""
        before, deleted = time.time() - _ABANDONED_SECONDS, 0
        for path in (self.directory / _UNFINISHED).glob("*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    deleted += 1
        return deleted

    def _begin(self, path: Path) -> BinaryIO:
        self._make(path.parent)
        return path.open("xb")

    def _finish(self, file: BinaryIO, unfinished: Path, path: Path) -> None:
        file.flush()
        os.fsync(file.fileno())
        self._make(path.parent)
        unfinished.replace(path)
        # The new names survive a power cut once their directories are written.
        for directory in (path.parent, path.parent.parent, self.directory):
            descriptor = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _make(self, directory: Path) -> None:
        """Make a directory of the storage; nobody else may look into it or what is above it in the storage."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for above in reversed(directory.relative_to(self.directory).parents):
            (self.directory / above).mkdir(mode=0o700, exist_ok=True)
        directory.mkdir(mode=0o700, exist_ok=True)


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Gather small chunks, because each write costs a change of thread."""
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) >= _WRITE_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)
