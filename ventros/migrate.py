"""Brings a database to this release's schema, and says where it stands. Raises `DatabaseUnusable` if it cannot."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import migrations
import persistence.tables  # noqa: F401 Importing declares every table.
from migrations.env_options import include_object
from persistence.metadata import metadata
from ventros.unusable import explained

T = TypeVar("T")
_LOCK = 7_230_001
"""The advisory lock that lets one process migrate at a time."""


@dataclass(frozen=True, kw_only=True)
class Status:
    """Where a database stands: its revision (None when empty), this release's, and the revisions between."""

    current: str | None
    head: str
    pending: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether nothing is left to apply."""
        return self.current == self.head


def upgrade(url: str, revision: str = "head") -> None:
    """Apply what is missing. Safe to call from several processes; a second call changes nothing."""
    _run(url, lambda connection: command.upgrade(_config(connection), revision))


def downgrade(url: str, revision: str) -> None:
    """Go back to a revision, `base` for an empty database, or `-1` for one step. Data of removed tables is lost."""
    _run(url, lambda connection: command.downgrade(_config(connection), revision))


def status(url: str) -> Status:
    """Say where the database stands."""
    return _run(url, _status, lock=False)


def differences(url: str) -> list[str]:
    """Say how the database differs from the tables the code declares; empty when it does not."""

    def compare(connection: Connection) -> list[str]:
        context = MigrationContext.configure(
            connection, opts={"include_object": include_object, "compare_type": True}
        )
        return [str(difference) for difference in compare_metadata(context, metadata)]

    return _run(url, compare, lock=False)


def _status(connection: Connection) -> Status:
    script = ScriptDirectory.from_config(_config(connection))
    current = MigrationContext.configure(connection).get_current_revision()
    head = script.get_current_head()
    if head is None:
        raise RuntimeError("This installation holds no migrations; reinstall it.")
    pending = [revision.revision for revision in script.iterate_revisions(head, current)]
    return Status(current=current, head=head, pending=tuple(reversed(pending)))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__path__[0])).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _run(url: str, work: Callable[[Connection], T], *, lock: bool = True) -> T:
    def locked(connection: Connection) -> T:
        if lock:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        return work(connection)

    async def main() -> T:
        engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(locked)
        finally:
            await engine.dispose()

    with explained(url):
        return asyncio.run(main())
