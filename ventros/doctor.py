"""`ventros doctor`: looks at everything an installation needs and says what is wrong and how to mend it."""

import asyncio
import importlib.util
import os
import platform
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx2
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.markup import escape

from domain.clock import SystemClock
from integrations.errors import IntegrationError
from persistence.database import APP_ROLE, SYSTEM_ROLE
from persistence.outages import OUTAGES
from ventros import migrate, settings
from ventros.settings import Settings, SettingsError
from ventros.unusable import DatabaseUnusable, explain
from ventros.wiring import ai_provider

_OLDEST_POSTGRESQL = 150_000
_ANSWER_SECONDS = 5.0
_UNREACHABLE: tuple[type[Exception], ...] = (*OUTAGES, asyncpg.PostgresError, ValueError)

_MENDING = {
    "UNAUTHORIZED": "Set VENTROS_AI_KEY to a key of this provider.",
    "FORBIDDEN": "Set VENTROS_AI_KEY to a key that may list its models.",
    "UNREACHABLE": "Start the provider, or set VENTROS_AI_URL to where it is; most addresses end in /v1.",
    "TIMEOUT": "See whether the provider works, and whether a firewall is between.",
    "NOT_JSON": "Set VENTROS_AI_URL to an OpenAI-compatible address; most end in /v1.",
    "NO_MODELS": "Set VENTROS_AI_URL to an OpenAI-compatible address; most end in /v1.",
}

Finding = tuple[bool, str, str]
"""Whether it is well, what was looked at, and what was found."""


async def examine() -> int:
    """Print every finding; return 1 if something is wrong."""
    console = Console()
    is_well = True
    async for ok, subject, text in _findings():
        is_well &= ok
        mark = "[green]ok [/]" if ok else "[red]bad[/]"
        # A line per finding, however narrow the terminal: they are copied, searched and counted.
        console.print(f"{mark} {escape(f'{subject}: {text}')}", highlight=False, soft_wrap=True)
    console.print("Everything is well." if is_well else "Mend what is marked bad, then run this again.")
    return 0 if is_well else 1


async def _findings() -> AsyncIterator[Finding]:
    yield sys.version_info >= (3, 11), "Python", f"{platform.python_version()} (3.11 or newer is needed)"
    try:
        loaded = settings.load()
    except SettingsError as error:
        yield False, "settings", " ".join(str(error).split())
        return
    problems = loaded.problems()
    for problem in problems:
        yield False, "settings", problem
    if not problems:
        yield True, "settings", f"usable for {loaded.env.value}"
    if loaded.database_url:
        async for finding in _postgresql(loaded):
            yield finding
    if loaded.redis_url or not loaded.is_production:
        yield await _redis(loaded)
    yield await asyncio.to_thread(_files, loaded)
    yield await _models(loaded)
    if loaded.whisper_model_path:
        yield await asyncio.to_thread(_whisper, loaded.whisper_model_path)


async def _postgresql(loaded: Settings) -> AsyncIterator[Finding]:
    try:
        connection = await asyncpg.connect(loaded.database_url, timeout=_ANSWER_SECONDS)
    except _UNREACHABLE as error:
        yield False, "PostgreSQL", explain(error, loaded.database_url) or repr(error)
        return
    try:
        version = int(await connection.fetchval("SHOW server_version_num"))
        yield (
            version >= _OLDEST_POSTGRESQL,
            "PostgreSQL",
            f"version {version // 10_000} (15 or newer is needed)",
        )
        yield await asyncio.to_thread(_migrations, loaded)
        for role in (APP_ROLE, SYSTEM_ROLE):
            yield await _role(connection, role)
    finally:
        await connection.close()


