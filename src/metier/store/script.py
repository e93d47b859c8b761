"""Statements as a person types them: run together, answered with what PostgreSQL says, values as it writes them.

All of a text takes effect or nothing of it does, unless it says `begin` and `commit` itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import psycopg
from psycopg.errors import Diagnostic
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from metier.errors import BadStatement
from metier.store.database import Database

QUOTING = 'A name with capital letters stands in double quotes: core."featureFlag".'


class Form(StrEnum):
    """How the values of a column are written: `json` and `number` as JSON has them, but for `NaN` and `Infinity`."""

    TEXT = "text"
    BOOLEAN = "boolean"  # t, f
    NUMBER = "number"
    JSON = "json"
    TIME = "time"  # 2026-11-21 09:00:00+00


#: Types by their fixed numbers (PostgreSQL's pg_type.dat); all others, arrays too, are text.
FORMS = {
    16: Form.BOOLEAN,
    **dict.fromkeys((20, 21, 23, 26, 700, 701, 1700), Form.NUMBER),
    **dict.fromkeys((114, 3802), Form.JSON),
    **dict.fromkeys((1114, 1184), Form.TIME),
}


@dataclass(frozen=True)
class Column:
    """A column of an answer."""

    name: str
    form: Form


@dataclass(frozen=True)
class Answer:
    """What one statement gave.

    Attributes:
        command: What was done, in PostgreSQL's words: `SELECT`, `INSERT`, `CREATE TABLE`.
        columns: None for a statement that gives no rows.
        rows: Each value as PostgreSQL writes it; None for null.
        touched: How many rows it gave or changed; None where nothing is counted.
    """

    command: str
    columns: Sequence[Column] | None
    rows: Sequence[Sequence[str | None]]
    touched: int | None


@dataclass(frozen=True)
class Answers:
    """What a text gave: an answer for each statement, and what the database remarked meanwhile."""

    given: Sequence[Answer]
    remarks: Sequence[str] = ()


async def run_script(db: Database, text: str) -> Answers:
    """Run one or more statements, with all rights of the database's role.

    Raises:
        BadStatement: The database refuses one: nothing took effect. Says where, and the cure where it is known.
        Unavailable: The database went away; nobody knows whether the text took effect.
    """
    remarks: list[str] = []

    def hear(remark: Diagnostic) -> None:
        remarks.append(f"{remark.severity}: {remark.message_primary}")

    async with db.connection() as connection:
        connection.add_notice_handler(hear)
        try:
            given = await _run(psycopg.AsyncClientCursor(connection), text)
        except psycopg.DatabaseError as error:
            if connection.broken:
                raise
            raise _refusal(error, text) from error
        finally:
            connection.remove_notice_handler(hear)
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            raise BadStatement("a transaction is begun and not ended", cure="Leave `begin` out, or end with `commit;`.")
    return Answers(given, remarks)


async def _run(cursor: psycopg.AsyncClientCursor[object], text: str) -> list[Answer]:
    await cursor.execute(text.encode())
    given = [cursor.pgresult]
    while cursor.nextset():
        given.append(cursor.pgresult)
    return [_answer(result) for result in given if result and result.status != ExecStatus.EMPTY_QUERY]


def _answer(result: PGresult) -> Answer:
    has_rows = result.status == ExecStatus.TUPLES_OK
    columns = [
        Column(_text(result.fname(n)) or "", FORMS.get(result.ftype(n), Form.TEXT)) for n in range(result.nfields)
    ]
    return Answer(
        command=" ".join(word for word in (_text(result.command_status) or "").split() if not word.isdigit()),
        columns=columns if has_rows else None,
        rows=[[_text(result.get_value(row, n)) for n in range(result.nfields)] for row in range(result.ntuples)],
        touched=result.command_tuples,
    )


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")


def _refusal(error: psycopg.Error, text: str) -> BadStatement:
    said = error.diag
    if said.message_primary is None:  # psycopg's own: a COPY needs a stream that there is none of here
        return BadStatement("COPY to and from here is not possible", cure="Use `select` with --json, and `insert`.")
    cure = said.message_hint or (QUOTING if _was_folded(said.message_primary, text) else None)
    problem = said.message_primary if said.message_detail is None else f"{said.message_primary}: {said.message_detail}"
    return BadStatement(problem.rstrip("."), at=_place(text, said.statement_position), cure=cure)


def _was_folded(problem: str, text: str) -> bool:
    """Say whether the problem names something in small letters that the text writes with capitals."""
    names = re.findall(r'"([^"]+)"', problem)
    return any(name not in text and name in text.lower() for name in names)


def _place(text: str, position: str | None) -> str:
    """Say where a statement is wrong: `line 2, column 8`."""
    if position is None:
        return ""
    before = text[: int(position) - 1]
    return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"
