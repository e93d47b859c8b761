"""Statements as a person types them: all or nothing, with the database's words for what is wrong."""

import pytest

from metier.errors import BadStatement, Unavailable
from metier.store import Database, run_script
from metier.store.script import QUOTING


async def test_each_statement_has_its_answer(db: Database):
    found = await run_script(db, "create table t (a int, b bool); insert into t values (1, true), (2, null); table t")

    made, filled, read = found.given
    assert (made.command, made.columns, made.touched) == ("CREATE TABLE", None, None)
    assert (filled.command, filled.columns, filled.touched) == ("INSERT", None, 2)
    assert [(column.name, column.form.value) for column in read.columns or ()] == [("a", "number"), ("b", "boolean")]
    assert read.rows == [["1", "t"], ["2", None]]


async def test_one_wrong_statement_undoes_those_before(db: Database):
    with pytest.raises(BadStatement, match="division by zero"):
        await run_script(db, "create table t (a int); select 1 / 0")

    assert await db.value("select to_regclass('t')") is None


async def test_the_place_of_a_mistake_is_named(db: Database):
    with pytest.raises(BadStatement) as caught:
        await run_script(db, "select 1;\nselect nme from core.workspace")

    assert caught.value.problems[0].path == "line 2, column 8"
    assert 'column "nme" does not exist' in caught.value.message
    assert "name" in (caught.value.cure or ""), "PostgreSQL's own hint"


async def test_a_name_that_lost_its_capitals_is_told_how_to_keep_them(db: Database):
    with pytest.raises(BadStatement) as folded:
        await run_script(db, "select * from core.featureFlags")
    with pytest.raises(BadStatement) as unknown:
        await run_script(db, 'select * from core."Nothing"')

    assert (folded.value.cure, unknown.value.cure) == (QUOTING, None)


async def test_a_transaction_left_open_is_an_error_and_changes_nothing(db: Database):
    with pytest.raises(BadStatement, match="not ended"):
        await run_script(db, "begin; create table t (a int)")

    assert await db.value("select to_regclass('t')") is None


async def test_a_transaction_of_its_own_may_commit(db: Database):
    await run_script(db, "begin; create table t (a int); commit")

    assert await db.value("select count(*) from t") == 0


async def test_remarks_of_the_database_are_given(db: Database):
    found = await run_script(db, "do $$ begin raise notice 'half way'; end $$")

    assert found.remarks == ["NOTICE: half way"]


async def test_copy_says_what_to_do_instead(db: Database):
    for text in ("copy core.workspace to stdout", "copy core.workspace from stdin"):
        with pytest.raises(BadStatement, match="COPY"):
            await run_script(db, text)

    assert await db.value("select 1") == 1


async def test_percent_signs_and_no_statement_at_all_are_nothing_special(db: Database):
    found = await run_script(db, "select 'a%s' like 'a%' as b; ;")

    assert [answer.rows for answer in found.given] == [[["t"]]]


async def test_a_lost_connection_is_told_as_one(db: Database):
    with pytest.raises(Unavailable):
        await run_script(db, "select pg_terminate_backend(pg_backend_pid())")
