"""docs/reference/errors.md has each error with its status and its place in the tree."""

import json
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import metier
from metier.errors import MetierError, NotFound
from metier.testing import House
from tests.docs.pages import REFERENCE, blocks, check_json, rows, sections

PAGE = (REFERENCE / "errors.md").read_text()
TABLE = {
    cells[0].strip("`"): cells for name, body in sections(PAGE, 2).items() for cells in rows(body) if len(cells) == 4
}


def _tree() -> dict[str, type[MetierError]]:
    for module in pkgutil.walk_packages(metier.__path__, "metier."):
        if "__main__" not in module.name and ".migrations" not in module.name:
            import_module(module.name)
    found = {"MetierError": MetierError}
    waiting: list[type[MetierError]] = [MetierError]
    while waiting:
        below = [kind for kind in waiting.pop().__subclasses__() if kind.__module__.startswith("metier.")]
        found |= {kind.__name__: kind for kind in below}
        waiting += below
    return found


TREE = _tree()


def test_each_error_has_its_row():
    assert sorted(TABLE) == sorted(TREE)


@pytest.mark.parametrize("name", TREE)
def test_status_and_place_are_as_told(name: str):
    kind = TREE[name]

    _, status, under, _ = TABLE[name]
    assert status == str(kind.status)
    assert under.strip("`") == ("" if kind is MetierError else kind.__base__.__name__)


def test_the_last_three_stand_elsewhere_as_told():
    elsewhere = [name for name in TABLE if TREE[name].__module__ != "metier.errors"]

    assert elsewhere == list(TABLE)[-3:]
    assert PAGE.count("the last three are in `metier.errors`") == 1


@pytest.mark.parametrize("name", TREE)
def test_an_error_is_told_as_unused_as_long_as_nothing_raises_it(name: str):
    sources = [path for path in Path(metier.__file__).parent.rglob("*.py") if path.name != "errors.py"]

    named = any(re.search(rf"\b{name}\b", path.read_text()) for path in sources)
    assert ("Nothing raises it yet" in TABLE[name][3]) is not (named or bool(TREE[name].__subclasses__()))


async def test_the_example_is_what_one_gets(sample_house: House):
    with pytest.raises(MetierError) as caught:
        await sample_house.metier.records.find(sample_house.actor, "company", where={"employes": {"gt": 1}})

    shown = json.loads(blocks(PAGE, "json")[0].text)
    check_json(shown, json.loads(json.dumps(caught.value.to_json())), {})
    keys = {cells[0].strip("`") for cells in rows(PAGE) if len(cells) == 2}
    assert keys == NotFound("thing", "x", cure="Look.").to_json().keys()
