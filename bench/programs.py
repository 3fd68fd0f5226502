"""Starts what is measured as processes of their own, the real ones and the limits beside them."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.servers import Servers
from tests.factories import SECRET_KEY

ROOT = Path(__file__).parent.parent
_READY_SECONDS, _FAREWELL_SECONDS = 60.0, 20.0


class ProgramFailed(Exception):
    """A program ended, or never got ready; the message holds the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A running process; `port` is 0 when it does not listen."""

    pid: int
    port: int


def environment(servers: Servers) -> dict[str, str]:
    """Return what `ventros serve` and `ventros work` run with: production's settings."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "VENTROS_ENV": "production",
        "VENTROS_PUBLIC_URL": "http://127.0.0.1",
        "VENTROS_SECRET_KEY": SECRET_KEY,
        "VENTROS_LOG_LEVEL": "warning",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
    }


@asynccontextmanager
async def serving(servers: Servers, **settings: str) -> AsyncIterator[Program]:
    """Run `ventros serve` until the block ends."""
    port = free_port()
    arguments = ("-m", "ventros", "serve", "--port", str(port))
    async with _running(servers, "serve", arguments, port=port, path="/readyz", settings=settings) as program:
        yield program


@asynccontextmanager
async def working(servers: Servers, **settings: str) -> AsyncIterator[Program]:
    """Run `ventros work` until the block ends."""
    async with _running(servers, "work", ("-m", "ventros", "work"), settings=settings) as program:
        yield program


@asynccontextmanager
async def limit(servers: Servers, module: str, *names: str, **settings: str) -> AsyncIterator[Program]:
    """Run a module of `bench` that serves a limit until the block ends."""
    port = free_port()
    arguments = ("-m", f"bench.{module}", *names, str(port))
    async with _running(servers, module, arguments, port=port, path="/", settings=settings) as program:
        yield program


@asynccontextmanager
async def program(servers: Servers, module: str, *arguments: str) -> AsyncIterator[Program]:
    """Run a module of `bench` that does not listen until the block ends."""
    async with _running(servers, module, ("-m", f"bench.{module}", *arguments), settings={}) as running:
        yield running


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def _running(
    servers: Servers,
    name: str,
    arguments: tuple[str, ...],
    *,
    settings: Mapping[str, str],
    port: int = 0,
    path: str = "",
) -> AsyncIterator[Program]:
    log = servers.directory / f"{name}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 It takes a millisecond, and nothing runs beside it.
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**environment(servers), **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        if port:
            await _ready(process, port, path, log)
        try:
            yield Program(pid=process.pid, port=port)
        finally:
            # Its end explains whatever else went wrong.
            if process.poll() is not None:
                raise ProgramFailed(f"{name} ended with {process.returncode} meanwhile:{_tail(log)}")
    finally:
        await _stop(process)


async def _ready(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _READY_SECONDS
    while loop.time() < deadline:
        if process.poll() is not None:
            raise ProgramFailed(f"A program ended with {process.returncode} before it was ready:{_tail(log)}")
        if await _answers(port, path):
            return
        await asyncio.sleep(0.05)
    raise ProgramFailed(f"A program was not ready after {_READY_SECONDS:.0f} seconds:{_tail(log)}")


async def _answers(port: int, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


async def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.to_thread(process.wait, _FAREWELL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-12:]
    return "\n  " + "\n  ".join(lines)
