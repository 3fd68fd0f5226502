"""Runs migrations on the connection that `ventros.migrate` hands over."""

from alembic import context
from sqlalchemy import Connection, text

import persistence.tables  # noqa: F401 Importing declares every table.
from migrations.env_options import include_object, render_item
from persistence.metadata import metadata


def run(connection: Connection) -> None:
    """Apply the requested revisions, all in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=include_object,
        render_item=render_item,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        # A migration that cannot get its lock gives up at once, rather than making every reader wait behind it.
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        context.run_migrations()


run(context.config.attributes["connection"])
