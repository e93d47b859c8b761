"""Two bodies are compared place by place, items of lists by their name, and their sources line by line."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from metier.definitions.bodies import canonical
from metier.definitions.diff import Difference, compare
from tests.scale import cases


def _fields(*names: str, **labels: str) -> dict[str, Any]:
    return {"fields": [{"name": name, "label": labels.get(name, name)} for name in names]}


def test_items_are_told_by_their_names():
    found = compare(_fields("a", "b", "c"), _fields("a", "c", "d", c="See"))

    assert found == [
        Difference("fields.b", "removed", {"name": "b", "label": "b"}, None),
        Difference("fields.c.label", "changed", "c", "See"),
        Difference("fields.d", "added", None, {"name": "d", "label": "d"}),
    ]


def test_an_item_at_another_place_has_moved():
    assert compare(_fields("a", "b", "c", "d"), _fields("b", "c", "d", "a")) == [
        Difference("fields.a", "moved", 0, 3),
    ]


def test_lists_without_names_are_values():
    assert compare({"tags": ["a", "b"]}, {"tags": ["a", "c"]}) == [
        Difference("tags", "changed", ["a", "b"], ["a", "c"])
    ]
    twice = {"fields": [{"name": "a"}, {"name": "a"}]}
    assert compare(twice, {"fields": [{"name": "a"}]})[0].path == "fields"


def test_nothing_is_less_than_something():
    assert compare(None, {"a": 1}) == [Difference("a", "added", None, 1)]
    assert compare({"a": 1}, None) == [Difference("a", "removed", 1, None)]


def test_yes_is_not_one():
    assert compare({"a": 1, "b": [True]}, {"a": True, "b": [1]}) == [
        Difference("a", "changed", 1, True),
        Difference("b", "changed", [True], [1]),
    ]


names = st.text("ab", min_size=1, max_size=2)
scalars = st.none() | st.booleans() | st.integers(0, 2) | st.text("xy", max_size=1)
items = st.fixed_dictionaries({"name": names}, optional={"label": scalars, "size": scalars})
lists = st.lists(items, max_size=4) | st.lists(scalars, max_size=3)
bodies = st.dictionaries(names, scalars | lists | st.dictionaries(names, scalars, max_size=2), max_size=4)


@settings(max_examples=cases(300), deadline=None)
@given(bodies, bodies)
def test_bodies_differ_exactly_where_they_are_said_to(before: dict[str, Any], after: dict[str, Any]):
    found = compare(before, after)

    assert bool(found) is (canonical(before) != canonical(after))
    assert len({one.path for one in found}) == len(found) or any(one.what == "moved" for one in found)
    added = [(one.path, one.after) for one in compare(after, before) if one.what == "added"]
    removed = [(one.path, one.before) for one in found if one.what == "removed"]
    assert sorted(map(repr, added)) == sorted(map(repr, removed))
