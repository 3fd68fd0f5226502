"""`python -m aisim`: serve the fake provider until told to stop."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import structlog
import typer

from aisim.app import create_app
from aisim.config import ProviderConfig, load
from aisim.server import Server, bind, url_of


def main(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 4010,
    config: Annotated[Path | None, typer.Option(help="JSON configuration file.")] = None,
    ready_file: Annotated[Path | None, typer.Option(help='Write {"url": …} here when listening.')] = None,
) -> None:
    """Play an AI provider with the API of OpenAI."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        settings = load(config) if config is not None else ProviderConfig()
        sock = bind(host, port)
    except (OSError, ValueError) as error:
        typer.echo(f"aisim cannot start: {error}", err=True)
        raise typer.Exit(1) from error
    asyncio.run(_serve(Server(create_app(settings), sock), url_of(sock), ready_file))


async def _serve(server: Server, url: str, ready_file: Path | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    serving = await server.begin()
    if not serving.done():
        if ready_file is not None:
            _write_whole(ready_file, msgspec.json.encode({"url": url}))
        typer.echo(f"aisim listening on {url}")
        sys.stdout.flush()
    await serving


def _write_whole(path: Path, data: bytes) -> None:
    # Readers poll for the file, so it must never be seen half written.
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


if __name__ == "__main__":
    typer.run(main)
