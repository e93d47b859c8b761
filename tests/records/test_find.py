"""What a page holds: JSON of every type, labels, order, cursors, counts."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from metier.clock import Clock
from metier.errors import Invalid, NoSuchRecord
from metier.records import Page, Records
from metier.store import Database
from metier.testing import FrozenClock
from tests.records.world import COMPANY, DEAL, STAGES, World, euros, object_type

EVERYTHING = object_type(
    "everything",
    {"name": "number", "type": "number"},
    {"name": "fine", "type": "number", "decimals": 2},
    {"name": "yes", "type": "boolean"},
    {"name": "day", "type": "date"},
    {"name": "moment", "type": "date_time"},
    {"name": "stage", "type": "select", "options": STAGES},
    {"name": "money", "type": "currency"},
    {"name": "mails", "type": "emails"},
    {"name": "links", "type": "links"},
    {"name": "who", "type": "full_name"},
    {"name": "other", "type": "uuid"},
    {"name": "up", "type": "relation", "target": "everything"},
)
FULL: dict[str, Any] = {
    "name": "Ünï ' \" \\ 日本 \n",
    "number": 2**53,
    "fine": 12.5,
    "yes": False,
    "day": "2028-02-29",
    "moment": "2026-03-01T09:30:00+00:00",
    "stage": "won",
    "money": {"amount_micros": 52_000_000_001, "currency_code": "EUR"},
    "mails": {"primary_email": "Ada@example.com", "additional_emails": ["b@example.com"]},
    "links": {
        "primary_link_url": "https://example.com/a?b=c",
        "primary_link_label": "Home",
        "secondary_links": [{"url": "https://example.org", "label": ""}],
    },
    "who": {"first_name": "Ada", "last_name": "Weiß"},
    "other": "01890a5d-ac96-774b-bcce-b302099a8057",
}


async def test_each_type_comes_out_as_it_went_in(world: World):
    await world.publish(EVERYTHING)
    (first,) = await world.insert("everything", FULL)
    (second,) = await world.insert("everything", {"up": str(first)})

    full = await world.records.get(world.admin, "everything", first)
    empty = await world.records.get(world.admin, "everything", str(second))

    times = {"created_at": "2026-11-21T09:00:00+00:00", "updated_at": "2026-11-21T09:00:00+00:00"}
    assert full == FULL | times | {"id": str(first), "up": None}
    label = {"id": str(first), "label": FULL["name"]}
    assert empty == dict.fromkeys(FULL) | times | {"id": str(second), "up": label}
    assert list(full) == ["id", *(field.name for field in EVERYTHING.fields if field.name != "id")]


async def test_json_is_the_same_as_the_records(world: World):
    await world.publish(EVERYTHING)
    ids = await world.insert("everything", FULL, {}, {"name": "x"})
    question: dict[str, Any] = {"sort": "id", "limit": 2, "count": "exact"}

    body = json.loads(await world.records.find_json(world.admin, "everything", **question))
    page = await world.records.find(world.admin, "everything", **question)

    assert body == {"data": page.records, "next_cursor": page.next_cursor, "total": 3, "total_capped": False}
    assert [record["id"] for record in body["data"]] == [str(one) for one in ids[:2]]
    nothing = json.loads(await world.records.find_json(world.admin, "everything", where={"name": "none"}))
    assert nothing == {"data": [], "next_cursor": None}


async def test_labels_are_titles(world: World):
    member = await world.member("Sam Ito")
    (company,) = await world.insert("company", {"name": "Acme", "owner": str(member)})
    (nameless,) = await world.insert("company", {"parent": str(company)})
    (person,) = await world.insert("person", {"full": {"last_name": "Weiß"}, "company": str(nameless)})
    (deal,) = await world.insert("deal", {"contact": str(person), "company_id": str(company)})

    found = await world.records.get(world.admin, "deal", deal)
    people = await world.records.find(world.admin, "people")
    companies = await world.records.find(world.admin, "companies", where={"name": "Acme"})

    assert found["contact"] == {"id": str(person), "label": "Weiß"}
    assert found["company"] == {"id": str(company), "label": "Acme"}
    assert people.records[0]["company"] == {"id": str(nameless), "label": "Untitled"}
    assert companies.records[0]["owner"] == {"id": str(member), "label": "Sam Ito"}


async def test_no_such_record(world: World):
    for wrong in ("", "x", "1", str(uuid4()), "0" * 40, "\0"):
        with pytest.raises(NoSuchRecord):
            await world.records.get(world.admin, "deal", wrong)


async def test_selected_fields_come_in_the_order_asked_for(world: World):
    (company,) = await world.insert("company", {"name": "Acme"})
    (deal,) = await world.insert("deal", {"name": "Big", "company": str(company)})

    async def keys(select: Any) -> list[str]:
        return list((await world.records.find(world.admin, "deal", select=select)).records[0])

    assert await keys(["stage", "name"]) == ["id", "stage", "name"]
    assert await keys("name, companyId ,id") == ["id", "name", "company_id"]
    assert await keys(["*", "company_id"]) == ["id", *(f.name for f in DEAL.fields if f.name != "id"), "company_id"]
    assert await keys([]) == await keys(None) == await keys("*")
    ids = (await world.records.find(world.admin, "deal", select=["company_id"])).records
    assert ids == [{"id": str(deal), "company_id": str(company)}]


async def test_newest_first_unless_told_otherwise(world: World):
    times = ["2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z", "2026-11-01T00:00:00Z"]
    await world.insert("company", *({"name": time[8:10], "created_at": time} for time in times))

    assert await world.names("company", {}) == ["03", "02", "01"]


async def test_order_of_each_kind(world: World):
    await world.insert(
        "deal",
        {"name": "b", "stage": "lost", "amount": euros(2)},
        {"name": "A", "stage": "new"},
        {"name": "é", "amount": euros(3)},
        {"stage": "won", "amount": euros(1)},
    )

    async def order(sort: Any) -> list[str]:
        return await world.names("deal", {}, sort=sort)

    assert await order("name") == ["A", "b", "é", None]
    assert await order("-name") == ["é", "b", "A", None]
    assert await order("stage") == ["A", None, "b", "é"]
    assert await order(["-amount"]) == ["é", "b", None, "A"]
    assert await order("amount") == [None, "b", "é", "A"]
    assert await order(" , ") == await order("")


async def test_a_relation_sorts_by_title_and_its_id_by_id(world: World):
    first, second = await world.insert("company", {"name": "zeta"}, {"name": "Alpha"})
    await world.insert(
        "deal", {"name": "z", "company": str(first)}, {"name": "a", "company": str(second)}, {"name": "none"}
    )

    assert await world.names("deal", {}, sort="company") == ["a", "z", "none"]
    assert await world.names("deal", {}, sort="company.name") == ["a", "z", "none"]
    assert await world.names("deal", {}, sort="-companyId") == ["a", "z", "none"]
    assert await world.names("deal", {}, sort="company_id") == ["z", "a", "none"]


async def test_counts_stop_at_the_cap(world: World):
    await world.db.execute(
        f'insert into "{world.schema}".company (id, created_at, updated_at, name)'
        " select gen_random_uuid(), now(), now(), 'n' from generate_series(1, 10001)"
    )

    async def total(**question: Any) -> tuple[int | None, bool]:
        page = await world.records.find(world.admin, "company", limit=0, **question)
        assert (page.records, page.next_cursor) == ([], None)
        return page.total, page.total_capped

    assert await total() == (None, False)
    assert await total(count="capped") == (10_000, True)
    assert await total(count="exact") == (10_001, False)
    assert await total(count="capped", where={"name": {"neq": "n"}}) == (0, False)
    await world.db.execute(
        f'delete from "{world.schema}".company where id in (select id from "{world.schema}".company limit 1)'
    )
    assert await total(count="capped") == (10_000, False)


async def test_a_walk_neither_skips_nor_repeats_when_others_write(world: World):
    await world.insert(
        "company", *({"name": f"{i:02}", "created_at": f"2026-11-{i:02}T00:00:00Z"} for i in range(1, 11))
    )
    page = await world.records.find(world.admin, "company", sort="name", limit=4)
    seen = [record["name"] for record in page.records]

    await world.insert("company", {"name": "00"}, {"name": "99"})
    await world.delete("company", UUID(page.records[-1]["id"]))
    while page.next_cursor:
        page = await world.records.find(world.admin, "company", sort="name", limit=4, cursor=page.next_cursor)
        seen += [record["name"] for record in page.records]

    assert seen == [*(f"{i:02}" for i in range(1, 11)), "99"]


async def test_the_last_full_page_has_no_next(world: World):
    await world.insert("company", *({"name": str(i)} for i in range(4)))

    first = await world.records.find(world.admin, "company", limit=2)
    last = await world.records.find(world.admin, "company", limit=2, cursor=first.next_cursor)

    assert len(last.records) == 2
    assert last.next_cursor is None


async def test_a_count_is_that_of_all_pages(world: World):
    await world.insert("company", *({"name": str(i)} for i in range(5)))

    first = await world.records.find(world.admin, "company", limit=2, count="capped")
    second = await world.records.find(world.admin, "company", limit=2, count="capped", cursor=first.next_cursor)

    assert (first.total, second.total) == (5, 5)


def _forge(*keys: Any, number: int = 0) -> str:
    return base64.urlsafe_b64encode(json.dumps([number, list(keys)]).encode()).decode().rstrip("=")


async def test_a_cursor_of_another_question_is_refused(world: World):
    await world.insert("company", {"name": "a", "employees": 1}, {"name": "b"}, {"name": "c"})
    page = await world.records.find(world.admin, "company", limit=1, sort="employees")
    assert page.next_cursor

    number = json.loads(base64.urlsafe_b64decode(page.next_cursor + "=="))[0]
    one = str(uuid4())
    right = [1, one]
    forged = [[], [1], ["1", one], [True, one], [1.5, one], [2**70, one], [1, None], [1, "x"], [1, 5], [{}, one], "xx"]
    wrong = [
        "",
        "x",
        "é",
        "bm9uZQ",
        "W10",
        "\0",
        "[" * 10_000,
        _forge(*right),
        *(_forge(*f, number=number) for f in forged),
    ]
    for cursor in wrong:
        with pytest.raises(Invalid, match="cursor"):
            await world.records.find(world.admin, "company", limit=1, sort="employees", cursor=cursor)
    with pytest.raises(Invalid, match="leave it out"):
        await world.records.find(world.admin, "company", limit=1, sort="-employees", cursor=page.next_cursor)
    with pytest.raises(Invalid, match="leave it out"):
        await world.records.find(world.admin, "deal", limit=1, cursor=page.next_cursor)
    assert await world.records.find(world.admin, "company", sort="employees", cursor=_forge(*right, number=number))


async def test_time_words_roll_where_the_person_is(world: World, clock: FrozenClock):
    clock.set("2026-11-21T23:30:00Z")
    at = {"name": "late", "created_at": "2026-11-21T22:00:00Z", "founded": "2026-11-22"}
    await world.insert("company", at, {"name": "early", "created_at": "2026-11-20T23:00:00Z", "founded": "2026-11-21"})
    tokyo, new_york = world.actor(time_zone="Asia/Tokyo"), world.actor(time_zone="America/New_York")

    for field in ({"created_at": {"within": "today"}}, {"created_at": {"gte": "2026-11-22"}}, {"created_at": "today"}):
        assert await world.names("company", field, tokyo) == ["late"]
    assert await world.names("company", {"founded": "today"}, tokyo) == ["late"]
    assert await world.names("company", {"founded": {"within": "today"}}, new_york) == ["early"]
    assert await world.names("company", {"created_at": {"within": "today"}}, new_york) == ["late"]
    assert await world.names("company", {"created_at": {"within": "yesterday"}}, new_york) == ["early"]
    assert await world.names("company", {"created_at": {"gt": "2026-11-22T06:30"}}, tokyo) == ["late"]


async def test_now_belongs_to_the_past(world: World):
    now = world.clock.now()
    ages = {"week": timedelta(days=-7), "before": timedelta(days=-7, microseconds=-1), "now": timedelta(0)}
    await world.insert("deal", *({"name": n, "due_at": (now + age).isoformat()} for n, age in ages.items()))
    await world.insert("deal", {"name": "then", "due_at": (now + timedelta(days=7)).isoformat()})

    assert await world.names("deal", {"due_at": {"within": "last_7_days"}}, sort="name") == ["now", "week"]
    assert await world.names("deal", {"due_at": {"within": "next_7_days"}}) == ["then"]


async def test_fractions_keep_their_meaning_where_whole_numbers_are_stored(world: World):
    await world.insert("company", *({"name": str(n), "employees": n} for n in range(4)))

    async def found(**test: Any) -> list[str]:
        return await world.names("company", {"employees": test}, sort="name")

    assert await found(gt=1.5) == await found(gte=1.5) == ["2", "3"]
    assert await found(lt=1.5) == await found(lte=1.5) == ["0", "1"]
    assert await found(between=[0.5, 2.5]) == ["1", "2"]
    assert await found(gt=-0.5, lt=0.5) == ["0"]
    assert await found(eq=2.0) == ["2"]


async def test_letters_that_fold_strangely_find_themselves(world: World):
    """PostgreSQL folds both sides, so a text always matches itself, whatever Python's own lower case is."""
    names = ["ΟΔΟΣ", "İstanbul", "Straße", "ﬁne", "ǅ", "Å", "e\u0301"]
    await world.insert("company", *({"name": name} for name in names))

    for name in names:
        for op in ("ilike", "contains", "starts_with", "ends_with"):
            assert await world.names("company", {"name": {op: name}}) == [name], op


