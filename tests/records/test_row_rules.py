"""Fields and rows that a role withholds do not exist, whatever is asked and whoever acts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest

from metier.access.forms import changed
from metier.actor import Actor, Principal, PrincipalKind, Role
from metier.errors import BadFilter, MissingPermission, NoSuchRecord, OutOfReach, UnknownField
from metier.filters import OPERATORS, Kind
from metier.records import ObjectType
from tests.records.world import COMPANY, STAGES, World, euros, object_type

Ids = Mapping[str, UUID]


def role(**form: Any) -> Role:
    everything = {"all_objects": ["read", "create", "update", "delete", "destroy"]}
    return changed(Role(uuid4(), "rep", "Rep"), everything | form)


def actor(world: World, *roles: Role, me: UUID | None = None, email: str | None = None) -> Actor:
    kind = PrincipalKind.KEY if me is None else PrincipalKind.MEMBER
    chain = tuple(f"agent:a{i}" for i in range(len(roles) - 1))
    return Actor(world.workspace_id, Principal(kind, me or uuid4(), "Sam Ito", "UTC", "en", email), roles, chain)


def rows(where: Any, *actions: str, of: str = "company") -> dict[str, Any]:
    return {"rows": {of: [{"where": where} | ({"actions": list(actions)} if actions else {})]}}


@pytest.fixture
async def ids(world: World) -> Ids:
    """Acme is Sam's, Bolt is Kim's, Zero is nobody's; each has a deal."""
    sam, kim = await world.member("Sam Ito", "sam@example.com"), await world.member("Kim Roy", "kim@example.com")
    acme, bolt, zero = await world.insert(
        "company",
        {"name": "Acme", "city": "Graz", "owner": str(sam), "revenue": euros(10)},
        {"name": "Bolt", "city": "Linz", "owner": str(kim), "revenue": euros(20)},
        {"name": "Zero", "employees": 7},
    )
    deals = await world.insert(
        "deal",
        {"name": "A", "company": str(acme), "amount": euros(1)},
        {"name": "B", "company": str(bolt), "amount": euros(2)},
        {"name": "Z", "company": str(zero)},
    )
    return {"sam": sam, "kim": kim, "acme": acme, "bolt": bolt, "zero": zero, "a": deals[0], "b": deals[1]}


async def names(world: World, who: Actor, where: Any = None, of: str = "company", **question: Any) -> list[str]:
    return sorted(await world.names(of, where or {}, who, **question))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"owner": "me"}, ["Acme"]),
        ({"owner": {"neq": "me"}}, ["Bolt", "Zero"]),
        ({"not": {"owner": "me"}}, ["Bolt", "Zero"]),
        ({"owner": {"in": ["me"]}}, ["Acme"]),
        ({"owner": {"eq": {"me": "id"}}}, ["Acme"]),
        ({"owner.email": {"eq": {"me": "email"}}}, ["Acme"]),
        ({"or": [{"owner": "me"}, {"owner": {"is": "null"}}]}, ["Acme", "Zero"]),
        ({"and": [{"owner": "me"}, {"city": "Linz"}]}, []),
        ({}, ["Acme", "Bolt", "Zero"]),
        ({"or": [{"revenue": {"gt": 15}}, {"employees": 7}]}, ["Bolt", "Zero"]),
    ],
)
async def test_s08_rows_that_match_are_there_and_no_others(world: World, ids: Ids, where: Any, expected: list[str]):
    who = actor(world, role(**rows(where)), me=ids["sam"], email="sam@example.com")

    assert await names(world, who) == expected
    assert (await world.records.find(who, "company", limit=0, count="exact")).total == len(expected)
    assert {hit.label for hit in await world.records.search(who, "o")} & {"Bolt", "Zero"} == set(expected) - {"Acme"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"owner": "me"}, []),
        ({"owner": {"neq": "me"}}, []),
        ({"not": {"owner": "me"}}, []),
        ({"not": {"not": {"owner": {"neq": "me"}}}}, []),
        ({"owner": {"not_in": ["me"]}}, []),
        ({"not": {"owner": {"in": ["me"]}}}, []),
        ({"city": {"neq": {"me": "email"}}}, []),
        ({"or": [{"owner": "me"}, {"city": "Graz"}]}, ["Acme"]),
        ({"not": {"and": [{"owner": "me"}, {"city": "Graz"}]}}, ["Bolt", "Zero"]),
    ],
)
async def test_s11_who_is_no_member_gets_through_no_condition_on_the_member(
    world: World, ids: Ids, where: Any, expected: list[str]
):
    """Under `not` neither: what compares with nobody is neither true nor false."""
    assert await names(world, actor(world, role(**rows(where)))) == expected


