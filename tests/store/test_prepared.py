"""Statements driven through libpq."""

import asyncio

import pytest

from metier.store import Database
from metier.store.prepared import ConnectionLost, PreparedStatements, StatementRefused


async def test_rows_come_as_text(db: Database) -> None:
    async with db.connection() as connection:
        statements = PreparedStatements(connection)
        await statements.prepare("s", "select $1::text, null, 1 + n from generate_series(1, 2) n")

        rows = await statements.run("s", "Über".encode())

        assert rows == [("Über".encode(), None, b"2"), ("Über".encode(), None, b"3")]
        statements.close()


async def test_refused_statement_leaves_the_connection_as_good_as_before(db: Database) -> None:
    async with db.connection() as connection:
        statements = PreparedStatements(connection)
        with pytest.raises(StatementRefused, match="syntax error"):
            await statements.prepare("bad", "select from where")
        await statements.prepare("half", "select 1 / $1::int")

        with pytest.raises(StatementRefused, match="division by zero") as refused:
            await statements.run("half", b"0")

        assert refused.value.sqlstate == "22012"
        assert await statements.run("half", b"1") == [(b"1",)]
        statements.close()
    assert await db.value("select 1") == 1


async def test_parameter_larger_than_any_socket_buffer(db: Database) -> None:
    text = b"0123456789abcdef" * (2 << 20)
    async with db.connection() as connection:
        statements = PreparedStatements(connection)
        await statements.prepare("s", "select length($1::text), md5($1::text), $1::text")

        [(length, _, back)] = await statements.run("s", text)

        assert (length, back) == (str(len(text)).encode(), text)
        statements.close()


async def test_connection_lost_during_a_statement(db: Database) -> None:
    async with db.connection() as connection:
        statements = PreparedStatements(connection)
        await statements.prepare("sleep", "select pg_sleep($1::float8)")
        running = asyncio.create_task(statements.run("sleep", b"30"))
        await asyncio.sleep(0.05)

        await db.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])

        with pytest.raises(ConnectionLost):
            await asyncio.wait_for(running, 12)
        with pytest.raises(ConnectionLost):
            await statements.run("sleep", b"0")
        statements.close()
        await connection.close()


async def test_connection_lost_while_idle(db: Database) -> None:
    async with db.connection() as connection:
        statements = PreparedStatements(connection)
        await statements.prepare("one", "select $1::text")
        await db.execute("select pg_terminate_backend(%s)", [connection.info.backend_pid])
        await asyncio.sleep(0.1)

        with pytest.raises(ConnectionLost):
            await statements.run("one", b"x")
        statements.close()
        await connection.close()
