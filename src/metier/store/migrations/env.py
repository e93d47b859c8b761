"""Runs migrations on the connection that `metier.store.migrate` hands in."""

from alembic import context


def run() -> None:
    """Run them within the transaction that is open there."""
    context.configure(connection=context.config.attributes["connection"], version_table_schema="core")
    context.run_migrations()


run()
