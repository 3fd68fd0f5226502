"""The real servers every test may use: PostgreSQL with the migrated schema, and Redis."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.engine import make_url

import persistence.tables  # noqa: F401 Importing declares every table.
from domain.clock import SystemClock
from domain.ids import new_id
from persistence.database import Database
from persistence.events import Cause
from persistence.metadata import metadata
from ventros import migrate
from ventros.embedded.postgres import EmbeddedPostgres
from ventros.embedded.valkey import EmbeddedValkey


@pytest.fixture(scope="session")
def servers() -> Iterator[Path]:
    """A directory for this run's own servers."""
    with tempfile.TemporaryDirectory(prefix="ventros-test-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


@pytest.fixture(scope="session")
def admin_url(servers: Path) -> Iterator[str]:
    """A superuser's URL of a PostgreSQL server: DATABASE_URL, else an embedded one."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    with EmbeddedPostgres(servers / "postgres", durable=False) as postgres:
        yield postgres.url("postgres")


@pytest.fixture(scope="session")
def redis_url(servers: Path) -> Iterator[str]:
    """A Redis: REDIS_URL, else an embedded Valkey."""
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    with EmbeddedValkey(servers / "valkey", durable=False) as valkey:
        yield valkey.url()


@pytest.fixture(scope="session")
def postgres_url(admin_url: str) -> Iterator[str]:
    """A database of this run's own, migrated, seen by its superuser."""
    name = f"ventros_test_{os.getpid()}"
    asyncio.run(_administer(admin_url, f"CREATE DATABASE {name}"))
    try:
        url = make_url(admin_url).set(database=name).render_as_string(hide_password=False)
        migrate.upgrade(url)
        yield url
    finally:
        asyncio.run(_administer(admin_url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """The open database; every table is emptied after the test."""
    async with Database(postgres_url, clock=SystemClock()) as opened:
        yield opened
    await empty(postgres_url)


@pytest.fixture
def cause() -> Cause:
    """Why a test changes something."""
    return Cause(correlation_id="test", actor="test")


@pytest.fixture
def somebody() -> UUID:
    """An id that nothing has."""
    return new_id()


async def empty(url: str) -> None:
    """Delete every row, as the superuser; deleting is faster than truncating few rows in many tables."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            tables = [table.name for table in metadata.tables.values()]
            await connection.execute("; ".join(f"DELETE FROM {table}" for table in tables))
    finally:
        await connection.close()


async def _administer(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