async def test_an_empty_field_of_the_member_lets_nothing_through(world: World, ids: Ids):
    by_email = role(**rows({"owner.email": {"neq": {"me": "email"}}}))

    assert await names(world, actor(world, by_email, me=ids["sam"], email="sam@example.com")) == ["Bolt", "Zero"]
    assert await names(world, actor(world, by_email, me=ids["sam"])) == []


async def test_s02_the_rules_of_all_roles_of_a_chain_hold_together(world: World, ids: Ids):
    first, second = role(**rows({"city": {"is": "not_null"}})), role(**rows({"owner": "me"}))

    assert await names(world, actor(world, first, second, me=ids["sam"])) == ["Acme"]
    assert await names(world, actor(world, first, second, me=ids["kim"])) == ["Bolt"]


async def test_s04_a_hidden_record_is_as_unknown_as_one_that_is_not_there(world: World, ids: Ids):
    who = actor(world, role(**rows({"owner": "me"})), me=ids["sam"])
    nowhere = uuid4()

    for ask in (
        lambda one: world.records.get(who, "company", one),
        lambda one: world.records.update(who, "company", one, {"city": "x"}),
        lambda one: world.records.delete(who, "company", one),
        lambda one: world.records.history(who, "company", one),
    ):
        with pytest.raises(NoSuchRecord) as hidden:
            await ask(ids["bolt"])
        with pytest.raises(NoSuchRecord) as unknown:
            await ask(nowhere)
        assert hidden.value.to_json() == _renamed(unknown.value.to_json(), str(nowhere), str(ids["bolt"]))


def _renamed(body: Any, one: str, other: str) -> Any:
    return json.loads(json.dumps(body).replace(one, other))


async def test_s08_relations_to_hidden_records_lead_nowhere(world: World, ids: Ids):
    """In labels, ids, filters, sorts and totals."""
    who = actor(world, role(**rows({"owner": "me"})), me=ids["sam"])

    page = await world.records.find(who, "deal", sort="name", select=["name", "company", "company_id"])

    assert [deal["company"] and deal["company"]["label"] for deal in page.records] == ["Acme", None, None]
    assert [deal["company_id"] for deal in page.records] == [str(ids["acme"]), None, None]
    assert await names(world, who, {"company": str(ids["bolt"])}, "deal") == []
    assert await names(world, who, {"company": {"is": "null"}}, "deal") == ["B", "Z"]
    assert await names(world, who, {"company.name": {"is": "not_null"}}, "deal") == ["A"]
    assert await world.names("deal", {}, who, sort="company.name,name") == ["A", "B", "Z"]
    assert await world.records.describe(who, "deal", {"company": str(ids["bolt"])}) == f"Company is {ids['bolt']}"


async def test_a_rule_may_ask_for_what_its_holder_does_not_see(world: World, ids: Ids):
    hidden = role(objects={"member": []}, fields={"company": {"owner": [], "city": []}}, **rows({"owner": "me"}))
    through = role(objects={"company": []}, **rows({"company.city": "Linz"}, of="deal"))

    assert await names(world, actor(world, hidden, me=ids["sam"])) == ["Acme"]
    assert await names(world, actor(world, through, me=ids["sam"]), of="deal") == ["B"]