async def _role(connection: "asyncpg.Connection[asyncpg.Record]", role: str) -> Finding:
    row = await connection.fetchrow(
        """
        SELECT rolsuper OR rolbypassrls AS is_mighty, current_user AS login, pg_has_role(
          current_user, rolname,
          -- Since PostgreSQL 16 a member need not be allowed to assume the role.
          CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END
        ) AS is_ours
        FROM pg_roles WHERE rolname = $1
        """,
        role,
    )
    if row is None:
        return False, f"role {role}", "does not exist; run: ventros migrate up"
    if row["is_mighty"]:
        return (
            False,
            f"role {role}",
            f"sees all tenants' rows; run as an administrator: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS",
        )
    if not row["is_ours"]:
        return (
            False,
            f"role {role}",
            f"may not be assumed by the login; run as an administrator: GRANT {role} TO {row['login']}",
        )
    return True, f"role {role}", "exists, sees one tenant at a time" if role == APP_ROLE else "exists"


async def _redis(loaded: Settings) -> Finding:
    if not loaded.redis_url:
        return True, "Redis", "REDIS_URL is not set; everything polls, nothing is lost"
    client: Redis = Redis.from_url(loaded.redis_url, socket_timeout=_ANSWER_SECONDS)
    try:
        information = await client.info("server")
    except (RedisError, OSError, ValueError) as error:
        return False, "Redis", f"cannot be used as REDIS_URL says: {str(error) or type(error).__name__}"
    finally:
        await client.aclose()
    return True, "Redis", f"version {information['redis_version']}"


def _migrations(loaded: Settings) -> Finding:
    """Say whether the database has this release's schema."""
    try:
        found = migrate.status(loaded.database_url)
    except DatabaseUnusable as error:
        return False, "migrations", str(error)
    if found.is_current:
        return True, "migrations", f"at {found.head}"
    return False, "migrations", f"{len(found.pending)} missing; run: ventros migrate up"


def _files(loaded: Settings) -> Finding:
    """Say where the files of messages are kept, and whether they can be."""
    directory = loaded.media_directory
    existing = next(one for one in (directory, *directory.parents) if one.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return (
            False,
            "files",
            f"cannot be kept in {directory}; set VENTROS_DATA_DIR to a directory of your own",
        )
    hint = "" if loaded.data_dir else "; set VENTROS_DATA_DIR to a directory that every process sees"
    return True, "files", f"kept in {directory}{hint}"


async def _models(loaded: Settings) -> Finding:
    """Say whether the provider of AI models answers, and has the models that it will be asked for."""
    async with httpx2.AsyncClient(follow_redirects=False, trust_env=False) as http:
        provider = ai_provider(loaded, http=http, clock=SystemClock())
        if provider is None:
            return True, "AI provider", "VENTROS_AI_URL is not set; no model is asked"
        try:
            names = await provider.models(seconds=_ANSWER_SECONDS)
        except IntegrationError as problem:
            if problem.code == "NOT_FOUND":
                return (
                    True,
                    "AI provider",
                    f"{loaded.ai_url} answers, and has no list of models to compare with",
                )
            return (
                False,
                "AI provider",
                f"{loaded.ai_url}: {problem.reason} {_MENDING.get(problem.code, '')}".strip(),
            )
    wanted = [loaded.ai_model, loaded.vision_model]
    if not loaded.whisper_model_path:
        wanted.append(loaded.ai_transcription_model)
    missing = [one for one in dict.fromkeys(wanted) if one not in names]
    if missing:
        return (
            False,
            "AI provider",
            f"{loaded.ai_url} has no model {', '.join(missing)} among its {len(names)}; set VENTROS_AI_MODEL, "
            "VENTROS_AI_VISION_MODEL or VENTROS_AI_TRANSCRIPTION_MODEL to one that it has",
        )
    return True, "AI provider", f"{loaded.ai_url} answers and has {', '.join(dict.fromkeys(wanted))}"


def _whisper(directory: Path) -> Finding:
    """Say whether recordings can be written down on this machine."""
    if not (directory / "model.bin").is_file():
        return (
            False,
            "Whisper",
            f"{directory} holds no model.bin; set VENTROS_WHISPER_MODEL_PATH to one that does",
        )
    if importlib.util.find_spec("faster_whisper") is None:
        return False, "Whisper", "the package faster-whisper is not installed; install ventros[whisper]"
    return True, "Whisper", f"writes down recordings with the model in {directory}"
