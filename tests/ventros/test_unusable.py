"""An installation that is not ready: every command says in a line what is wrong, none shows a traceback."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from ventros import migrate
from ventros.embedded.postgres import EmbeddedPostgres
from ventros.unusable import explain

ROOT = Path(__file__).parents[2]
AWAY = "postgresql://us:s3cret@127.0.0.1:1/crm"
COMMANDS = (["serve", "--port", "0"], ["work"], ["migrate", "up"], ["tenant", "create", "Bakery"])


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of its own, for roles belong to the whole server."""
    with TemporaryDirectory(prefix="ventros-test-") as directory:
        Path(directory).chmod(0o755)
        with EmbeddedPostgres(Path(directory) / "postgres", durable=False) as server:
            yield server


def ventros(database_url: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "VENTROS_ENV": "production",
        "VENTROS_SECRET_KEY": "k" * 40,
        "VENTROS_PUBLIC_URL": "https://crm.example.org",
        "VENTROS_DATA_DIR": "/nonexistent",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DATABASE_URL": database_url,
    }
    return subprocess.run(
        [sys.executable, "-m", "ventros", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_missing_server_is_told_in_a_line_without_its_password(arguments: list[str]) -> None:
    result = ventros(AWAY, *arguments)

    assert result.returncode == 1
    assert result.stderr == (
        "PostgreSQL cannot be reached at 127.0.0.1, port 1: Connection refused. Start it, or correct DATABASE_URL.\n"
    )


def test_a_wrong_setting_is_told_by_commands_that_serve_nothing() -> None:
    result = ventros("mysql://us:s3cret@127.0.0.1/crm", "migrate", "up")

    assert result.returncode == 2
    assert result.stderr == "The environment is not usable:\n  DATABASE_URL must begin with postgresql://\n"


def test_an_owner_who_may_create_roles_migrates_and_serves(postgres: EmbeddedPostgres) -> None:
    run_as_superuser(postgres, "CREATE ROLE maker LOGIN CREATEROLE", "CREATE DATABASE made OWNER maker")
    url = postgres.url("made", user="maker")

    assert (
        ventros(url, "migrate", "up").stdout == "Applied 7 migrations; the database is at 2026_11_24_0007.\n"
    )

    assert ventros(url, "migrate", "check").stdout == "The database is what this release declares.\n"
    assert ventros(url, "tenant", "create", "Bakery").stdout.startswith("tenant:  ten_")
    doctor = ventros(url, "doctor").stdout
    assert (
        "ok  role ventros_app: exists, sees one tenant at a time\nok  role ventros_system: exists\n" in doctor
    )


def test_a_login_without_the_roles_is_told_what_to_grant(postgres: EmbeddedPostgres) -> None:
    run_as_superuser(postgres, "CREATE DATABASE strange", "CREATE ROLE stranger LOGIN")
    migrate.upgrade(postgres.url("strange"))
    url = postgres.url("strange", user="stranger")

    for arguments in (
        ["serve"],
        ["work"],
        ["migrate", "up"],
        ["migrate", "status"],
        ["tenant", "create", "B"],
    ):
        result = ventros(url, *arguments)
        assert result.returncode == 1
        assert result.stderr.count("\n") == 1
        assert "GRANT ventros_app, ventros_system TO stranger" in result.stderr
    doctor = ventros(url, "doctor")
    assert doctor.returncode == 1
    assert (
        "bad role ventros_app: may not be assumed by the login; "
        "run as an administrator: GRANT ventros_app TO stranger\n"
    ) in doctor.stdout

    run_as_superuser(postgres, "GRANT ventros_app, ventros_system TO stranger")
    assert ventros(url, "tenant", "create", "Bakery").returncode == 0


def test_one_step_back_is_written_as_minus_one(postgres: EmbeddedPostgres) -> None:
    run_as_superuser(postgres, "CREATE DATABASE back")
    url = postgres.url("back")
    migrate.upgrade(url)

    result = ventros(url, "migrate", "down", "-1", "--yes")

    found = migrate.status(url)
    assert len(found.pending) == 1
    assert (result.stderr, result.stdout) == ("", f"The database is at {found.current}.\n")
    served = ventros(url, "serve")
    assert served.returncode == 3
    assert served.stderr == (
        f"The database is at {found.current}, this release needs {found.head}. Run: ventros migrate up\n"
    )


def test_the_doctor_says_each_finding_in_one_line() -> None:
    result = ventros(AWAY, "doctor")

    lines = result.stdout.splitlines()
    assert result.stderr == ""
    assert [line[:12] for line in lines[:4]] == [
        "ok  Python: ",
        "ok  settings",
        "bad PostgreS",
        "bad Redis: c",
    ]
    assert lines[-1] == "Mend what is marked bad, then run this again."
    assert "s3cret" not in result.stdout


def test_what_is_a_fault_of_ours_is_not_explained_away() -> None:
    assert explain(asyncpg.PostgresSyntaxError("syntax error"), AWAY) is None
    assert explain(KeyError("x"), AWAY) is None


def run_as_superuser(postgres: EmbeddedPostgres, *statements: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(postgres.url("postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())
