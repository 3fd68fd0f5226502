import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from ventros.embedded.errors import DirectoryInUse, EmbeddedServerError
from ventros.embedded.postgres import EmbeddedPostgres

SYSTEM_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.fixture
def postgres(tmp_path: Path, made: Path) -> Iterator[EmbeddedPostgres]:
    """A server that was started before and is stopped now."""
    server = EmbeddedPostgres(copy_of(made, tmp_path / "postgres"), durable=False)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path_factory.mktemp("running") / "postgres", durable=False) as server:
        yield server


def copy_of(made: Path, directory: Path) -> Path:
    # With owners and permissions, which shutil leaves behind.
    subprocess.run(["cp", "-a", made, directory], check=True)
    return directory


@asynccontextmanager
async def connected(
    server: EmbeddedPostgres, database: str = "postgres"
) -> AsyncIterator["asyncpg.Connection[Any]"]:
    connection = await asyncpg.connect(server.url(database))
    try:
        yield connection
    finally:
        await connection.close()


def left_behind(server: EmbeddedPostgres) -> subprocess.Popen[bytes]:
    """A server with the same directory that no owner stops."""
    server.start()
    process = Path(f"/proc/{server.pid}")
    command = process.joinpath("cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    account = process.stat().st_uid
    server.stop()
    dropped = account if account != os.geteuid() else None
    orphan = subprocess.Popen(command, cwd=server.home, user=dropped, stderr=subprocess.DEVNULL)
    while not (server.home / "postmaster.pid").exists():
        assert orphan.poll() is None
    return orphan


async def test_one_url_serves_asyncpg_and_sqlalchemy(running: EmbeddedPostgres) -> None:
    async with connected(running) as connection:
        assert await connection.fetchval("select current_user") == "postgres"
    engine = create_async_engine(running.url("postgres").replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.connect() as session:
        assert await session.scalar(text("select current_database()")) == "postgres"
    await engine.dispose()


async def test_the_server_is_set_up_for_ventros_and_listens_on_no_network(running: EmbeddedPostgres) -> None:
    async with connected(running) as connection:
        names = ("listen_addresses", "timezone", "max_connections", "server_encoding", "fsync")
        settings = [await connection.fetchval(f"show {name}") for name in names]
    assert settings == ["", "UTC", "200", "UTF8", "off"]


@pytest.mark.parametrize("name", ["with space, comma & ção", "l" * 120], ids=["odd characters", "long"])
async def test_any_directory_name_will_do(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name / "postgres"
    with EmbeddedPostgres(directory, durable=False) as server:
        async with connected(server) as connection:
            assert await connection.fetchval("select 1") == 1
        sockets = server.sockets

    assert sockets.parent == Path("/tmp")
    assert not sockets.exists()
    assert directory.exists()


async def test_rows_survive_a_stop_and_a_start(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    async with connected(postgres) as connection:
        await connection.execute("create table note (text text); insert into note values ('kept')")

    postgres.stop()
    postgres.start()

    async with connected(postgres) as connection:
        assert await connection.fetchval("select text from note") == "kept"


async def test_acknowledged_rows_survive_a_killed_server(tmp_path: Path, made: Path) -> None:
    server = EmbeddedPostgres(copy_of(made, tmp_path / "postgres"))
    server.start()
    acknowledged = 0
    async with connected(server) as connection:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        assert [await connection.fetchval(f"show {name}") for name in names] == ["on", "on", "on"]
        await connection.execute("create table counter (number int primary key)")
        for number in range(1, 201):
            await connection.execute("insert into counter values ($1)", number)
            acknowledged = number
        assert server.pid is not None
        os.kill(server.pid, 9)
        # There is nobody left to say goodbye to.
        connection.terminate()

    server.stop()
    with server:
        async with connected(server) as connection:
            assert await connection.fetchval("select count(*) from counter") == acknowledged


async def test_a_second_owner_is_told_who_the_first_is(
    public_path: Path, owner: Callable[[str, Path], Any], made: Path
) -> None:
    first = owner("postgres", copy_of(made, public_path / "postgres"))
    second = EmbeddedPostgres(public_path / "postgres")

    with pytest.raises(DirectoryInUse) as refusal:
        second.start()
    second.stop()

    assert str(refusal.value) == (
        f"Another Ventros is already running with this data directory ({public_path / 'postgres'}, "
        f"process {first.process.pid}). Stop it or choose another with --data DIR."
    )
    assert first.process.poll() is None
    os.kill(first.server_pid, 0)


async def test_killing_the_owner_ends_the_server_and_frees_the_directory(
    tmp_path: Path, owner: Callable[[str, Path], Any], ended: Callable[[int], None], made: Path
) -> None:
    first = owner("postgres", copy_of(made, tmp_path / "postgres"))

    first.kill()

    ended(first.server_pid)
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        async with connected(server) as connection:
            assert await connection.fetchval("select 1") == 1


async def test_a_server_left_behind_is_ended_by_the_next_start(public_path: Path, made: Path) -> None:
    server = EmbeddedPostgres(copy_of(made, public_path / "postgres"), durable=False)
    with left_behind(server) as orphan, server:
        assert orphan.wait() == 0
        async with connected(server) as connection:
            assert await connection.fetchval("select 1") == 1


async def test_a_stale_pid_file_naming_a_living_process_is_no_obstacle(postgres: EmbeddedPostgres) -> None:
    postgres.start()
    content = (postgres.home / "postmaster.pid").read_text()
    postgres.stop()
    (postgres.home / "postmaster.pid").write_text(content.replace(content.split()[0], "1", 1))

    postgres.start()

    async with connected(postgres) as connection:
        assert await connection.fetchval("select 1") == 1


def test_an_interrupted_creation_is_begun_again(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgres" / "cluster.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    with EmbeddedPostgres(tmp_path / "postgres", durable=False) as server:
        assert not unfinished.exists()
        assert (server.home / "global" / "pg_control").exists()


def test_a_cluster_of_another_version_is_refused_and_left_alone(postgres: EmbeddedPostgres) -> None:
    (postgres.home / "PG_VERSION").write_text("12\n")

    with pytest.raises(
        EmbeddedServerError, match=r"was made by PostgreSQL 12, but .* is version \d+\. Choose"
    ):
        postgres.start()

    assert postgres.home.exists()
    assert postgres.exit_code is None


def test_a_server_that_cannot_start_shows_its_log_and_frees_the_directory(postgres: EmbeddedPostgres) -> None:
    (postgres.home / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(EmbeddedServerError, match="no_such_setting"):
        postgres.start()

    (postgres.home / "postgresql.conf").write_text("")
    postgres.start()


def test_a_wrong_ventros_pg_bin_is_named(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VENTROS_PG_BIN", str(tmp_path))

    with pytest.raises(EmbeddedServerError, match=f"VENTROS_PG_BIN is '{tmp_path}'"):
        postgres.start()


@pytest.mark.skipif(not SYSTEM_PROGRAMS, reason="no PostgreSQL package is installed on this machine")
async def test_ventros_pg_bin_chooses_the_programs(
    public_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENTROS_PG_BIN", str(SYSTEM_PROGRAMS[-1]))

    with EmbeddedPostgres(public_path / "postgres", durable=False) as server:
        async with connected(server) as connection:
            assert f"/{connection.get_server_version().major}/" in str(SYSTEM_PROGRAMS[-1])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to drop")
def test_started_by_root_it_runs_under_another_account(running: EmbeddedPostgres) -> None:
    assert Path(f"/proc/{running.pid}").stat().st_uid != 0
    assert running.home.stat().st_uid != 0
    assert running.home.parent.stat().st_uid == 0