async def test_members_can_be_withheld_by_rules_too(world: World, ids: Ids):
    who = actor(world, role(**rows({"id": "me"}, of="member")), me=ids["sam"])

    assert await names(world, who, of="member") == ["Sam Ito"]
    page = await world.records.find(who, "company", sort="name", select=["owner"])
    assert [record["owner"] and record["owner"]["label"] for record in page.records] == ["Sam Ito", None, None]


async def test_a_rule_whose_field_is_gone_lets_nothing_through(world: World, ids: Ids):
    assert await names(world, actor(world, role(**rows({"colour": "red"})))) == []
    assert await names(world, actor(world, role(**rows({"colour": "red"}, "update")))) == ["Acme", "Bolt", "Zero"]


async def test_rules_with_time_words_go_with_the_time(world: World, ids: Ids):
    who = actor(world, role(**rows({"created_at": {"within": "today"}})))

    assert await names(world, who) == ["Acme", "Bolt", "Zero"]
    await world.clock.sleep(24 * 3600)
    assert await names(world, who) == []


async def test_rules_of_one_shape_share_their_queries_and_not_their_values(world: World, ids: Ids):
    sam = actor(world, role(**rows({"city": "Graz"})), me=ids["sam"])
    kim = actor(world, role(**rows({"city": "Linz"})), me=ids["kim"])

    assert await world.records.objects(sam) is await world.records.objects(kim)
    assert (await names(world, sam), await names(world, kim)) == (["Acme"], ["Bolt"])


# --- writing ---------------------------------------------------------------------------------------------------------


async def test_s09_what_is_written_must_match_before_and_after(world: World, ids: Ids):
    who = actor(world, role(**rows({"owner": "me"})), me=ids["sam"])

    with pytest.raises(OutOfReach):
        await world.records.update(who, "company", ids["acme"], {"owner": str(ids["kim"])})
    with pytest.raises(OutOfReach):
        await world.records.create(who, "company", {"name": "New"})
    made = await world.records.create(who, "company", {"name": "Mine", "owner": "me"})

    assert made.one.record is not None
    assert await names(world, world.admin) == ["Acme", "Bolt", "Mine", "Zero"]
    assert (await world.records.get(world.admin, "company", ids["acme"]))["owner"]["label"] == "Sam Ito"


async def test_s09_a_rule_for_some_actions_lets_the_others_be(world: World, ids: Ids):
    who = actor(world, role(**rows({"owner": "me"}, "update", "delete", "destroy")), me=ids["sam"])

    assert await names(world, who) == ["Acme", "Bolt", "Zero"]
    for refused in (
        world.records.update(who, "company", ids["bolt"], {"city": "x"}),
        world.records.delete(who, "company", ids["bolt"]),
        world.records.destroy(who, "company", ids["bolt"]),
    ):
        with pytest.raises(MissingPermission, match="this company"):
            await refused
    await world.records.update(who, "company", ids["acme"], {"city": "Wien"})
    with pytest.raises(OutOfReach):
        await world.records.update(who, "company", ids["acme"], {"owner": None})
    await world.records.create(who, "company", {"name": "Anybody's"})
    await world.records.delete(who, "company", ids["acme"])
    await world.records.restore(who, "company", ids["acme"])

    assert await names(world, who, {"city": "Wien"}) == ["Acme"]
    assert await names(world, world.admin, {"city": "Linz"}) == ["Bolt"]


async def test_s09_a_relation_to_a_hidden_record_cannot_be_set(world: World, ids: Ids):
    who = actor(world, role(**rows({"owner": "me"})), me=ids["sam"])

    with pytest.raises(Exception, match="there is no company"):
        await world.records.update(who, "deal", ids["a"], {"company": str(ids["bolt"])})


# --- fields ----------------------------------------------------------------------------------------------------------

