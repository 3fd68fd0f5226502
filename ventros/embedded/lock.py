"""One owner per data directory, for as long as that owner lives."""

import fcntl
import os
from pathlib import Path

from ventros.embedded.errors import DirectoryInUse


class DirectoryLock:
    """An advisory lock on a directory, which the kernel gives up when its holder dies in whatever way."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock at once, or raise `DirectoryInUse` naming the directory and its holder."""
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise DirectoryInUse(
                f"Another Ventros is already running with this data directory ({self.directory}, "
                f"process {holder}). Stop it or choose another with --data DIR."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def require_unowned(self) -> None:
        """Raise `DirectoryInUse` if somebody holds the lock; take nothing and make nothing."""
        if (self.directory / "lock").exists():
            self.acquire()
            self.release()

    def release(self) -> None:
        """Give the lock up. The file stays: removing it would let two owners lock two different files."""
        if self._descriptor is None:
            return
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
        self._descriptor = None
