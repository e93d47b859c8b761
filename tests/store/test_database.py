"""Asking the database: rows, transactions, lost connections, odd values."""

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from metier.errors import Unavailable
from metier.settings import Settings
from metier.store import Database, Json, UniqueViolation
from metier.store.database import CONNECTIONS_MAX

ID = UUID(int=7)


async def test_rows_are_dicts_of_python_values(db: Database):
    sql = "select %(id)s::uuid as id, %(at)s::timestamptz as at, %(json)s::jsonb as json, null as nothing"
    at = datetime(2026, 11, 21, 9, tzinfo=UTC)

    row = await db.row(sql, {"id": ID, "at": at, "json": Json({"a": [1, None, "ä"]})})

    assert row == {"id": ID, "at": at, "json": {"a": [1, None, "ä"]}, "nothing": None}
    assert row["at"].utcoffset().total_seconds() == 0


async def test_nothing_found_is_none_or_an_empty_list(db: Database):
    nothing = "select 1 as x where false"

    assert (await db.rows(nothing), await db.row(nothing), await db.value(nothing)) == ([], None, None)


async def test_execute_tells_how_many_rows_it_touched(db: Database):
    await db.execute("create table t (a int primary key)")

    assert await db.execute("insert into t select generate_series(1, 3)") == 3
    assert await db.execute("update t set a = a + 10 where a > %s", [1]) == 2
    with pytest.raises(UniqueViolation):
        await db.execute("insert into t values (1)")


async def test_a_statement_without_parameters_may_hold_percent_signs(db: Database):
    assert await db.value("select 'abc' like 'a%'") is True


async def test_json_with_type_markers_comes_back_as_it_went(db: Database):
    """Plain JSON only: nothing in it is revived as an object (S-41)."""
    marked = {"__class__": "os.system", "lc": 1, "type": "constructor", "id": ["a"]}

    assert await db.value("select %s::jsonb", [Json(marked)]) == marked


@pytest.mark.parametrize(
    ("given", "stored"),
    [("a\0b", "ab"), ("\\u0000", "\\u0000"), ("\\\0", "\\"), ("\\\\u0000\0", "\\\\u0000"), ("\0\0", "")],
)
async def test_the_character_that_jsonb_cannot_hold_is_left_out(db: Database, given: str, stored: str):
    assert await db.value("select %s::jsonb", [Json({given: given})]) == {stored: stored}


async def test_a_transaction_that_raises_changes_nothing(db: Database):
    await db.execute("create table t (a int)")

    async def insert_then_fail() -> None:
        async with db.transaction() as transaction:
            await transaction.execute("insert into t values (1)")
            assert await transaction.value("select count(*) from t") == 1
            assert await db.value("select count(*) from t") == 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await insert_then_fail()

    assert await db.value("select count(*) from t") == 0


async def test_a_transaction_commits_as_one(db: Database):
    await db.execute("create table t (a int)")

    async with db.transaction() as transaction:
        await transaction.execute("insert into t values (1)")
        await transaction.execute("insert into t values (%s)", [2])
        assert await transaction.rows("select a from t order by a") == [{"a": 1}, {"a": 2}]
        assert await transaction.row("select max(a) as a from t") == {"a": 2}

    assert await db.value("select sum(a) from t") == 3


async def test_a_hundred_questions_at_once_share_the_connections(db: Database):
    ask = "select pg_sleep(0.01)::text, (select count(*) from pg_stat_activity where datname = current_database()) as n"

    answers = await asyncio.gather(*(db.row(ask) for _ in range(100)))

    assert max(answer["n"] for answer in answers if answer) <= CONNECTIONS_MAX


async def test_a_cancelled_question_stops_on_the_server_and_spoils_nothing(db: Database):
    task = asyncio.create_task(db.value("select pg_sleep(30)"))
    await _until_running(db, "pg_sleep(30)")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert not await _running(db, "pg_sleep(30)")
    assert await asyncio.gather(*(db.value("select %s::int", [n]) for n in range(30))) == list(range(30))