async def test_patterns_are_taken_literally_but_by_like(world: World):
    await world.insert("company", *({"name": name} for name in ("100%", "a_b", "acb", "C:\\x")))

    async def found(op: str, text: str) -> list[str]:
        return await world.names("company", {"name": {op: text}}, sort="name")

    assert await found("contains", "%") == await found("ends_with", "%") == ["100%"]
    assert await found("contains", "_") == ["a_b"]
    assert await found("starts_with", "a_") == ["a_b"]
    assert await found("like", "a_b") == ["a_b", "acb"]
    assert await found("like", "a\\_b") == ["a_b"]
    assert await found("contains", ":\\") == await found("like", "C:\\\\x") == ["C:\\x"]


async def test_questions_of_one_shape_are_composed_once(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.insert("company", {"name": "Acme", "employees": 5})
    composed = world.records._compose.cache_info

    async def ask(value: Any, limit: int = 5) -> Page:
        where = {"or": [{"name": {"starts_with": value}}, {"employees": {"in": [len(value)] * len(value)}}]}
        return await world.records.find(world.admin, "company", where=where, limit=limit)

    await ask("ac")
    before = composed().misses
    for value in ("Ac", "", "acme'); drop table company; --", "%s %(v0)s {}"):
        await ask(value)
    other_admin = world.actor()
    await world.records.find(
        other_admin, "companies", where={"or": [{"name": {"startsWith": "x"}}, {"employees": [1]}]}, limit=5
    )

    assert composed().misses == before
    await ask("ac", limit=6)
    assert composed().misses == before + 1


async def test_many_ask_at_once(world: World):
    await world.insert("company", *({"name": f"{i:03}", "employees": i} for i in range(100)))

    pages = await asyncio.gather(
        *(
            world.records.find(world.admin, "company", where={"employees": {"gte": i}}, count="exact")
            for i in range(100)
        )
    )

    assert [page.total for page in pages] == [100 - i for i in range(100)]


async def test_indexes_serve_pages(db: Database, clock: Clock):
    """The plans that the order of large tables rests on; autovacuum may be off, so statistics are made here."""
    world = await World.make(db, clock, Records(db, clock))
    await world.publish(COMPANY)
    table = f'"{world.schema}".company'
    await db.execute(
        f"insert into {table} (id, created_at, updated_at, name, city, employees, revenue_amount_micros, parent_id)"
        " select gen_random_uuid(), now() - n * interval '1 min', now(), md5(n::text), 'c', n % 97,"
        " nullif(n % 1000, 7) * 1000000, null from generate_series(1, 20000) n"
    )
    await db.execute(f"analyze {table}")

    async def plan(**question: Any) -> str:
        return await explain(world, "company", question)

    assert "company_newest" in await plan()
    assert "company_newest" in await plan(cursor=(await world.records.find(world.admin, "company")).next_cursor)
    assert "company_name" in await plan(sort="name")
    assert "company_name" in await plan(where={"name": {"starts_with": "ab"}})
    assert "company_revenue" in await plan(sort="-revenue")
    assert "company_revenue" in await plan(where={"revenue": {"gt": 998.5}}, count="exact")
    assert "company_parent" in await plan(where={"parent": str(uuid4())})
    assert "Seq Scan" not in await plan(where={"created_at": {"within": "last_hour"}}, count="capped")


async def explain(world: World, name: str, question: Any) -> str:
    """Give the plan of a question as the door would ask it."""
    records, admin = world.records, world.admin
    sight = await records._catalog.sight(admin)
    query = records._questions.read(sight.view, sight.view.object(name), records._catalog.here(admin), question)
    statement = records._compose(sight.view, query.shape)
    parameters = {**statement.constants, **sight.values, **query.parameters}
    lines = await world.db.rows(f"explain {statement.sql}", parameters)
    return "\n".join(line["QUERY PLAN"] for line in lines)


async def test_narrow_ranges_stay_quick_however_often_they_are_asked(db: Database, clock: Clock):
    """PostgreSQL changes to one plan for all values after five runs; here that would read all rows in order."""
    world = await World.make(db, clock, Records(db, clock))
    await world.publish(COMPANY)
    table = f'"{world.schema}".company'
    await db.execute(
        f"insert into {table} (id, created_at, updated_at, name, employees)"
        " select gen_random_uuid(), now() - n * interval '1 min', now(), 'n' || n, n from generate_series(1, 30000) n"
    )
    await db.execute(f"analyze {table}")
    wheres = [{"employees": {"gt": 29_800}}, {"name": {"starts_with": "N299"}}, {"employees": {"between": [700, 900]}}]

    for where in wheres:
        for _ in range(12):
            await world.records.find(world.admin, "company", where=where)
        before = await _rows_read(world)
        await world.records.find(world.admin, "company", where=where)
        assert await _rows_read(world) - before < 1_000, where


async def _rows_read(world: World) -> int:
    """Count the index entries and rows that were read of the companies so far."""
    async with world.db.connection() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
    return await world.db.value(
        "select sum(idx_tup_read) from pg_stat_user_indexes where schemaname = %s and relname = 'company'",
        [world.schema],
    )
