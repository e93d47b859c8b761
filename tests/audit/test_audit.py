"""S-45: what is done and tried is written down with it, and nobody changes what was written without being noticed."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256

import pytest

from metier.actor import Actor
from metier.app import Metier
from metier.audit import Audit, Entry, Verdict, note, note_by, seal
from metier.errors import Invalid, MissingPermission
from metier.settings import Settings
from metier.store import Database
from metier.testing import FrozenClock, House, Script
from tests.runs.conftest import WORKSPACE, make_actor


@pytest.fixture
def keeper() -> Actor:
    """A member with the flag SECURITY."""
    return make_actor(flags=("SECURITY",))


@pytest.fixture
def audit(db: Database) -> Audit:
    return Audit(db)


async def write(db: Database, clock: FrozenClock, *targets: str, sealed: bool = True) -> None:
    """Write rows down, one after the other."""
    for target in targets:
        await note(db, clock, make_actor(), "thing.changed", target=target, details={"n": 1.5, "who": "Zoë"})
    if sealed:
        await seal(db)


async def tamper(db: Database, sql: str) -> None:
    """Do what only the database's owner can: go round the rule that the log only grows."""
    async with db.transaction() as transaction:
        await transaction.execute("alter table core.audit disable trigger all")
        assert await transaction.execute(sql) == 1
        await transaction.execute("alter table core.audit enable trigger all")


def targets(rows: Sequence[dict]) -> list[str]:
    return [row["target"] for row in rows]


async def test_s45_without_the_flag_nothing_is_read(audit: Audit) -> None:
    member = make_actor(flags=("AI", "AI_SETTINGS", "ROLES"))

    with pytest.raises(MissingPermission, match="SECURITY"):
        await audit.list(member)
    with pytest.raises(MissingPermission, match="SECURITY"):
        await audit.verify(member)


@pytest.mark.parametrize(
    "sql",
    [
        "update core.audit set target = 'other'",
        "update core.audit set seq = seq + 1",
        "update core.audit set seq = null, hash = null",
        "delete from core.audit",
        "truncate core.audit",
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
async def test_s45_the_log_only_grows(db: Database, clock: FrozenClock, sql: str, sealed: bool) -> None:
    await write(db, clock, "a", "b", sealed=sealed)

    with pytest.raises(Exception, match="only grows"):
        await db.execute(sql)

    assert await db.value("select array_agg(target order by id) from core.audit") == ["a", "b"]


async def test_s45_a_whole_chain_is_whole(db: Database, clock: FrozenClock, audit: Audit, keeper: Actor) -> None:
    await write(db, clock, "a", "b")
    await write(db, clock, "c", sealed=False)

    found = await audit.verify(keeper)

    last = await db.value("select encode(hash, 'hex') from core.audit where seq = 3")
    assert found == Verdict(rows=3, head=last, waiting=0, broken=None)


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("update core.audit set target = 'x' where seq = 2", 2),
        ("update core.audit set details = '{\"n\": 2}' where seq = 3", 3),
        ('update core.audit set actor = actor || \'{"label": "Somebody else"}\' where seq = 1', 1),
        ("update core.audit set ts = ts + interval '1 microsecond' where seq = 4", 4),
        ("update core.audit set decision = 'allowed', hash = sha256('x') where seq = 2", 2),
        ("delete from core.audit where seq = 1", 1),
        ("delete from core.audit where seq = 3", 3),
        ("delete from core.audit where seq = 4", 4),
    ],
)
async def test_s45_what_was_tampered_with_is_found_and_the_first_place_named(
    db: Database, clock: FrozenClock, audit: Audit, keeper: Actor, sql: str, place: int
) -> None:
    await write(db, clock, "a", "b", "c", "d")

    await tamper(db, sql)

    found = await audit.verify(keeper)
    assert found.broken is not None
    assert found.broken[0] == place


async def test_s45_a_changed_row_with_its_own_hash_made_right_breaks_at_the_next(
    db: Database, clock: FrozenClock, audit: Audit, keeper: Actor
) -> None:
    await write(db, clock, "a", "b", "c")
    await tamper(db, "update core.audit set target = 'x' where seq = 2")
    row = await db.row("select core.audit_text(a) as text from core.audit a where seq = 2")
    before = await db.value("select hash from core.audit where seq = 1")
    assert row
    forged = sha256(before + f"2 {row['text']}".encode()).hexdigest()
    await tamper(db, f"update core.audit set hash = decode('{forged}', 'hex') where seq = 2")

    assert (await audit.verify(keeper)).broken == (3, "the row, or its hash, is not what was written")


