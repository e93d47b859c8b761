"""Databases made from a template in milliseconds, on an embedded server; for tests. All here blocks."""

from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from metier.store.embedded import ROLE, SUPERUSER, socket_url
from metier.store.migrate import upgrade


def database_url(admin_url: str, name: str) -> str:
    """Give the address of another database on the same server, for the role that owns it."""
    return socket_url(_folder(admin_url), ROLE, name)


def create_template(admin_url: str, name: str) -> None:
    """Make a database with all tables, if it is not there yet."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        found = admin.execute("select from pg_database where datname = %s", [name])
        if found.fetchone() is not None:
            return
        admin.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(ROLE)))
    upgrade(database_url(admin_url, name))


def clone_database(admin_url: str, template: str, name: str) -> None:
    """Make a database like the template, to which nobody may be connected meanwhile."""
    statement = sql.SQL("create database {} template {} owner {} strategy file_copy").format(
        sql.Identifier(name), sql.Identifier(template), sql.Identifier(ROLE)
    )
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(statement)


def drop_database(url: str) -> None:
    """Remove the database of this address, whoever is still connected to it."""
    name = str(conninfo_to_dict(url)["dbname"])
    statement = sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
    admin_url = socket_url(_folder(url), SUPERUSER, SUPERUSER)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(statement)


def _folder(url: str) -> Path:
    return Path(str(conninfo_to_dict(url)["host"]))