NAMINGS: Sequence[Mapping[str, Any]] = (
    {"where": {"city": "Graz"}},
    {"where": {"not": {"or": [{"city": {"is": "null"}}]}}},
    {"sort": "-city"},
    {"select": ["name", "city"]},
)


@pytest.mark.parametrize("naming", NAMINGS)
async def test_s08_a_hidden_field_answers_as_one_that_is_not_there(world: World, ids: Ids, naming: Mapping[str, Any]):
    who = actor(world, role(fields={"company": {"city": []}}))
    bare = await World.make(world.db, world.clock, world.records)
    await bare.publish(_without("city"))
    other = actor(bare, role(objects={"person": []}))

    with pytest.raises(UnknownField) as hidden:
        await world.records.find(who, "company", **naming)
    with pytest.raises(UnknownField) as unknown:
        await bare.records.find(other, "company", **naming)

    assert hidden.value.to_json() == unknown.value.to_json()


def _without(name: str) -> ObjectType:
    own = [f.to_json() for f in COMPANY.fields if not f.system and f.name not in (name, "name")]
    return object_type("company", *own, plural="companies")


async def test_s08_a_hidden_field_is_nowhere(world: World, ids: Ids):
    who = actor(world, role(fields={"company": {"city": [], "revenue": []}}))
    await world.records.update(world.admin, "company", ids["acme"], {"city": "Wien"})

    kind = await world.records.object(who, "company")
    record = await world.records.get(who, "company", ids["acme"])
    history = await world.records.history(who, "company", ids["acme"])

    assert {"city", "revenue"}.isdisjoint(kind.by_name)
    assert {"city", "revenue"}.isdisjoint(record)
    assert "Graz" not in repr([told.to_json() for told in history.changes])
    with pytest.raises(UnknownField):
        await world.records.find(who, "deal", where={"company.city": "Graz"})
    with pytest.raises(UnknownField):
        await world.records.find(who, "deal", sort="company.revenue")


async def test_a_record_whose_title_is_hidden_is_called_by_its_id(world: World, ids: Ids):
    who = actor(world, role(fields={"company": {"name": []}}))

    page = await world.records.find(
        who, "deal", where={"company": str(ids["acme"])}, sort="company", select=["company"]
    )

    assert (await world.records.object(who, "company")).title == "id"
    assert page.records[0]["company"] == {"id": str(ids["acme"]), "label": str(ids["acme"])}
    assert await world.records.search(who, "acme") == []
    assert await world.records.search(who, str(ids["acme"])[:8]) == []
    assert str(ids["acme"]) in await world.records.describe(who, "deal", {"company": str(ids["acme"])})


async def test_records_are_listed_where_their_times_are_hidden(world: World, ids: Ids):
    who = actor(world, role(fields={"company": {"created_at": [], "updated_at": []}}))

    first = await world.records.find(who, "company", limit=2)
    second = await world.records.find(who, "company", limit=2, cursor=first.next_cursor)
    made = await world.records.create(who, "company", {"name": "New"})

    assert [record["name"] for record in [*first.records, *second.records]] == ["Zero", "Bolt", "Acme"]
    assert made.one.record is not None
    assert "created_at" not in made.one.record


async def test_a_field_that_is_only_read_is_not_written(world: World, ids: Ids):
    who = actor(world, role(fields={"company": {"city": ["read"]}}))

    with pytest.raises(MissingPermission, match=r"company\.city"):
        await world.records.update(who, "company", ids["acme"], {"city": "Wien", "employees": 5})
    with pytest.raises(MissingPermission, match=r"company\.city"):
        await world.records.create(who, "company", {"name": "New", "city": "Wien"})
    await world.records.update(who, "company", ids["acme"], {"employees": 5})

    record = await world.records.get(who, "company", ids["acme"])
    assert (record["city"], record["employees"]) == ("Graz", 5)


# --- operators -------------------------------------------------------------------------------------------------------

