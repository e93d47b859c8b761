"""Migrations run once, whoever starts first."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.types.json import Json
from sqlalchemy import StaticPool, create_engine, text

from metier.access.role_kind import read_role
from metier.definitions.bodies import digest
from metier.errors import Unavailable
from metier.settings import Settings
from metier.store import Database
from metier.store.cloning import clone_database, drop_database
from metier.store.cloning import database_url as url_of
from metier.store.migrate import MIGRATIONS, head


@pytest.fixture
def empty_url(server: str) -> Iterator[str]:
    """A database without tables."""
    name = f"empty_{os.urandom(4).hex()}"
    clone_database(server, "template0", name)
    yield url_of(server, name)
    drop_database(url_of(server, name))


def test_the_head_is_alembics():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    assert head() == ScriptDirectory.from_config(config).get_current_head()


def test_each_migration_comes_after_one_with_a_smaller_number():
    """Revisions compare as text, which tells newer from older without loading Alembic."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    newest_first = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]

    assert newest_first == sorted(newest_first, reverse=True)
    assert all(len(revision) == 4 for revision in newest_first)


async def test_several_that_start_at_once_on_an_empty_database_all_succeed(empty_url: str, tmp_path: Path):
    settings = Settings.for_tests(tmp_path, database_url=empty_url)

    databases = await asyncio.gather(*(Database.open(settings) for _ in range(4)))

    assert [(await database.health()).revision for database in databases] == [head()] * 4
    for database in databases:
        await database.aclose()


async def test_unmigrated_is_told(empty_url: str, tmp_path: Path):
    database = await Database.open(Settings.for_tests(tmp_path, database_url=empty_url), migrate=False)

    health = await database.health()

    assert (health.revision, health.up_to_date) == (None, False)
    await database.aclose()


async def test_tables_of_a_newer_release_are_left_alone(db: Database, database_url: str, tmp_path: Path):
    """The release before goes on working while a newer one is rolled out."""
    await db.execute("update core.alembic_version set version_num = '9999'")

    older = await Database.open(Settings.for_tests(tmp_path, database_url=database_url))

    assert (await older.health()).up_to_date
    await older.aclose()


async def test_a_role_that_may_not_make_tables_is_told_what_it_needs(server: str, empty_url: str, tmp_path: Path):
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("create role guest login")
    guest = empty_url.replace("//metier@", "//guest@")

    with pytest.raises(Unavailable, match="permission denied") as caught:
        await Database.open(Settings.for_tests(tmp_path, database_url=guest))

    assert "GRANT CREATE" in str(caught.value.cure)


async def test_clones_are_apart(db: Database, server: str, template: str):
    await db.execute("create table only_here (a int)")
    name = f"clone_{os.urandom(4).hex()}"
    clone_database(server, template, name)
    with psycopg.connect(url_of(server, name)) as clone:
        found = clone.execute("select to_regclass('only_here'), to_regclass('core.run')").fetchone()
    drop_database(url_of(server, name))

    assert found == (None, "core.run")


async def test_object_types_become_definitions(empty_url: str, tmp_path: Path):
    """A workspace of the first release: what it published is version 1 of a definition each, without system fields."""
    own = {"name": "name", "label": "Name", "type": "text"}
    kept = {"name": "id", "label": "Id", "type": "uuid", "system": True}
    body = {"name": "web_page", "plural": "web_pages", "label": "Page", "title": "name", "fields": [own, kept]}
    with psycopg.connect(empty_url) as before:
        _upgrade(before, "0001")
        before.execute("insert into core.workspace values (gen_random_uuid(), 'W', 'w_1', 1, '{}', now())")
        before.execute(
            "insert into core.object_type select id, 'web_page', 'web_pages', %s, 0, now(), now() from core.workspace",
            [Json(body)],
        )

    database = await Database.open(Settings.for_tests(tmp_path, database_url=empty_url))

    row = await database.row("select d.kind, d.name, d.folded, d.version, v.* from core.definition d"
        " join core.definition_version v on v.definition_id = d.id")  # fmt: skip
    assert row is not None
    assert (row["kind"], row["name"], row["folded"], row["version"]) == ("object", "web_page", "web-page", 1)
    assert row["body"] == json.loads(row["source"]) == body | {"fields": [own]}
    assert row["digest"] == digest(row["body"])
    await database.aclose()


async def test_roles_become_definitions(empty_url: str, tmp_path: Path):
    """With the ids they have, so that whoever holds them keeps them; in full form, whichever release wrote them."""
    said = {"all_objects": ["read"], "objects": {"note": []}, "flags": ["AI"]}
    with psycopg.connect(empty_url) as before:
        _upgrade(before, "0018")
        before.execute("insert into core.workspace values (gen_random_uuid(), 'W', 'w_1', 1, '{}', now())")
        before.execute(
            "insert into core.role select id, gen_random_uuid(), 'sales_rep', 'Rep', %s, now(), now()"
            " from core.workspace",
            [Json(said)],
        )

    database = await Database.open(Settings.for_tests(tmp_path, database_url=empty_url))

    row = await database.row("select r.id as role_id, d.*, v.body, v.source, v.digest from core.role r"
        " join core.definition d on d.id = r.id join core.definition_version v on v.definition_id = d.id")  # fmt: skip
    assert row is not None
    assert (row["kind"], row["name"], row["folded"], row["version"]) == ("role", "sales_rep", "sales-rep", 1)
    whole = read_role({"name": "sales_rep", "label": "Rep", **said}) | {"name": "sales_rep"}
    assert row["body"] == json.loads(row["source"]) == whole
    assert row["digest"] == digest(whole)
    await database.aclose()


def _upgrade(connection: psycopg.Connection, revision: str) -> None:
    engine = create_engine("postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool)
    with engine.begin() as transaction:
        transaction.execute(text("create schema if not exists core"))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = transaction
        command.upgrade(config, revision)
