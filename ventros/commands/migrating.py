"""`ventros migrate up|down|status|check`, and what the servers do about a database that is not up to date."""

import asyncio
from typing import Annotated

import typer
from alembic.util.exc import CommandError

from ventros import migrate, settings
from ventros.settings import Settings
from ventros.unusable import assume_roles, explained

app = typer.Typer(
    help="Bring the database to this release's schema, or say where it stands.", no_args_is_help=True
)


@app.command()
def up() -> None:
    """Apply what is missing; nothing happens if nothing is."""
    url = _database_url()
    before = migrate.status(url)
    migrate.upgrade(url)
    count = len(before.pending)
    typer.echo(
        "The database is up to date."
        if before.is_current
        else f"Applied {count} migration{'' if count == 1 else 's'}; the database is at {before.head}."
    )


# Else "-1" would be taken for an option.
@app.command(context_settings={"ignore_unknown_options": True})
def down(
    revision: Annotated[str, typer.Argument(help="Where to go: a revision, -1 for one step, or base.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Go back to an earlier schema; data that has no place there is lost."""
    url = _database_url()
    if not yes:
        typer.confirm("Data of removed tables and columns is lost. Go back?", abort=True)
    try:
        migrate.downgrade(url, revision)
    except CommandError as error:
        typer.echo(f"{error}. See: ventros migrate status", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"The database is at {migrate.status(url).current or 'base'}.")


@app.command()
def status() -> None:
    """Say where the database stands; the exit code is 1 when migrations are missing."""
    found = migrate.status(_database_url())
    typer.echo(f"database: {found.current or 'empty'}\nrelease:  {found.head}")
    for revision in found.pending:
        typer.echo(f"missing:  {revision}")
    if not found.is_current:
        raise typer.Exit(1)


@app.command()
def check() -> None:
    """Compare the database with the tables this release declares; the exit code is 1 when they differ."""
    differences = migrate.differences(_database_url())
    for difference in differences:
        typer.echo(difference)
    if differences:
        raise typer.Exit(1)
    typer.echo("The database is what this release declares.")


def require_current(loaded: Settings) -> None:
    """Migrate in development; in production refuse to start until somebody did.

    Raises `DatabaseUnusable` when the database is away or the login may not act as our roles.
    """
    if loaded.is_production:
        _refuse_unless_current(loaded.database_url)
    else:
        migrate.upgrade(loaded.database_url)
    with explained(loaded.database_url):
        asyncio.run(assume_roles(loaded.database_url))


def _refuse_unless_current(url: str) -> None:
    found = migrate.status(url)
    if not found.is_current:
        typer.echo(
            f"The database is at {found.current or 'no revision'}, this release needs {found.head}. "
            "Run: ventros migrate up",
            err=True,
        )
        raise typer.Exit(3)


def _database_url() -> str:
    return settings.load_for_database().database_url
