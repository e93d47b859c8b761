"""A wrong filter is told with its place, in our words; no filter makes the database fail (S-10, S-11, S-47)."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metier.actor import PrincipalKind
from metier.clock import Clock
from metier.errors import BadFilter, Invalid, MetierError, UnknownField
from metier.filters import OPERATORS
from metier.store import Database
from tests.records.world import COMPANY, DEAL, PERSON, World, euros

DEEP: dict[str, Any] = {"name": "x"}
for _ in range(11):
    DEEP = {"not": DEEP}

WRONG = {  # what → (where, path, words of the problem)
    "unknown field": ({"nam": "x"}, "where.nam", "'deal' has no field 'nam'. Did you mean 'name'?"),
    "unknown field deep inside": ({"or": [{}, {"and": [{"nam": 1}]}]}, "where.or.1.and.0.nam", "no field 'nam'"),
    "unknown field of a relation": ({"company": {"cty": "x"}}, "where.company.cty", "'company' has no field 'cty'"),
    "unknown field, dotted": ({"company.cty": "x"}, "where.company.cty", "Did you mean 'city'?"),
    "unknown part": ({"amount": {"curency_code": "EUR"}}, "where.amount.curency_code", "Did you mean 'currency_code'?"),
    "unknown part, dotted": ({"amount.curency": "EUR"}, "where.amount.curency", "has no field 'curency'"),
    "no part": ({"name.first": "x"}, "where.name.first", "'name' has no fields of its own"),
    "unknown operator": ({"score": {"gtt": 1}}, "where.score.gtt", "'gtt' is no operator of number fields"),
    "operator of another kind": ({"stage": {"like": "w%"}}, "where.stage.like", "no operator of select fields"),
    "text for a number": ({"and": [{"amount": {"gt": "much"}}]}, "where.and.0.amount.gt", "expected a number"),
    "boolean for a number": ({"score": True}, "where.score", "expected a number, not true"),
    "number for a text": ({"name": 5}, "where.name", "expected a text, not 5"),
    "infinite number": ({"score": {"lt": float("inf")}}, "where.score.lt", "expected a number between"),
    "no number": ({"score": float("nan")}, "where.score", "expected a number between"),
    "huge number": ({"amount": 10**400}, "where.amount", "expected a number between"),
    "too fine an amount": ({"amount": 0.0000001}, "where.amount", "holds millionths"),
    "half an employee": ({"company.employees": 1.5}, "where.company.employees", "holds whole numbers"),
    "unknown option": ({"stage": "wno"}, "where.stage", "'wno' is no option of Stage"),
    "unknown option in a list": ({"stage": {"in": ["won", "lots"]}}, "where.stage.in.1", "Did you mean 'lost'?"),
    "no list": ({"stage": {"in": "won"}}, "where.stage.in", "expected a list of values, not 'won'"),
    "null in a list": ({"stage": {"in": ["won", None]}}, "where.stage.in.1", "null is no option"),
    "list for one value": ({"company.ideal": [True]}, "where.company.ideal", "expected one value"),
    "long list": ({"score": {"in": [1] * 1001}}, "where.score.in", "at most 1000"),
    "no date": ({"company.founded": "yesterdy"}, "where.company.founded", "expected a date like '2026-03-01'"),
    "no such day": ({"company.founded": "2026-02-30"}, "where.company.founded", "expected a date"),
    "no time": ({"due_at": {"gt": "noon"}}, "where.due_at.gt", "expected a time like"),
    "year 1 in the east": ({"due_at": {"gt": "0001-01-01T00:00+09:00"}}, "where.due_at.gt", "beyond the years"),
    "the last day": ({"due_at": {"lte": "9999-12-31"}}, "where.due_at.lte", "beyond the years"),
    "no time word": ({"due_at": {"within": "last_7_dys"}}, "where.due_at.within", "Did you mean 'last_7_days'?"),
    "time word that is no text": ({"due_at": {"within": 7}}, "where.due_at.within", "expected a time word, not 7"),
    "hours of a date": ({"company.founded": {"within": "last_hour"}}, "where.company.founded.within", "has no hours"),
    "one end": ({"score": {"between": [1]}}, "where.score.between", "expected a list of two values"),
    "wrong end": ({"score": {"between": [1, "x"]}}, "where.score.between.1", "expected a number"),
    "wrong word for is": ({"score": {"is": "nul"}}, "where.score.is", "expected one of 'null', 'not_null', not 'nul'"),
    "true for is of a number": ({"score": {"is": True}}, "where.score.is", "not true"),
    "no id": ({"company": "Acme"}, "where.company", "expected the id of a company, not 'Acme'"),
    "me for a company": ({"company": "me"}, "where.company", "expected the id of a company"),
    "pattern that ends in a backslash": ({"name": {"like": "a\\"}}, "where.name.like", "lone backslash"),
    "long text": ({"name": "x" * 10_001}, "where.name", "at most 10,000 characters"),
    "zero character": ({"name": {"contains": "a\0"}}, "where.name.contains", "no record can hold"),
    "half a letter": ({"name": {"eq": "\ud800"}}, "where.name.eq", "no record can hold"),
    "half a letter as a name": ({"\ud800": 1}, "where", "is no name"),
    "nothing said": ({"score": {}}, "where.score", "says nothing"),
    "empty or": ({"or": []}, "where.or", "needs at least one condition"),
    "or that is no list": ({"or": {"name": "x"}}, "where.or", "expected a list of conditions"),
    "not that is no object": ({"not": [{"name": "x"}]}, "where.not", "expected an object of conditions"),
    "condition that is no object": ({"and": ["name"]}, "where.and.0", "expected an object of conditions"),
    "no object": ([{"name": "x"}], "where", "expected an object of conditions"),
    "deep nesting": (DEEP, "where" + ".not" * 11, "at most 10 levels"),
    "many conditions": ({"and": [{"name": "x"}] * 201}, "where.and", "at most 200"),
    "many conditions in groups": (
        {"and": [{"or": [{"name": "x"}] * 101}] * 2},
        "where.and.1.or.99.name",
        "at most 200",
    ),
    "many relations": (
        {"company.parent.parent.parent.name": "x"},
        "where.company.parent.parent.parent.name",
        "at most 3",
    ),
}


async def test_wrong_filters_are_told_with_their_place(world: World):
    for what, (where, path, words) in WRONG.items():
        with pytest.raises((BadFilter, UnknownField)) as caught:
            await world.records.find(world.admin, "deal", where=where)

        problem = caught.value.problems[0]
        assert (problem.path, words in problem.problem) == (path, True), (what, problem)
        json.dumps(caught.value.to_json()).encode()
        with pytest.raises((BadFilter, UnknownField)):
            await world.records.describe(world.admin, "deal", where)


async def test_examples_in_errors_are_right(world: World):
    """What an error shows as an example is taken when it is used."""
    for where, _, _ in WRONG.values():
        with pytest.raises(MetierError) as caught:
            await world.records.find(world.admin, "deal", where=where)
        problem = caught.value.problems[0]
        steps = problem.path.removeprefix("where.").split(".")
        if problem.example is None or "and" in steps or steps[-1] in ("or", "not", "where") or steps[-1].isdigit():
            continue
        mended: Any = problem.example
        for step in reversed(steps):
            mended = {step: mended}
        await world.records.find(world.admin, "deal", where=mended)


async def test_me_is_a_member(world: World):
    member = await world.member("Sam Ito")
    await world.insert("company", {"name": "Mine", "owner": str(member)}, {"name": "Other"})
    key = world.actor(kind=PrincipalKind.KEY, id=member)

    assert await world.names("company", {"owner": "me"}, world.actor(id=member)) == ["Mine"]
    assert await world.names("company", {"owner.id": "me"}, world.actor(id=member)) == ["Mine"]
    assert await world.names("company", {"owner": "me"}, world.actor(id=uuid4())) == []
    with pytest.raises(BadFilter, match="a key is no member"):
        await world.names("company", {"owner": "me"}, key)


SORTS = {
    "nme": ("sort.0", "has no field 'nme'"),
    "name,-cmpany": ("sort.1", "Did you mean 'company'?"),
    "company.nam": ("sort.0", "'company' has no field 'nam'"),
    "--name": ("sort.0", "is no sort"),
    "amount.code": ("sort.0", "has no field 'code'"),
    "name,score,stage,amount,due_at,company": ("sort", "at most 5"),
    "company.parent.parent.parent.parent": ("sort.0", "at most 3 relations"),
}


async def test_wrong_sorts_and_selections_are_told(world: World):
    for sort, (path, words) in SORTS.items():
        with pytest.raises(Invalid) as caught:
            await world.records.find(world.admin, "deal", sort=sort)
        assert caught.value.problems[0].path == path
        assert words in caught.value.problems[0].problem
    with pytest.raises(UnknownField, match="Did you mean 'amount'") as told:
        await world.records.find(world.admin, "deal", select=["name", "amont"])
    assert told.value.problems[0].path == "select.1"
    for limit in (-1, 501, True):
        with pytest.raises(Invalid, match="0 to 500"):
            await world.records.find(world.admin, "deal", limit=limit)


# --- total: whatever comes in ----------------------------------------------------------------------------------------

NAMES = ["name", "stage", "amount", "score", "due_at", "company", "contact", "id", "created_at", "company_id"]
WORDS = ["and", "or", "not", *sorted({op for ops in OPERATORS.values() for op in ops}), "city", "full", "currency_code"]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["null", "won", "me", "today", "now", "last_7_days", "2026-11-21", "%\\", str(uuid4()), "1e400"]),
)
JUNK = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES + WORDS) | st.text(max_size=4), inner, max_size=3),
    ),
    max_leaves=12,
)
SHAPED = st.dictionaries(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(WORDS), JUNK, max_size=2), max_size=3)


@given(where=st.one_of(JUNK, SHAPED), sort=st.lists(st.sampled_from([*NAMES, "-name", "x", ""]), max_size=3))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_comes_in_is_answered_or_refused_in_words(db: Database, clock: Clock, where: Any, sort: Any):
    """Over rows, visible and deleted, that would break any operator which looks inside them."""
    world = await _strange(db, clock)
    try:
        await world.records.find(world.admin, "deal", where=where, sort=sort, count="capped")
        await world.records.describe(world.admin, "deal", where)
    except (BadFilter, UnknownField) as error:
        json.dumps(error.to_json()).encode()


STRANGE: dict[int, World] = {}


async def _strange(db: Database, clock: Clock) -> World:
    """Make the world once per database."""
    if id(db) not in STRANGE:
        STRANGE.clear()
        world = STRANGE[id(db)] = await World.make(db, clock)
        await world.publish(COMPANY, PERSON, DEAL)
        rows: list[dict[str, Any]] = [
            {"name": text} for text in ("\\", "%", "{", "1e999", "'", "NaN", "\u0130", "\x01")
        ]
        ids = await world.insert("deal", *rows, {"amount": euros(9e12), "score": 1e300}, {"score": -1e-300})
        await world.delete("deal", *ids[::2])
    return STRANGE[id(db)]
