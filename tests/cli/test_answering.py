"""What the command line says to requests: by `--yes`, at the terminal, or nothing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from metier.cli import asking
from metier.cli.answering import Answering
from metier.cli.asking import Reply
from metier.errors import RequestChanged
from tests.cli.conftest import Run

CONFIRM = {"id": "1", "hash": "a", "kind": "confirm", "title": "Update Acme", "tool": {"name": "t", "effect": "write"}}
SETUP = CONFIRM | {"id": "2", "title": "New object", "tool": {"name": "t", "effect": "admin"}}
RISK = CONFIRM | {"id": "3", "kind": "approval", "title": "Send", "tool": {"name": "t", "effect": "external"}}


class Desk:
    """A conversation that waits for these."""

    def __init__(self, *asked: Mapping[str, Any], mine: bool = True) -> None:
        self.open = {one["id"]: one for one in asked}
        self.mine = mine
        self.said: list[tuple[str, str, str]] = []
        self.changes: list[Mapping[str, Any]] = []

    async def waiting(self) -> Sequence[tuple[Mapping[str, Any], bool]]:
        return [(one, self.mine) for one in self.open.values()]

    async def reply(self, asked: Mapping[str, Any], reply: Reply) -> None:
        if self.changes:
            fresh = self.changes.pop()
            self.open[fresh["id"]] = fresh
            raise RequestChanged(asked["title"])
        self.said.append((asked["id"], asked["hash"], reply.verdict))
        del self.open[asked["id"]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a person types at the terminal, line by line."""
    lines: list[str] = []
    monkeypatch.setattr(asking, "is_there", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: lines.pop(0))
    yield lines
    assert lines == []


async def test_yes_confirms_changes_of_records_and_nothing_else(capfd: pytest.CaptureFixture[str]):
    desk = Desk(CONFIRM, SETUP, RISK)

    assert not await Answering(yes=True).settle(desk)  # type: ignore[arg-type]

    assert desk.said == [("1", "a", "approve")]
    assert "metier requests show 2" in capfd.readouterr().err


async def test_nobody_is_asked_where_nobody_is(capfd: pytest.CaptureFixture[str]):
    desk = Desk(CONFIRM)

    assert not await Answering(quiet=True).settle(desk)  # type: ignore[arg-type]

    assert (desk.said, capfd.readouterr().err) == ([], "")


async def test_the_terminal_asks_for_each(typed: list[str]):
    desk = Desk(CONFIRM, RISK)
    typed += ["maybe", "y", "n not now"]

    assert await Answering().settle(desk)  # type: ignore[arg-type]

    assert desk.said == [("1", "a", "approve"), ("3", "a", "decline")]


async def test_what_changed_meanwhile_is_asked_anew(typed: list[str]):
    desk = Desk(CONFIRM)
    desk.changes = [CONFIRM | {"hash": "b"}]
    typed += ["y", "y"]

    assert await Answering().settle(desk)  # type: ignore[arg-type]

    assert desk.said == [("1", "b", "approve")]


async def test_what_others_have_to_answer_is_left(typed: list[str]):
    assert not await Answering(yes=True).settle(Desk(CONFIRM, mine=False))  # type: ignore[arg-type]


def test_before_and_after_are_written_out():
    asked = CONFIRM | {
        "changes": [
            {
                "deed": "update",
                "object": "company",
                "label": "Acme",
                "fields": [{"name": "city", "label": "City", "before": None, "after": "Berlin"}],
            }
        ],
        "arguments": {"id": "7", "city": "Berlin"},
        "why": "Changes are confirmed.",
        "reads": ["records"],
    }

    written = "\n".join(asking.lines(asked))

    assert "City: – → Berlin" in written
    assert 't {"id":"7","city":"Berlin"}' in written
    assert "has read: records" in written


def test_a_change_in_words_ends_with_3_where_nobody_is_there_and_goes_on_with_a_yes(run: Run):
    assert run("demo", "--load-only").code == 0

    assert run("ask", "create company Quillwork with 50 employees").code == 3
    (request,) = run("requests", "list", "--json").json_lines()
    assert request["title"] == "Create company Quillwork"
    answered = run("requests", "answer", request["id"], "approve", "--hash", request["hash"])
    assert "Created company [Quillwork]" in answered.out
    changed = run("ask", "--yes", "set the employees of Quillwork to 60")
    assert (changed.code, "50 people → 60 people" in changed.out) == (0, True)
