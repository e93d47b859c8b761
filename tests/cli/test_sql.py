"""`metier sql`: answers as a table or JSON, from the argument or standard input."""

import io
import sys

import pytest

from tests.cli.conftest import Run

ODD = """select 12345678901234567890.10 as sum, true as sure, null as gone, '{"a": [1]}'::jsonb as body,
'2026-11-21 09:00+00'::timestamptz as at, 'NaN'::float8 as none, 1 as sum, array['x'] as list"""


def test_rows_are_a_table_and_their_number_is_said_beside(run: Run):
    done = run("sql", "select 7 as a, null as b, false as c union all select 8, 'x', true order by a")

    assert [line.split() for line in done.out.splitlines()] == [["a", "b", "c"], ["7", "false"], ["8", "x", "true"]]
    assert (done.code, done.err) == (0, "2 rows\n")


def test_changes_say_how_many_rows(run: Run):
    done = run("sql", "create table t (a int); insert into t values (1); update t set a = 2 where a = 5; drop table t")

    assert done.out.splitlines() == ["CREATE TABLE", "INSERT: 1 row", "UPDATE: 0 rows", "DROP TABLE"]


def test_json_keeps_every_digit_and_every_column(run: Run):
    done = run("sql", ODD, "--json")

    assert '"sum":12345678901234567890.10,' in done.out
    (row,) = done.json_lines()
    assert row == {
        "sum": pytest.approx(1.2e19, rel=0.1),
        "sure": True,
        "gone": None,
        "body": {"a": [1]},
        "at": "2026-11-21T09:00:00+00:00",
        "none": "NaN",
        "sum_2": 1,
        "list": "{x}",
    }


def test_changes_in_json(run: Run):
    done = run("sql", "create table t (a int); insert into t values (1), (2)", "--json")

    assert done.json_lines() == [{"command": "CREATE TABLE", "rows": None}, {"command": "INSERT", "rows": 2}]


def test_statements_come_from_standard_input_too(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("select 'from a pipe' as heard;\n"))

    assert "from a pipe" in run("sql").out


def test_no_statement_is_a_mistake_with_an_example(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(" \n"))

    done = run("sql")

    assert (done.code, done.out) == (1, "")
    assert "cure: metier sql " in done.err


def test_what_is_wrong_is_said_plainly(run: Run):
    done = run("sql", "selec 1")
    as_json = run("sql", "selec 1", "--json")

    assert (done.code, done.out) == (1, "")
    assert done.err == 'error: The database refuses this at line 1, column 1: syntax error at or near "selec".\n'
    assert as_json.json_lines()[0]["error"] == "BadStatement"