async def test_writers_on_two_processes_wait_for_nobody_and_get_one_chain(
    db: Database, database_url: str, tmp_path, clock: FrozenClock, audit: Audit, keeper: Actor
) -> None:
    """Rows of a transaction that is still open are chained after those that came later."""
    elsewhere = await Database.open(Settings.for_tests(tmp_path, database_url=database_url), migrate=False)
    async with elsewhere.transaction() as slow:
        await note(slow, clock, keeper, "thing.changed", target="slow")
        await asyncio.gather(
            *(write(one, clock, f"{place}") for place, one in enumerate([db, elsewhere] * 20)),
            seal(db),
            seal(elsewhere),
        )
        assert (await audit.verify(keeper)).rows == 40
    await elsewhere.aclose()

    found = await audit.verify(keeper)
    assert (found.rows, found.waiting, found.broken) == (41, 0, None)
    assert await db.value("select target from core.audit where seq = 41") == "slow"


async def test_a_change_that_is_given_up_leaves_no_row(db: Database, clock: FrozenClock, keeper: Actor) -> None:
    async def give_up() -> None:
        async with db.transaction() as transaction:
            await note(transaction, clock, keeper, "thing.changed")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await give_up()

    assert await db.value("select count(*) from core.audit") == 0


async def test_the_log_is_read_in_pages_and_by_what_one_looks_for(
    db: Database, clock: FrozenClock, audit: Audit, keeper: Actor
) -> None:
    other = make_actor(workspace_id=clock.new_id(), flags=("SECURITY",))
    await write(db, clock, "a", "b", "c")
    await note(db, clock, other, "thing.changed", target="foreign")
    who = {"kind": "system", "label": "Metier"}
    await note_by(db, clock, WORKSPACE, who, Entry("things.seen", "d", decision="refused", rule="S-04"))

    first = await audit.list(keeper, limit=3)
    rest = await audit.list(keeper, limit=3, cursor=first.next_cursor)
    assert (targets(first.rows), targets(rest.rows), rest.next_cursor) == (["d", "c", "b"], ["a"], None)
    assert targets((await audit.list(keeper, action="thing")).rows) == ["c", "b", "a"]
    assert targets((await audit.list(keeper, action="things.seen")).rows) == ["d"]
    assert targets((await audit.list(keeper, decision="refused")).rows) == ["d"]
    assert targets((await audit.list(keeper, principal=keeper.principal.id)).rows) == ["c", "b", "a"]
    assert targets((await audit.list(other)).rows) == ["foreign"]
    for cursor in ("x", "1-2", "9" * 40 + "-" + "0" * 32, "\u0661-" + "0" * 32):
        with pytest.raises(Invalid, match="cursor"):
            await audit.list(keeper, cursor=cursor)


async def test_s45_tool_calls_are_written_down_with_decision_rule_and_hash_never_arguments(house: House) -> None:
    script = Script().calls("find_companies", limit=1).calls("find_companies", limit="many").then_says("None.")

    await house.ask("Which?", model=script)

    rows = (await house.metier.audit.list(house.actor, action="tool.called")).rows
    refused, allowed = rows
    assert (allowed["decision"], allowed["rule"], allowed["tool"], allowed["rows"]) == (
        "allowed",
        "read",
        "find_companies",
        0,
    )
    assert allowed["arguments_hash"] == sha256(b'{"limit":1}').hexdigest()
    assert allowed["actor"]["chain"] == ["agent:crm-assistant"]
    assert (refused["decision"], refused["rule"].partition(":")[0]) == ("refused", "SchemaMismatch")
    assert refused["run_id"] == allowed["run_id"]


async def test_the_engines_sweep_seals(house: House) -> None:
    metier: Metier = house.metier
    await note(metier.db, metier.clock, house.actor, "thing.changed")

    await metier.engine.sweep()

    assert await metier.db.value("select count(*) from core.audit where seq is null") == 0
