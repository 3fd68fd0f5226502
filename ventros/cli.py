"""The command line: `ventros serve`, `work`, `migrate`, `schema`, `doctor`, `tenant`, `api-key` and `dev`."""

import asyncio
import sys
import typing
from pathlib import Path
from typing import Annotated

import typer

from domain.operations.queue import QUEUES
from ventros import logs, settings
from ventros.commands import access, migrating
from ventros.settings import SettingsError
from ventros.unusable import DatabaseUnusable

app = typer.Typer(
    name="ventros",
    help="The WhatsApp system of record that can prove it lost nothing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(migrating.app, name="migrate")
app.add_typer(access.tenants, name="tenant")
app.add_typer(access.api_keys, name="api-key")


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="The API's port; 0 takes a free one.", min=0, max=65535)] = 8000,
    data: Annotated[Path | None, typer.Option(help="Where everything is kept.")] = None,
    demo: Annotated[
        bool, typer.Option("--demo/--no-demo", help="People who write by themselves, and their history.")
    ] = True,
) -> None:
    """Run everything on this machine: databases, API, worker and a simulated WhatsApp."""
    from ventros.dev import dev as run  # noqa: PLC0415 The rest of the program is not needed for the others.

    raise typer.Exit(run(port=port, data=data, demo=demo))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on; VENTROS_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to listen on; VENTROS_PORT.")] = None,
) -> None:
    """Serve the API: GraphQL, webhooks, health and metrics."""
    loaded = _ready_to_run()
    from ventros import serve as server  # noqa: PLC0415 As above.

    chosen_host, chosen_port = host or loaded.host, loaded.port if port is None else port
    if chosen_port and not server.is_free(chosen_host, chosen_port):
        typer.echo(
            f"Port {chosen_port} is already in use. Stop the program that uses it, or choose another: "
            f"ventros serve --port {chosen_port + 1}",
            err=True,
        )
        raise typer.Exit(2)
    migrating.require_current(loaded)
    server.serve(loaded, host=chosen_host, port=chosen_port)


@app.command()
def work(
    queues: Annotated[
        str | None, typer.Option(help="Only the jobs of these queues, such as fast,media; all by default.")
    ] = None,
) -> None:
    """File webhooks, publish events, send messages, run jobs, keep house. Run as many as you like."""
    chosen = _chosen_queues(queues)
    loaded = _ready_to_run()
    migrating.require_current(loaded)
    from ventros.worker import work as run  # noqa: PLC0415 As above.

    _uvloop_run(run(loaded, queues=chosen))


@app.command()
def schema() -> None:
    """Print the GraphQL schema in its definition language."""
    from schema.root import schema as published  # noqa: PLC0415 As above.

    typer.echo(published.as_str())


@app.command()
def doctor() -> None:
    """Check settings, databases and roles, and say what is wrong and how to mend it."""
    from ventros.doctor import examine  # noqa: PLC0415 As above.

    raise typer.Exit(asyncio.run(examine()))


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="ventros")
    except SettingsError as error:
        typer.echo(error, err=True)
        sys.exit(2)
    except DatabaseUnusable as error:
        typer.echo(error, err=True)
        sys.exit(1)


def _chosen_queues(text: str | None) -> list[str]:
    if text is None:
        return list(QUEUES)
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if unknown := [name for name in names if name not in QUEUES]:
        typer.echo(f"There is no queue {', '.join(unknown)}; there are {', '.join(QUEUES)}.", err=True)
        raise typer.Exit(2)
    if not names:
        typer.echo(f"--queues names no queue; there are {', '.join(QUEUES)}.", err=True)
        raise typer.Exit(2)
    return names


def _ready_to_run() -> settings.Settings:
    loaded = settings.load_for_serving()
    logs.configure(level=loaded.log_level, as_json=loaded.log_json)
    return loaded


def _uvloop_run(main: typing.Coroutine[object, object, None]) -> None:
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        import uvloop  # noqa: PLC0415 There is none elsewhere.

        uvloop.run(main)
