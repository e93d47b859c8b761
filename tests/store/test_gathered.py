"""Look-ups that come while one is under way share the next statement, and are never answered by an older one."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from metier.errors import Unavailable
from metier.store.gathered import Gathered


class Table:
    """A table that answers when it is let, with what it holds at the beginning of a statement."""

    def __init__(self) -> None:
        self.rows = {"a": 1, "b": 2}
        self.asked: list[list[str]] = []
        self.answers = asyncio.Semaphore(0)
        self.fault: Exception | None = None

    async def look_up(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(sorted(keys))
        found = {key: self.rows[key] for key in keys if key in self.rows}
        await self.answers.acquire()
        if self.fault:
            raise self.fault
        return found


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def gathered(table: Table) -> Gathered[str, int]:
    return Gathered(table.look_up)


async def ask(gathered: Gathered[str, int], *keys: str) -> list["asyncio.Task[int | None]"]:
    """Begin to ask for keys, one after the other."""
    tasks = [asyncio.create_task(gathered.get(key)) for key in keys]
    await asyncio.sleep(0)
    return tasks


async def test_one_who_asks_alone_is_answered_by_a_statement_of_its_own(table: Table, gathered: Gathered[str, int]):
    for _ in range(4):
        table.answers.release()

    assert [await gathered.get(key) for key in ("a", "b", "c", "a")] == [1, 2, None, 1]
    assert table.asked == [["a"], ["b"], ["c"], ["a"]]


async def test_those_who_ask_meanwhile_share_the_next_statement(table: Table, gathered: Gathered[str, int]):
    [first] = await ask(gathered, "a")
    others = await ask(gathered, "a", "b", "c", "b")
    for _ in range(2):
        table.answers.release()

    assert await first == 1
    assert await asyncio.gather(*others) == [1, 2, None, 2]
    assert table.asked == [["a"], ["a", "b", "c"]]


async def test_nobody_is_answered_with_what_was_true_before_they_asked(table: Table, gathered: Gathered[str, int]):
    """S-05: authority that was taken away before the question is gone in the answer."""
    [first] = await ask(gathered, "a")
    del table.rows["a"]
    [second] = await ask(gathered, "a")
    for _ in range(2):
        table.answers.release()

    assert (await first, await second) == (1, None)


async def test_a_failed_statement_fails_for_all_who_shared_it_and_for_nobody_else(
    table: Table, gathered: Gathered[str, int]
):
    [first] = await ask(gathered, "a")
    shared = await ask(gathered, "a", "b")
    table.answers.release()
    await first
    table.fault = Unavailable("The database is gone.")
    table.answers.release()

    results = await asyncio.gather(*shared, return_exceptions=True)

    assert results == [table.fault, table.fault]
    table.fault = None
    table.answers.release()
    assert await gathered.get("b") == 2


@pytest.mark.parametrize("stopped", [0, 1])
async def test_who_is_stopped_holds_nobody_up(table: Table, gathered: Gathered[str, int], stopped: int):
    tasks = await ask(gathered, "a", "a", "b")
    tasks[stopped].cancel()
    for _ in range(3):
        table.answers.release()

    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(results.pop(stopped), asyncio.CancelledError)
    assert results == ([1, 2])
    assert await gathered.get("b") == 2
