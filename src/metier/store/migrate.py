"""Brings the tables to the newest migration, one process at a time.

Migrations are numbered files in `migrations/versions` and only add, so the release before can go on working.
"""

from pathlib import Path

from metier.errors import Unavailable

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 0x4D657469  # advisory lock held while migrating


def head() -> str:
    """Give the newest migration, without loading Alembic: `0001`."""
    return max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def upgrade(url: str) -> None:
    """Run what is missing, in one transaction; blocks, and waits for another process that is at it.

    Raises:
        Unavailable: The database refuses, e.g. because the role may not make tables.
    """
    import psycopg
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import NullPool, create_engine, text
    from sqlalchemy.exc import DBAPIError

    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
            connection.execute(text("create schema if not exists core"))
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise Unavailable(
            f"The tables could not be brought to migration {head()}: {error.orig}",
            cure="The database's role needs the right to create schemas: GRANT CREATE ON DATABASE … TO …",
        ) from error
    finally:
        engine.dispose()
