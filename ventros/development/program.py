"""A part of Ventros that runs beside us and is started again when it falls."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ventros.embedded.process import rotate, spawn, stop, tail

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0
# A program that ran this many seconds had recovered; its next fall counts as the first again.
_STEADY = 30.0


@dataclass(frozen=True, kw_only=True)
class Fall:
    """How a program ended, where its log is, and in how many seconds it is started again."""

    program: str
    exit_code: int
    log: Path
    pause: float


def describe_end(subject: str, exit_code: int, log: Path, *, consequence: str) -> str:
    """Say in a sentence how a process ended and what follows, with the last lines of its log."""
    how = f"stopped with exit code {exit_code}" if exit_code >= 0 else f"was ended by {_signal(-exit_code)}"
    sentence = f"{subject} {how}{consequence}."
    lines = tail(log, lines=12)
    return f"{sentence} Its log ({log}) ends with:\n{lines}" if lines else f"{sentence} Its log is empty."


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@dataclass(eq=False, kw_only=True)
class Program:
    """A child process with a log; the kernel kills it when we die."""

    name: str
    command: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    log: Path
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _falls: int = 0
    _restart_at: float | None = field(default=None)

    def start(self) -> None:
        """Start with an empty log."""
        rotate(self.log)
        self._spawn()

    @property
    def pid(self) -> int | None:
        """The process id, unless the program has fallen and waits to be started again."""
        return self._process.pid if self._process else None

    def check(self) -> Fall | None:
        """Report a fall, once; after its pause start the program again. Call it several times a second."""
        now = time.monotonic()
        if self._restart_at is not None and now >= self._restart_at:
            self._restart_at = None
            self._spawn()
            return None
        if self._process is None or self._process.poll() is None:
            return None
        exit_code = self._process.returncode
        self._process = None
        self._falls = 1 if now - self._started_at >= _STEADY else self._falls + 1
        pause = min(_FIRST_PAUSE * 2 ** (self._falls - 1), _LONGEST_PAUSE)
        self._restart_at = now + pause
        return Fall(
            program=self.name,
            exit_code=exit_code,
            log=self.log,
            pause=pause,
        )

    def stop(self) -> None:
        """Let the program finish what it is doing, but not for longer than a few seconds."""
        self._restart_at = None
        if self._process is not None:
            stop(self._process, ((signal.SIGTERM, 5.0),))
            self._process = None

    def _spawn(self) -> None:
        self._started_at = time.monotonic()
        self._process = spawn(
            self.command,
            log=self.log,
            directory=self.directory,
            environment=self.environment,
            # Nothing is lost: whatever it acknowledged is in PostgreSQL.
            death_signal=signal.SIGKILL,
        )