async def test_a_connection_left_inside_a_transaction_is_not_lent_again(db: Database):
    async with db.connection() as connection:
        await connection.execute("begin")
        await connection.execute("create temporary table mine (a int)")

    assert await db.value("select to_regclass('mine')") is None


async def test_connections_cut_while_idle_are_replaced_unnoticed(db: Database):
    await asyncio.gather(*(db.value("select pg_sleep(0.01)::text") for _ in range(5)))
    await db.execute(
        """
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
        """
    )
    await asyncio.sleep(0.05)

    assert await asyncio.gather(*(db.value("select %s::int", [n]) for n in range(10))) == list(range(10))


async def test_a_connection_cut_at_work_is_told_as_unavailable(db: Database):
    asking = asyncio.create_task(db.value("select pg_sleep(30), 'cut me'"))
    pid = await _until_running(db, "cut me")
    await db.execute("select pg_terminate_backend(%s)", [pid])

    with pytest.raises(Unavailable, match="does not answer"):
        await asking
    assert await db.alive()


async def test_a_statement_prepared_before_its_table_changed_still_runs(db: Database):
    """A newer release adds columns while this one serves."""
    await db.execute("create table t (a int)")
    await db.execute("insert into t values (1)")
    async with db.connection() as connection:
        kept = connection
    for _ in range(3):
        await db.rows("select * from t")
    assert not kept.closed
    await db.execute("do $$ begin alter table t add b int; end $$")  # no ALTER that psycopg would see

    assert await db.rows("select * from t") == [{"a": 1, "b": None}]


async def test_a_refused_statement_keeps_its_own_error(db: Database):
    with pytest.raises(psycopg.errors.UndefinedTable):
        await db.rows("select * from nowhere")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        await db.execute("select count(*) from core.run for update")
    assert await db.alive()


async def test_a_closed_database_says_so(db: Database):
    await db.aclose()
    await db.aclose()

    with pytest.raises(Unavailable, match="closed"):
        await db.value("select 1")
    assert not await db.alive()


async def test_an_unreachable_server_is_named_without_its_password(tmp_path: Path):
    with socket.socket() as taken:  # bound, not listening
        taken.bind(("127.0.0.1", 0))
        url = f"postgresql://ada:hunter2@127.0.0.1:{taken.getsockname()[1]}/crm"

        with pytest.raises(Unavailable, match=r"127\.0\.0\.1:\d+/crm does not answer") as caught:
            await Database.open(Settings.for_tests(tmp_path, database_url=url))

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_health_names_version_vectors_and_migration(db: Database):
    health = await db.health()

    assert health.server_version.startswith("18.")
    assert (health.embedded, health.revision, health.up_to_date) == (False, health.head, True)
    assert health.vector


async def test_closing_while_connections_are_lent_is_quiet(db: Database, recwarn: pytest.WarningsRecorder):
    asking = asyncio.create_task(db.value("select pg_sleep(30), 'left open'"))
    await asyncio.sleep(0.1)
    await db.aclose()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert not recwarn.list


async def _running(db: Database, text: str) -> int | None:
    return await db.value(
        "select pid from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like %s",
        [f"%{text}%"],
    )


async def _until_running(db: Database, text: str) -> int:
    for _ in range(500):
        if pid := await _running(db, text):
            return pid
        await asyncio.sleep(0.01)
    pytest.fail(f"{text!r} does not run")


async def test_statements_of_one_connection_do_not_see_each_others_results(db: Database):
    first = await db.rows("select n, 'x' as word from generate_series(1, 3) n")
    second = await db.row("select 1.5::float8 as n")
    third = await db.value("select %s::jsonb", [Json({"a": [1]})])

    assert first == [{"n": n, "word": "x"} for n in (1, 2, 3)]
    assert second == {"n": 1.5}
    assert third == {"a": [1]}


async def test_a_large_result_is_not_kept(db: Database):
    async with db.connection() as connection:
        kept = connection.reader
    await db.rows("select generate_series(1, 5)")
    async with db.connection() as connection:
        assert connection.reader is kept
    await db.rows("select generate_series(1, 5000)")

    async with db.connection() as connection:
        assert connection.reader is not kept
