"""What Alembic runs: the migrations on the connection that the console gives."""

from __future__ import annotations

from alembic import context

from streams.console.store.tables import metadata


def run() -> None:
    """Migrate in the transaction of the given connection."""
    connection = context.config.attributes["connection"]
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite"
    )
    context.run_migrations()


run()
