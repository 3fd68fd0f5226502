"""The life of a database server that Ventros runs itself: one owner, no orphans, a clean stop."""

import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from ventros.embedded.account import Account
from ventros.embedded.errors import EmbeddedServerError
from ventros.embedded.lock import DirectoryLock
from ventros.embedded.process import Escalation, end_orphans, rotate, spawn, stop, tail
from ventros.embedded.socket_directory import SocketDirectory, open_socket_directory


class EmbeddedServer(ABC):
    """A server process that lives in a directory and listens on a Unix socket only.

    `start` returns when the server answers. To start several at once, `launch` each and then
    `wait_until_ready` for each. Both belong to the main thread.
    """

    title: ClassVar[str]
    # What log files are named after.
    name: ClassVar[str]
    # The names under which the kernel may list the server's processes.
    programs: ClassVar[frozenset[str]]
    farewell: ClassVar[Escalation]

    def __init__(self, directory: Path, *, durable: bool = True, log: Path | None = None) -> None:
        """Describe the server. Without `durable` it trades safety from crashes for speed, as tests want."""
        self.directory = directory.resolve()
        self.durable = durable
        self.log = log or self.directory / f"{self.name}.log"
        self._sockets: SocketDirectory | None = None
        self._lock = DirectoryLock(self.directory)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers; on any failure nothing is left running."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the process without waiting for it. Raises `DirectoryInUse` when it has an owner already."""
        make_private(self.directory)
        self._lock.acquire()
        try:
            end_orphans(self.home, programs=self.programs, escalation=self.farewell)
            account = self._prepare()
            self._sockets = open_socket_directory(self.home, account)
            rotate(self.log)
            self._process = spawn(
                self._command(),
                log=self.log,
                directory=self.home,
                environment=server_environment(),
                death_signal=self.farewell[0][0],
                account=account,
            )
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self, *, timeout: float = 120.0) -> None:
        """Wait until the server answers. `timeout`, in seconds, leaves room for recovery after a crash."""
        try:
            self._wait(timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server and give the directory up. Calling it again, or before a start, does nothing."""
        if self._process is not None:
            stop(self._process, self.farewell)
            self._process = None
        if self._sockets is not None:
            self._sockets.remove()
            self._sockets = None
        self._lock.release()

    @property
    def sockets(self) -> Path:
        """The directory that the server's socket is in."""
        if self._sockets is None:
            raise RuntimeError(f"{self.title} has no address before it is launched")
        return self._sockets.path

    @property
    def pid(self) -> int | None:
        """The process id of the running server."""
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """None while the server runs or was never started, else how it ended."""
        return self._process.poll() if self._process else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    @abstractmethod
    def home(self) -> Path:
        """The directory that the server process itself lives in."""

    @abstractmethod
    def _prepare(self) -> Account | None:
        """Bring the directory into order and return the account that the server is to run under."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """The command line, once the directory is in order and `sockets` is known."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Tell whether the server answers."""

    def _wait(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not self._is_ready():
            if self.exit_code is not None:
                raise EmbeddedServerError(self._explain(f"stopped with exit code {self.exit_code}"))
            if time.monotonic() > deadline:
                raise EmbeddedServerError(self._explain(f"was not ready after {timeout:.0f} seconds"))
            time.sleep(0.01)

    def _explain(self, what: str) -> str:
        return f"{self.title} in {self.directory} {what}. Its log ({self.log}) ends with:\n{tail(self.log, lines=12)}"


def make_private(directory: Path) -> None:
    """Create a directory that only we can list.

    Root's may still be passed through, because PostgreSQL runs under another account and lives further down.
    """
    if directory.is_dir():
        return
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o711 if os.geteuid() == 0 else 0o700)


def server_environment() -> dict[str, str]:
    """Return an environment without the caller's secrets and without variables that redirect PostgreSQL."""
    inherited = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PATH") if name in os.environ}
    return {"PATH": "/usr/bin:/bin", **inherited, "LC_ALL": "C", "TZ": "UTC"}
