"""The databases that benchmarks run on: embedded ones with production's durability, or the ones named."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from ventros import migrate
from ventros.embedded.postgres import EmbeddedPostgres
from ventros.embedded.valkey import EmbeddedValkey


@dataclass(frozen=True, kw_only=True)
class Servers:
    """A migrated database of this run's own and a Redis; `pids` are those of embedded servers."""

    database_url: str
    redis_url: str
    postgres_pid: int | None
    redis_pid: int | None
    directory: Path

    @property
    def pids(self) -> list[int]:
        """The processes of the embedded servers."""
        return [pid for pid in (self.postgres_pid, self.redis_pid) if pid is not None]


@contextmanager
def servers() -> Iterator[Servers]:
    """Yield DATABASE_URL and REDIS_URL where they are set, else servers that live as long as the block.

    DATABASE_URL must belong to a superuser: the run makes a database of its own there and drops it.
    """
    with ExitStack() as stack:
        directory = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="ventros-bench-", ignore_cleanup_errors=True)
            )
        )
        directory.chmod(0o755)
        postgres = valkey = None
        admin_url = os.environ.get("DATABASE_URL", "")
        if not admin_url:
            postgres = stack.enter_context(EmbeddedPostgres(directory / "postgres"))
            admin_url = postgres.url("postgres")
        redis_url = os.environ.get("REDIS_URL", "")
        if not redis_url:
            valkey = stack.enter_context(EmbeddedValkey(directory / "valkey"))
            redis_url = valkey.url()
        yield Servers(
            database_url=stack.enter_context(_own_database(admin_url)),
            redis_url=redis_url,
            postgres_pid=postgres.pid if postgres else None,
            redis_pid=valkey.pid if valkey else None,
            directory=directory,
        )


@contextmanager
def _own_database(admin_url: str) -> Iterator[str]:
    name = f"ventros_bench_{os.getpid()}"
    asyncio.run(_administer(admin_url, f"CREATE DATABASE {name}"))
    try:
        url = make_url(admin_url).set(database=name).render_as_string(hide_password=False)
        migrate.upgrade(url)
        yield url
    finally:
        asyncio.run(_administer(admin_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
