"""A PostgreSQL of our own, for development and tests."""

import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from ventros.embedded.account import Account, can_enter, give, owner_of, run_as, unprivileged_account
from ventros.embedded.errors import EmbeddedServerError
from ventros.embedded.postgres_programs import PostgresPrograms, find_programs
from ventros.embedded.process import Escalation
from ventros.embedded.server import EmbeddedServer, server_environment

_SETTINGS = (
    "listen_addresses=",
    "max_connections=200",
    "shared_buffers=128MB",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    # Our statements are short; compiling them costs more than it saves.
    "jit=off",
)
_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")

# PostgreSQL enters its data directory by name. Where its account may not walk that path (below /root, or
# in root's temporary directories), we enter the directory for it and give it this name for where it is.
_HERE = "/proc/self/cwd"
# Earlier versions leave the working directory while they look for their own program.
_FIRST_TO_STAY_HERE = 16

_LAST_STATUS_LINE = 8


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL cluster in `directory`, reachable over a Unix socket by superuser `postgres`."""

    title: ClassVar[str] = "PostgreSQL"
    name: ClassVar[str] = "postgres"
    programs: ClassVar[frozenset[str]] = frozenset({"postgres"})
    # SIGINT ends sessions and writes a checkpoint; SIGQUIT leaves the work to recovery.
    farewell: ClassVar[Escalation] = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))

    _installation: PostgresPrograms
    _account: Account | None = None

    @property
    def home(self) -> Path:
        """The cluster: PostgreSQL's data directory."""
        return self.directory / "cluster"

    def url(self, database: str, *, user: str = "postgres") -> str:
        """Return a connection URL, valid after `launch`, that asyncpg and SQLAlchemy both understand."""
        return f"postgresql://{user}@/{database}?host={self.sockets}&port=5432"

    def _prepare(self) -> Account | None:
        # A cluster belongs to the account that made it, whichever accounts have come since.
        self._account = owner_of(self.home) if self.home.exists() else unprivileged_account()
        self._installation = find_programs(self._account)
        if not self.home.exists():
            self._create_cluster()
        self._require_same_version()
        # Nobody lives here now, but the number in the file may by chance be that of another process.
        for leftover in ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (self.home / leftover).unlink(missing_ok=True)
        return self._account

    def _command(self) -> Sequence[str | Path]:
        settings = _SETTINGS if self.durable else _SETTINGS + _FORGETFUL
        options = [argument for setting in settings for argument in ("-c", setting)]
        where = self._name_for(self.home)
        return [self._installation.postgres, "-D", where, "-k", self.sockets, *options]

    def _is_ready(self) -> bool:
        try:
            status = (self.home / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            len(status) >= _LAST_STATUS_LINE
            and status[0] == str(self.pid)
            and status[_LAST_STATUS_LINE - 1].strip() == "ready"
        )

    def _create_cluster(self) -> None:
        # Built under another name and renamed when complete: an interrupted start leaves no half cluster.
        unfinished = self.directory / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give(unfinished, self._account)
        command: list[str | Path] = [
            self._installation.initdb,
            *("-D", self._name_for(unfinished)),
            *("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"),
            *_locale_options(self._installation.major),
        ]
        if not self.durable:
            command.append("--no-sync")
        result = run_as(self._account, command, directory=unfinished, environment=server_environment())
        if result.returncode != 0:
            raise EmbeddedServerError(f"PostgreSQL could not create {self.home}: {result.stderr.strip()}")
        unfinished.rename(self.home)

    def _require_same_version(self) -> None:
        made_by = (self.home / "PG_VERSION").read_text().strip()
        if made_by != str(self._installation.major):
            raise EmbeddedServerError(
                f"{self.home} was made by PostgreSQL {made_by}, but {self._installation.postgres} is version "
                f"{self._installation.major}. Choose another directory with --data DIR, or set VENTROS_PG_BIN "
                f"to the bin directory of a PostgreSQL {made_by}."
            )

    def _name_for(self, directory: Path) -> str:
        if can_enter(self._account, directory):
            return str(directory)
        if self._installation.major < _FIRST_TO_STAY_HERE:
            raise EmbeddedServerError(
                f"PostgreSQL {self._installation.major} runs as user {directory.stat().st_uid}, who may not enter "
                f"{directory}. Choose a directory that every user may pass through with --data DIR."
            )
        return _HERE


def _locale_options(major: int) -> Sequence[str]:
    # The built-in provider sorts and folds case the same way with every C library.
    if major >= 17:  # noqa: PLR2004 - the first version that has it.
        return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    return ("--locale=C.UTF-8",)
