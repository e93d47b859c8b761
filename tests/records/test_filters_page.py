"""docs/reference/filters.md tells the truth: each example finds what it says, each operator has its row."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from metier.builtin.app.objects import OBJECTS
from metier.clock import Clock
from metier.errors import BadFilter
from metier.filters import OPERATORS, UNITS, Kind, range_ends, time_range, time_words
from metier.filters.times import TimeKind
from metier.store import Database
from tests.records.world import World

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "filters.md").read_text()
HEADINGS = {
    Kind.TEXT: "Text",
    Kind.NUMBER: "Number",
    Kind.BOOLEAN: "Boolean",
    Kind.DATE: "Date",
    Kind.DATE_TIME: "Date and time",
    Kind.SELECT: "Select",
    Kind.UUID: "Id and relation",
}
BLOCKS = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    """Give the cells of a section's table, without its head."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


async def tell(world: World) -> None:
    """Put the page's records into a workspace."""
    await world.publish(*OBJECTS)
    me = await world.member("Ada Park")
    world.admin = world.actor(id=me)
    ids: dict[str, str] = {}
    for name, records in json.loads(BLOCKS[1]).items():
        for record in records:
            values = {key: _value(key, value, ids) for key, value in record.items()}
            (made,) = await world.insert(name, values)
            ids[str(record.get("name"))] = str(made)


def _value(key: str, value: Any, ids: Mapping[str, str]) -> Any:
    if key == "amount":
        return {"amount_micros": round(value * 1_000_000), "currency_code": "EUR"}
    return ids[value] if key == "company" else value


def _title(record: Mapping[str, Any]) -> str:
    name = record.get("name") or record.get("title")
    return " ".join(filter(None, name.values())) if isinstance(name, dict) else str(name)


async def test_each_example_finds_what_it_says(db: Database, clock: Clock):
    world = await World.make(db, clock)
    await tell(world)
    examples = re.findall(r"`(company|person|opportunity|task) (\{.*\})` \| (.*) \|$", PAGE, re.MULTILINE)

    for name, where, finds in examples:
        page = await world.records.find(world.admin, name, where=json.loads(where))
        found = sorted(_title(record) for record in page.records)
        assert found == ([] if finds == "nothing" else finds.split(", ")), where
    assert len(examples) == PAGE.count("`company {") + sum(
        PAGE.count(f"`{n} {{") for n in ("person", "opportunity", "task")
    )
    assert len(examples) > 70


@pytest.mark.parametrize("kind", Kind)
def test_each_operator_has_its_row(kind: Kind):
    named = [cells[0].strip("`") for cells in rows(HEADINGS[kind])]

    assert sorted(named) == sorted(OPERATORS[kind])
    for cells in rows(HEADINGS[kind]):
        assert cells[0].strip("`") in cells[2], cells


def _shown(word: str, kind: TimeKind) -> str:
    first, last = time_range(word, kind, datetime(2026, 11, 21, 9, tzinfo=UTC))
    form = "%Y-%m-%d" if kind == "date" else "%Y-%m-%d %H:%M"
    ends = range_ends(word, kind).value
    return f"{ends[0]}{first.strftime(form)}, {last.strftime(form)}{ends[1]}"


def test_each_time_word_has_the_range_that_is_told():
    table = rows("Time words")

    for word, of_date, of_time in table:
        name = word.strip("`")
        assert of_time == _shown(name, "date_time")
        assert of_date == ("–" if "hour" in name else _shown(name, "date"))
    told = {cells[0].strip("`") for cells in table}
    calendar = {word for word in time_words("date_time") if not re.search(r"\d", word)}
    assert calendar <= told
    for unit in UNITS:
        assert any(re.fullmatch(rf"(last|next)_(\d+_)?{unit}s?", word) for word in told)


async def test_the_error_is_as_told(db: Database, clock: Clock):
    world = await World.make(db, clock)
    await world.publish(*OBJECTS)

    with pytest.raises(BadFilter) as caught:
        await world.records.find(world.admin, "opportunity", where={"and": [{"amount": {"gt": "much"}}]})

    assert caught.value.to_json() == json.loads(BLOCKS[-1])
