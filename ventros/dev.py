"""Everything on one machine with one command: databases, API, worker, a simulated WhatsApp and fake models."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg

import ventros
from ventros import settings
from ventros.development.directory import DataDirectory, write_private
from ventros.development.elsewhere import require_postgres, require_redis
from ventros.development.errors import PortTaken
from ventros.development.ports import answers, find_free, require_free, url_of
from ventros.development.program import Program
from ventros.development.provider import FakeProvider, describe, needs_fake
from ventros.development.screen import Screen
from ventros.development.stack import Stack
from ventros.development.supervision import FAILED, run_until_stopped
from ventros.embedded.errors import DirectoryInUse

if TYPE_CHECKING:
    from ventros.demo import Demo

_DATABASE = "ventros"
_LOOPBACK = "127.0.0.1"
_PATIENCE = 90.0
"""Seconds until the API, the simulator and the provider must answer."""


def dev(*, port: int, data: Path | None, demo: bool) -> int:
    """Run everything until told to stop, and return the exit code: 0 stopped, 1 failed, 2 port taken.

    Port 0 takes a free one. Without `demo` the demo tenants and their channel exist all the same, but
    nobody has written to them and nobody will.
    """
    screen = Screen()
    host = os.environ.get("VENTROS_HOST", _LOOPBACK)
    stack = Stack(DataDirectory.choose(data, os.environ))
    try:
        require_free(host, port)
        port = port or find_free(host)
    except PortTaken as error:
        try:
            # Whoever starts a second Ventros by mistake is to learn that there is a first.
            stack.require_unowned()
        except DirectoryInUse as first:
            screen.problem(str(first))
            return FAILED
        screen.problem(str(error))
        return 2
    return run_until_stopped(
        stack, screen, start=lambda: _start(stack, screen, host=host, port=port, people=demo)
    )


def _start(stack: Stack, screen: Screen, *, host: str, port: int, people: bool) -> None:
    began = time.monotonic()
    directory = stack.directory
    stack.open()
    database_url, redis_url = _start_databases(stack, screen)
    os.environ.update(
        _environment(directory, host=host, port=port, database_url=database_url, redis_url=redis_url)
    )

    provider = FakeProvider(port=find_free(_LOOPBACK, besides=port)) if needs_fake(os.environ) else None
    if provider is not None:
        os.environ.update(provider.environment)

    # These draw in most of the program; importing them while PostgreSQL starts would delay the messages above.
    from ventros import demo as demo_tenants  # noqa: PLC0415
    from ventros import migrate  # noqa: PLC0415

    screen.say("Bringing the database up to date...")
    migrate.upgrade(database_url)
    simulator_port = _another_port(port, provider)
    demo = demo_tenants.prepare(settings.load_for_serving(), simulator_url=url_of(_LOOPBACK, simulator_port))

    screen.say("Starting the API, the worker and the WhatsApp simulator...")
    write_private(directory.simulator_file, _simulator_configuration(demo, people=people))
    stack.start_programs(_programs(directory, port=port, simulator_port=simulator_port, provider=provider))
    checks = {
        "API": lambda: answers(host, port, "/readyz"),
        "simulator": lambda: answers(_LOOPBACK, simulator_port, "/ping"),
    }
    if provider is not None:
        checks["AI provider"] = lambda: answers(_LOOPBACK, provider.port, "/ping")
    stack.wait_until_ready(checks, timeout=_PATIENCE)
    contents = _demo_file(demo, url=url_of(host, port), simulator_url=url_of(_LOOPBACK, simulator_port))
    write_private(directory.demo_file, contents)
    screen.welcome(
        contents, provider=describe(provider), directory=directory, seconds=time.monotonic() - began
    )


def _another_port(port: int, provider: FakeProvider | None) -> int:
    """A free port that is neither the API's nor the provider's, who are not listening yet."""
    while True:
        found = find_free(_LOOPBACK, besides=port)
        if provider is None or found != provider.port:
            return found


def _start_databases(stack: Stack, screen: Screen) -> tuple[str, str]:
    """Return the URLs of our database and of Redis or Valkey; those that the user named must answer."""
    given_database, given_redis = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    if given_database:
        asyncio.run(require_postgres(given_database))
    if given_redis:
        require_redis(given_redis)
    if not (given_database and given_redis):
        screen.say(f"Starting the databases in {stack.directory.path}...")
    database_url, redis_url = stack.start_servers(database_url=given_database, redis_url=given_redis)
    if not given_database:
        asyncio.run(_create_database(database_url))
        database_url = stack.postgres.url(_DATABASE)
    return database_url, redis_url


async def _create_database(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", _DATABASE):
            await connection.execute(f"CREATE DATABASE {_DATABASE}")
    finally:
        await connection.close()


def _environment(
    directory: DataDirectory, *, host: str, port: int, database_url: str, redis_url: str
) -> dict[str, str]:
    """Return what our programs, and we ourselves from here on, read as settings."""
    return {
        "VENTROS_ENV": "dev",
        "VENTROS_HOST": host,
        "VENTROS_PORT": str(port),
        "VENTROS_PUBLIC_URL": os.environ.get("VENTROS_PUBLIC_URL") or url_of(host, port),
        "VENTROS_DATA_DIR": str(directory.path),
        "VENTROS_SECRET_KEY": os.environ.get("VENTROS_SECRET_KEY") or directory.secret_key(),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        # Logs are read while they are written.
        "PYTHONUNBUFFERED": "1",
        # The programs run in the data directory; they are to find the code that we are.
        "PYTHONPATH": str(Path(ventros.__path__[0]).parent),
    }


def _programs(
    directory: DataDirectory, *, port: int, simulator_port: int, provider: FakeProvider | None
) -> list[Program]:
    fake: dict[str, tuple[str, ...]] = {"AI provider": provider.arguments} if provider is not None else {}
    commands = {
        # Before those that ask it, and stopped after them.
        **fake,
        "API": ("ventros", "serve", "--port", str(port)),
        "worker": ("ventros", "work"),
        "simulator": (
            *("wasim", "--host", _LOOPBACK, "--port", str(simulator_port)),
            *("--config", str(directory.simulator_file)),
        ),
    }
    return [
        Program(
            name=name,
            command=[sys.executable, "-P", "-m", *arguments],
            directory=directory.path,
            environment=os.environ,
            log=directory.log(name.lower().replace(" ", "-")),
        )
        for name, arguments in commands.items()
    ]


def _simulator_configuration(demo: "Demo", *, people: bool) -> dict[str, object]:
    webhook = {"url": demo.webhook_url, "events": ["*"], "hmac": {"key": demo.webhook_hmac_key}}
    return {
        "apiKey": demo.waha_api_key,
        "sessions": [{"name": demo.waha_session, "webhooks": [webhook]}],
        "personas": people,
        "history": people,
    }


def _demo_file(demo: "Demo", *, url: str, simulator_url: str) -> dict[str, str]:
    return {
        "url": url,
        "graphqlUrl": f"{url}/graphql",
        "apiKey": demo.api_key,
        "otherTenantApiKey": demo.other_tenant_api_key,
        "projectId": demo.project_id,
        "channelId": demo.channel_id,
        "wahaSession": demo.waha_session,
        "webhookUrl": demo.webhook_url,
        "webhookHmacKey": demo.webhook_hmac_key,
        "simulatorUrl": simulator_url,
    }