EVERY = object_type(
    "every",
    {"name": "number", "type": "number"},
    {"name": "half", "type": "number", "decimals": 2},
    {"name": "yes", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "moment", "type": "date_time"},
    {"name": "choice", "type": "select", "options": STAGES},
    {"name": "key", "type": "uuid"},
    {"name": "money", "type": "currency"},
    {"name": "mail", "type": "emails"},
    {"name": "link", "type": "links"},
    {"name": "person", "type": "full_name"},
    {"name": "up", "type": "relation", "target": "every"},
    plural="everies",
)
OPERANDS: Mapping[Kind, Sequence[Any]] = {
    Kind.TEXT: ["", "a", "%", "\\%", "1e999", "'; --", "9" * 400],
    Kind.NUMBER: [0, -1, 2**63 - 1, 1e300, 0.5],
    Kind.BOOLEAN: [True, False],
    Kind.DATE: ["0001-01-02", "9999-12-30", "today"],
    Kind.DATE_TIME: ["0001-01-03T00:00:00Z", "9999-12-29T00:00:00Z", "now", "today"],
    Kind.SELECT: ["new", "lost"],
    Kind.UUID: [str(UUID(int=0)), str(UUID(int=2**128 - 1))],
}
KINDS = {
    "name": Kind.TEXT,
    "number": Kind.NUMBER,
    "half": Kind.NUMBER,
    "yes": Kind.BOOLEAN,
    "day": Kind.DATE,
    "moment": Kind.DATE_TIME,
    "choice": Kind.SELECT,
    "key": Kind.UUID,
    "money": Kind.NUMBER,
    "mail": Kind.TEXT,
    "link": Kind.TEXT,
    "person": Kind.TEXT,
    "up": Kind.UUID,
}


def every_condition(name: str, kind: Kind) -> list[dict[str, Any]]:
    """Give each operator with each odd operand that it takes."""
    found: list[dict[str, Any]] = []
    for op in OPERATORS[kind]:
        if op == "is":
            found += [{op: "null"}, {op: "not_null"}]
        elif op == "within":
            found += [{op: word} for word in ("today", "last_10000_days", "next_7_days")]
        elif op in ("in", "not_in"):
            found += [{op: []}, {op: list(OPERANDS[kind][:2])}]
        elif op == "between":
            found += [{op: [OPERANDS[kind][0], OPERANDS[kind][-1]]}]
        else:
            found += [{op: operand} for operand in OPERANDS[kind]]
    return [{name: one} for one in found]


@pytest.mark.parametrize("name", KINDS)
async def test_s11_no_operator_fails_over_hidden_rows(world: World, name: str):
    """Every operator, as a question over rows that a rule hides and as the rule itself: no error tells of them."""
    await world.publish(EVERY)
    odd = {"name": "1/0", "number": -(2**63) + 1, "half": 1e300, "yes": False, "day": "9999-12-31", "choice": "lost"}
    more = {"moment": "9999-12-30T23:59:59Z", "key": str(UUID(int=0)), "person": {"last_name": "%"}, "link": "http://x"}
    money = {"money": {"amount_micros": -(2**63) + 1, "currency_code": "EUR"}, "mail": "a@b"}
    await world.insert("every", odd | more | money, {"name": "seen"}, {"name": "also"})
    hidden = actor(world, role(**rows({"name": {"neq": "1/0"}}, of="every")))
    read = 0

    for where in every_condition(name, KINDS[name]):
        try:
            everything = await world.records.find(world.admin, "every", where=where)
        except BadFilter:
            continue  # refused before any row is looked at
        read += 1
        for asked in (where, {"not": where}, {"up": where} if name != "up" else {"up.up": where}):
            page = await world.records.find(hidden, "every", where=asked, count="exact")
            assert page.total == len(page.records) <= 2
        ruled = actor(world, role(**rows(where, of="every")))
        assert {r["id"] for r in (await world.records.find(ruled, "every")).records} == {
            r["id"] for r in everything.records
        }
    assert read > 5
