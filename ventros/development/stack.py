"""The servers and programs of one data directory: started together, watched, and stopped in order."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

from ventros.development.directory import DataDirectory
from ventros.development.errors import StackFailed
from ventros.development.program import Fall, Program, describe_end
from ventros.embedded.lock import DirectoryLock
from ventros.embedded.postgres import EmbeddedPostgres
from ventros.embedded.process import tail
from ventros.embedded.server import EmbeddedServer
from ventros.embedded.valkey import EmbeddedValkey

_PAUSE = 0.05
"""Seconds between two looks at what runs."""


class Stack:
    """What runs in a data directory that is ours alone."""

    def __init__(self, directory: DataDirectory) -> None:
        self.directory = directory
        self.postgres = EmbeddedPostgres(directory.postgres, log=directory.log("postgres"))
        self.valkey = EmbeddedValkey(directory.valkey, log=directory.log("valkey"))
        self._lock = DirectoryLock(directory.path)
        self._servers: list[EmbeddedServer] = []
        self._programs: list[Program] = []

    def open(self) -> None:
        """Take possession of the directory, and of nothing if somebody else has it: `DirectoryInUse`."""
        try:
            self.directory.create()
            self._lock.acquire()
        except OSError as error:
            raise StackFailed(
                f"The data directory {self.directory.path} cannot be used: {error.strerror or error}. "
                "Choose another with --data DIR."
            ) from error
        # Whoever waits for this file must not be content with the one of an earlier run.
        self.directory.demo_file.unlink(missing_ok=True)

    def require_unowned(self) -> None:
        """Raise `DirectoryInUse` if another Ventros runs with the directory."""
        with suppress(OSError):
            self._lock.require_unowned()

    def start_servers(self, *, database_url: str, redis_url: str) -> tuple[str, str]:
        """Start the servers for which no URL is given, and return both URLs.

        The one of an embedded PostgreSQL names its maintenance database.
        """
        if not database_url:
            self._servers.append(self.postgres)
        if not redis_url:
            self._servers.append(self.valkey)
        for server in reversed(self._servers):
            server.launch()
        for server in self._servers:
            server.wait_until_ready()
        return database_url or self.postgres.url("postgres"), redis_url or self.valkey.url()

    def start_programs(self, programs: Sequence[Program]) -> None:
        """Start the programs, the last of which is to be stopped first."""
        for program in programs:
            self._programs.append(program)
            program.start()

    def wait_until_ready(self, checks: Mapping[str, Callable[[], bool]], *, timeout: float) -> None:
        """Wait until every named program passes its check. A program that ends before that is not restarted."""
        deadline = time.monotonic() + timeout
        waiting = dict(checks)
        while waiting:
            for program in self._programs:
                fall = program.check()
                if fall is not None:
                    early = " before it was ready"
                    subject = f"The {fall.program}"
                    raise StackFailed(describe_end(subject, fall.exit_code, fall.log, consequence=early))
            self._require_servers()
            waiting = {name: check for name, check in waiting.items() if not check()}
            if waiting and time.monotonic() > deadline:
                raise StackFailed(self._explain_silence(min(waiting), timeout))
            time.sleep(_PAUSE)

    def watch(self, report: Callable[[Fall], None]) -> NoReturn:
        """Start programs again when they fall, each time telling `report`; raise `StackFailed` when a server falls."""
        while True:
            self._require_servers()
            for program in self._programs:
                fall = program.check()
                if fall is not None:
                    report(fall)
            time.sleep(_PAUSE)

    def stop(self) -> None:
        """Stop what runs, latest first, and give the directory up."""
        for program in reversed(self._programs):
            program.stop()
        for server in reversed(self._servers):
            server.stop()
        self._lock.release()

    def _require_servers(self) -> None:
        for server in self._servers:
            if server.exit_code is not None:
                fatal = "; without it nothing works"
                raise StackFailed(describe_end(server.title, server.exit_code, server.log, consequence=fatal))

    def _explain_silence(self, name: str, timeout: float) -> str:
        log = next(program.log for program in self._programs if program.name == name)
        return (
            f"The {name} was not ready after {timeout:.0f} seconds. "
            f"Its log ({log}) ends with:\n{tail(log, lines=12)}"
        )
