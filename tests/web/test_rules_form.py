"""Editing row rules: what is stored becomes inputs, and the inputs become what was stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metier.actor import EVERY_ACTION, Action, RowRule
from metier.errors import Problem
from metier.records import ObjectType
from metier.records.policy import MEMBER
from metier.web.rules import (
    Comparison,
    Draft,
    Group,
    Line,
    Written,
    build,
    drafts_of,
    edit,
    lines,
    offered,
    read_drafts,
)
from tests.web.site import PORT, SHIP

KIND = ObjectType.from_json(SHIP)
OBJECTS = {"ship": KIND, "port": ObjectType.from_json(PORT), "member": MEMBER}


def rule(where: dict, **more) -> list[Draft]:
    return drafts_of([RowRule(where, **more)], KIND, OBJECTS)


def inputs(drafts: list[Draft]) -> list[tuple[str, str]]:
    """Give the inputs as the page has them."""
    found: list[tuple[str, str]] = []
    for n, draft in enumerate(drafts):
        found += [(f"n:{n}:label", draft.label), *((f"n:{n}:action", action.value) for action in draft.actions)]
        found += [pair for line in lines(draft, n, KIND, {}) for pair in _of(line)]
    return found


def _of(line: Line) -> list[tuple[str, str]]:
    match line.part:
        case Group(join, _):
            return [(f"n:{line.place}:kind", join)]
        case Written(text):
            return [(f"n:{line.place}:kind", "written"), (f"n:{line.place}:text", text)]
        case Comparison(field, op, values):
            said = [("kind", "test"), ("field", field), ("op", op), *(("value", value) for value in values)]
            return [(f"n:{line.place}:{key}", value) for key, value in said]


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ({"owner": "me"}, (Comparison("owner", "eq:me"),)),
        ({"owner": {"eq": "me"}}, (Comparison("owner", "eq:me"),)),
        ({"radio": {"eq": {"me": "email"}}}, (Comparison("radio", "eq:@email"),)),
        ({"name": "Aurora"}, (Comparison("name", "eq", ("Aurora",)),)),
        ({"crew": {"gte": 100}}, (Comparison("crew", "gte", ("100",)),)),
        ({"crew": {"between": [1, 2.5]}}, (Comparison("crew", "between", ("1", "2.5")),)),
        ({"state": "afloat"}, (Comparison("state", "in", ("afloat",)),)),
        ({"state": {"not_in": ["sunk", "docked"]}}, (Comparison("state", "not_in", ("sunk", "docked")),)),
        ({"armed": True}, (Comparison("armed", "eq:true"),)),
        ({"launched": {"within": "last_7_days"}}, (Comparison("launched", "within", ("last_7_days",)),)),
        ({"home": {"is": "null"}}, (Comparison("home", "is:null"),)),
        ({"home.name": {"contains": "Lag"}}, (Comparison("home", "contains", ("Lag",)),)),
        ({"name": {"in": ["A", "B"]}}, (Comparison("name", "in", ("A, B",)),)),
        ({"and": [{"armed": False}, {"crew": 3}]}, (Comparison("armed", "eq:false"), Comparison("crew", "eq", ("3",)))),
        ({"armed": False, "crew": 3}, (Comparison("armed", "eq:false"), Comparison("crew", "eq", ("3",)))),
        ({"not": {"owner": "me"}}, (Written('{"not":{"owner":"me"}}'),)),
        ({"home": {"name": {"eq": "Lagos"}}}, (Written('{"home":{"name":{"eq":"Lagos"}}}'),)),
        ({"crew": {"gt": 1, "lt": 9}}, (Written('{"crew":{"gt":1,"lt":9}}'),)),
        ({"nothing": 1}, (Written('{"nothing":1}'),)),
    ],
)
def test_each_condition_has_its_inputs_or_stays_as_it_is_written(where: dict, parts: tuple):
    (draft,) = rule(where)

    assert draft.root.parts == parts


TESTS = st.sampled_from(
    [
        {"owner": {"eq": "me"}},
        {"owner": {"neq": "me"}},
        {"crew": {"gte": 100}},
        {"state": {"in": ["afloat", "sunk"]}},
        {"radio": {"eq": {"me": "email"}}},
        {"home.name": {"contains": "Lag"}},
        {"not": {"crew": {"eq": 1}}},
        {"crew": {"gt": 1, "lt": 9}},
        {"price": {"between": [1, 2]}},
        {"launched": {"within": "this_year"}},
    ]
)
TREES = st.recursive(
    TESTS,
    lambda inner: st.builds(
        lambda join, parts: {join: parts}, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2)
    ),
    max_leaves=12,
)


@given(st.lists(TREES, min_size=1, max_size=3), st.sets(st.sampled_from(list(Action)), min_size=1))
def test_what_is_stored_comes_back_from_the_form_as_it_was(wheres: list[dict], actions: set[Action]):
    stored = [RowRule(where, frozenset(actions), "Own") for where in wheres]

    built = build(read_drafts(inputs(drafts_of(stored, KIND, OBJECTS))), KIND, OBJECTS)

    assert built.problems == {}
    assert [one["where"] for one in built.rules] == wheres
    assert [(set(one["actions"]), one["label"]) for one in built.rules] == [({a.value for a in actions}, "Own")] * len(
        wheres
    )


def test_a_group_of_one_is_stored_as_the_one():
    built = build([Draft(Group("or", (Comparison("owner", "eq:me"),)))], KIND, OBJECTS)

    assert built.rules[0]["where"] == {"owner": {"eq": "me"}}
    assert built.paths[(0, 0)] == "0.where"


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        (Group("and"), "needs a condition"),
        (Comparison("name", "eq", (" ",)), "needs a value"),
        (Comparison("name", "eq"), "needs a value"),
        (Comparison("nothing", "eq", ("x",)), "choose a field"),
        (Comparison("name", "between", ("1",)), "choose a field"),
        (Written("{"), "is not JSON"),
    ],
)
def test_what_cannot_be_built_is_told_at_its_place(part, problem: str):
    built = build([Draft(Group("and", (Comparison("owner", "eq:me"), part)))], KIND, OBJECTS)

    assert built.problems[(0, 1)].startswith(problem)
    assert list(built.problems) == [(0, 1)]


def test_a_problem_of_the_room_is_shown_at_the_part_it_is_about():
    root = Group(
        "and",
        (
            Comparison("owner", "eq:me"),
            Group("or", (Comparison("crew", "gte", ("many",)), Comparison("armed", "eq:true"))),
        ),
    )
    built = build([Draft(Group("and", (Comparison("armed", "eq:true"),))), Draft(root)], KIND, OBJECTS)
    problems = [
        Problem("rows.ship.1.where.and.1.or.0.crew.gte", "expected a number"),
        Problem("rows.ship.1.actions", "at least one action"),
        Problem("rows.ship.0.where.armed.eq", "a slip"),
        Problem("flags", "not about rules"),
    ]

    assert built.at(problems, "rows.ship") == {
        (1, 1, 0): "expected a number",
        (): "at least one action",
        (0, 0): "a slip",
    }


def test_buttons_add_and_remove_parts():
    drafts = edit([], "rule", KIND)
    drafts = edit(drafts, "group:0", KIND)
    drafts = edit(drafts, "test:0.1", KIND)
    drafts = edit(drafts, "written:0", KIND)
    first = Comparison("name", "eq")
    assert drafts[0].root == Group("and", (first, Group("or", (first, first, first)), Written("{}")))

    drafts = edit(drafts, "remove:0.1.2", KIND)
    drafts = edit(drafts, "remove:0.0", KIND)
    assert drafts[0].root == Group("and", (Group("or", (first, first)), Written("{}")))
    assert edit(edit(drafts, "rule", KIND), "remove:0", KIND) == edit([], "rule", KIND)


@pytest.mark.parametrize("order", ["", "look", "test:9", "remove:0.9", "remove:x", "group:0.0.0", "explode:0"])
def test_an_order_that_means_nothing_changes_nothing(order: str):
    drafts = edit([], "rule", KIND)

    assert edit(drafts, order, KIND) == drafts


def test_a_field_chosen_anew_has_its_own_operator_and_no_value():
    (_, line) = lines(Draft(Group("and", (Comparison("crew", "contains", ("x",)),))), 0, KIND, {})

    assert (line.operator.key, line.part) == ("gte", Comparison("crew", "gte"))


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.text(max_size=12),
                st.builds(
                    "n:{}:{}".format, st.text("0123456789.x", max_size=8), st.sampled_from(["kind", "op", "value"])
                ),
            ),
            st.sampled_from(["and", "or", "test", "written", "x", "\x00", ""]),
        ),
        max_size=30,
    )
)
def test_no_form_is_too_odd_to_be_read_and_shown(pairs: list[tuple[str, str]]):
    drafts = read_drafts(pairs)

    built = build(drafts, KIND, OBJECTS)
    assert len(built.rules) == len(drafts)
    for n, draft in enumerate(drafts):
        assert lines(draft, n, KIND, built.problems)


def test_every_field_can_be_asked_about():
    assert [field.name for field in KIND.fields if not offered(field)] == []
    assert Draft(Group("and")).actions == EVERY_ACTION
