"""The log of changes: who did what, cut down to the reader; undo by the same rules; a key writes once (S-37, S-42)."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from metier.actor import Action, Role
from metier.errors import (
    Conflict,
    Invalid,
    KeyReused,
    MetierError,
    MissingPermission,
    NoSuchRecord,
    NotFound,
    RecordChanged,
)
from metier.records import Cause, Operation, Origin
from metier.testing import FrozenClock
from tests.records.test_write import error_of, everything
from tests.records.world import World, euros


async def test_a_change_says_who_did_what_and_why(world: World, clock: FrozenClock):
    role = Role(uuid4(), "agent", "Agent", frozenset(Action))
    actor = world.admin.through("clerk", role)
    run, root = uuid4(), uuid4()
    cause = Cause(Origin.TOOL, run_id=run, root_id=root, effect_key="run/1/1", depth=2)

    written = await world.records.create(actor, "company", {"name": "Acme", "employees": 5}, cause=cause)

    (row,) = await world.log()
    assert (row["id"], row["write_id"], row["record_id"]) == (written.id, written.id, written.one.id)
    assert (row["object"], row["kind"], row["origin"], row["depth"]) == ("company", "created", "tool", 2)
    assert (row["run_id"], row["root_id"], row["effect_key"]) == (run, root, "run/1/1")
    assert row["actor"] == actor.to_json()
    assert row["actor"]["chain"] == ["agent:clerk"]
    assert row["fields"] == ["name", "employees"]
    assert row["before"] is None
    assert row["after"]["name"] == "Acme"
    assert row["at"] == clock.now()


async def test_history_tells_each_change_newest_first(world: World):
    (acme,) = await world.insert("company", {"name": "Acme"})
    (deal,) = await world.insert("deal", {"name": "Big", "amount": euros(1)})
    await world.records.update(world.admin, "deal", deal, {"stage": "won", "company": str(acme)})
    await world.records.delete(world.admin, "deal", deal)
    await world.records.restore(world.admin, "deal", deal)

    history = await world.records.history(world.admin, "deal", deal)

    told = [one.to_json() for one in history.changes]
    assert [one["kind"] for one in told] == ["restored", "deleted", "updated", "created"]
    assert told[2]["fields"] == {
        "stage": {"before": None, "after": "won"},
        "company": {"before": None, "after": {"id": str(acme), "label": "Acme"}},
    }
    assert told[3]["fields"]["amount"] == {"before": None, "after": euros(1)}
    assert told[3]["origin"] == "import"
    assert told[0]["actor"]["label"] == "Ada Park"


async def test_history_is_read_in_pages(world: World):
    (deal,) = await world.insert("deal", {"name": "0"})
    for n in range(1, 5):
        await world.records.update(world.admin, "deal", deal, {"name": str(n)})

    names, cursor = [], None
    while True:
        page = await world.records.history(world.admin, "deal", deal, limit=2, cursor=cursor)
        names += [one.values["name"][1] for one in page.changes]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert names == ["4", "3", "2", "1", "0"]
    assert isinstance(await error_of(world.records.history(world.admin, "deal", deal, cursor="x")), Invalid)


async def test_what_is_hidden_is_in_no_history(world: World):
    """S-08: neither hidden objects, nor what relations to them held, nor changes of nothing else."""
    (acme,) = await world.insert("company", {"name": "Acme"})
    (deal,) = await world.insert("deal", {"name": "Big", "company": str(acme)})
    await world.records.update(world.admin, "deal", deal, {"company": None})
    clerk = world.reader("deal")

    told = [one.to_json() for one in (await world.records.history(clerk, "deal", deal)).changes]

    assert [one["kind"] for one in told] == ["created"]
    assert set(told[0]["fields"]) == {"name"}
    assert isinstance(await error_of(world.records.history(clerk, "company", acme)), NotFound)
    assert isinstance(await error_of(world.records.history(clerk, "deal", uuid4())), NoSuchRecord)
    await world.delete("deal", deal)
    assert isinstance(await error_of(world.records.history(clerk, "deal", deal)), NoSuchRecord)
    assert isinstance(await error_of(world.records.changes(clerk, told[0]["id"])), NotFound)
    assert (await world.records.history(world.admin, "deal", deal)).changes
    assert [one.change.id for one in await world.records.changes(world.admin, told[0]["id"])] == [UUID(told[0]["id"])]
    other = await World.make(world.db, world.clock, world.records)
    await other.publish(*[kind for kind in await world.records.objects(world.admin) if kind.name != "member"])
    assert isinstance(await error_of(other.records.history(other.admin, "deal", deal)), NoSuchRecord)


# --- undo ------------------------------------------------------------------------------------------------------------


async def test_undo_takes_back_every_kind_of_change(world: World):
    (acme,) = await world.insert("company", {"name": "Acme"})
    made = await world.records.create(world.admin, "deal", {"name": "Big", "company": str(acme)})
    deal = made.one.id
    states = [await world.record("deal", deal)]
    steps = [
        await world.records.update(
            world.admin, "deal", deal, {"name": "Bigger", "stage": "won", "amount": euros(3), "company": None}
        ),
        await world.records.delete(world.admin, "deal", deal),
        await world.records.restore(world.admin, "deal", deal),
    ]

    for step in reversed(steps):
        assert step.id
        await world.records.undo(world.admin, step.id)

    after = await world.record("deal", deal)
    assert {**after, "updated_at": None} == {**states[0], "updated_at": None}
    assert made.id
    await world.records.undo(world.admin, made.id)
    assert isinstance(await error_of(world.records.get(world.admin, "deal", deal)), NoSuchRecord)
    log = await world.log()
    assert [row["origin"] for row in log[-4:]] == ["undo"] * 4
    assert [row["undoes"] for row in log[-4:]] == [*(step.id for step in reversed(steps)), made.id]


async def test_an_undo_can_be_undone_but_not_repeated(world: World):
    (deal,) = await world.insert("deal", {"name": "a"})
    step = await world.records.update(world.admin, "deal", deal, {"name": "b"})
    assert step.id
    undone = await world.records.undo(world.admin, step.id)

    assert isinstance(await error_of(world.records.undo(world.admin, step.id)), RecordChanged)
    assert undone.id
    await world.records.undo(world.admin, undone.id)

    assert (await world.record("deal", deal))["name"] == "b"
    history = await world.records.history(world.admin, "deal", deal)
    assert [one.change.undone for one in history.changes] == [False, True, True, False]


async def test_undo_of_a_batch_takes_back_all_of_it_or_nothing(world: World):
    one, two = await world.insert("deal", {"name": "1"}, {"name": "2"})
    batch = [
        Operation("update", one, {"name": "I"}),
        Operation("delete", two),
        Operation("create", values={"name": "3"}),
        Operation("update", one, {"name": "i"}),
    ]
    written = await world.records.batch(world.admin, "deal", batch)
    assert written.id
    await world.records.update(world.admin, "deal", one, {"name": "changed"})
    before = await everything(world)

    conflict = await error_of(world.records.undo(world.admin, written.id))

    assert isinstance(conflict, RecordChanged)
    assert conflict.fields == ("name",)
    assert await everything(world) == before
    await world.records.update(world.admin, "deal", one, {"name": "i"})
    await world.records.undo(world.admin, written.id)
    assert await world.names("deal", {}, sort="name") == ["1", "2"]


async def test_one_change_of_a_batch_can_be_undone_alone(world: World):
    one, two = await world.insert("deal", {"name": "1"}, {"name": "2"})
    written = await world.records.batch(
        world.admin, "deal", [Operation("update", one, {"name": "I"}), Operation("update", two, {"name": "II"})]
    )
    change = written.done[1].change_id
    assert change

    await world.records.undo(world.admin, change)

    assert await world.names("deal", {}, sort="name") == ["2", "I"]


async def test_undo_names_the_fields_changed_since(world: World):
    (deal,) = await world.insert("deal", {"name": "a", "score": 1})
    step = await world.records.update(world.admin, "deal", deal, {"name": "b", "score": 2})
    await world.records.update(world.admin, "deal", deal, {"score": 3, "stage": "won"})
    assert step.id

    error = await error_of(world.records.undo(world.admin, step.id))

    assert isinstance(error, RecordChanged)
    assert (error.fields, error.current["score"]) == (("score",), 3)
    assert [p.path for p in error.problems] == ["score"]


async def test_undo_needs_the_same_permissions(world: World):
    (acme,) = await world.insert("company", {"name": "Acme"})
    (deal,) = await world.insert("deal", {"name": "a", "company": str(acme)})
    renamed = await world.records.update(world.admin, "deal", deal, {"name": "b"})
    unlinked = await world.records.update(world.admin, "deal", deal, {"company": None})
    deleted = await world.records.delete(world.admin, "deal", deal)
    reader, clerk = world.reader("deal"), world.actor({"company": ()})
    before = await everything(world)

    assert renamed.id
    assert unlinked.id
    for step in (renamed, unlinked, deleted):
        expected = NotFound if step is unlinked else MissingPermission
        assert type(await error_of(world.records.undo(reader, step.id or uuid4()))) is expected, step
    assert isinstance(await error_of(world.records.undo(clerk, unlinked.id)), NotFound)
    assert isinstance(await error_of(world.records.undo(world.actor({"deal": ()}), renamed.id)), NotFound)
    assert await everything(world) == before


async def test_unknown_foreign_and_destroyed_changes_cannot_be_undone(world: World):
    other = await World.make(world.db, world.clock, world.records)
    await other.publish(*[kind for kind in await world.records.objects(world.admin) if kind.name != "member"])
    (theirs,) = await other.insert("deal", {"name": "a"})
    (mine,) = await world.insert("deal", {"name": "a"})
    gone = await world.records.update(world.admin, "deal", mine, {"name": "b"})
    destroyed = await world.records.destroy(world.admin, "deal", mine)
    (foreign,) = await other.log()

    assert gone.id
    assert destroyed.id
    for wanted in (uuid4(), foreign["id"], gone.id, "nonsense"):
        error = await error_of(world.records.undo(world.admin, wanted))
        assert (isinstance(error, NotFound), error.message) == (True, f"No change '{wanted}'.")
    final = await error_of(world.records.undo(world.admin, destroyed.id))
    assert isinstance(final, Conflict)
    assert "destroyed" in final.message
    assert (await other.record("deal", theirs))["name"] == "a"


async def test_undo_does_not_point_to_what_is_gone(world: World):
    (acme,) = await world.insert("company", {"name": "Acme"})
    (deal,) = await world.insert("deal", {"name": "a", "company": str(acme)})
    step = await world.records.update(world.admin, "deal", deal, {"company": None})
    await world.delete("company", acme)
    assert step.id

    error = await error_of(world.records.undo(world.admin, step.id))

    assert isinstance(error, Conflict)
    assert "cannot be undone any more" in error.message


# --- effect keys -----------------------------------------------------------------------------------------------------


async def test_a_write_repeated_with_its_key_returns_the_first_result(world: World):
    cause = Cause(effect_key="run/3/1")
    values = {"name": "Acme", "revenue": euros(5)}

    first = await world.records.create(world.admin, "company", values, cause=cause)
    before = await everything(world)
    second = await world.records.create(world.admin, "company", values, cause=cause)

    assert second.repeated
    assert second.to_json() == first.to_json()
    assert await everything(world) == before


async def test_the_first_result_stays_whatever_happens_to_the_record(world: World):
    cause = Cause(effect_key="k")
    (deal,) = await world.insert("deal", {"name": "a", "score": 1})
    first = await world.records.update(world.admin, "deal", deal, {"name": "b"}, cause=cause)
    await world.records.update(world.admin, "deal", deal, {"name": "c"})
    await world.delete("deal", deal)

    second = await world.records.update(world.admin, "deal", deal, {"name": "b"}, cause=cause)

    assert second.to_json() == first.to_json()
    assert (second.one.record or {})["name"] == "b"


async def test_a_repetition_shows_no_more_than_the_actor_may_see_now(world: World):
    """S-05: the first result is told by today's rights."""
    (acme,) = await world.insert("company", {"name": "Acme"})
    cause = Cause(effect_key="k")
    values = {"name": "Big", "company": str(acme)}
    actor = world.actor()
    await world.records.create(actor, "deal", values, cause=cause)
    blind = world.actor({"company": ()}, id=actor.principal.id)
    dumb = world.actor({"deal": {Action.READ}}, id=actor.principal.id)

    assert isinstance(await error_of(world.records.create(dumb, "deal", values, cause=cause)), MissingPermission)
    assert isinstance(await error_of(world.records.create(blind, "deal", values, cause=cause)), Invalid)
    written = await world.records.update(
        actor,
        "deal",
        (await world.records.find(actor, "deal")).records[0]["id"],
        {"name": "B"},
        cause=Cause(effect_key="l"),
    )
    again = await world.records.update(blind, "deal", written.one.id, {"name": "B"}, cause=Cause(effect_key="l"))
    assert again.repeated
    assert "Acme" not in repr(again)


@pytest.mark.parametrize(
    "other",
    [
        lambda world, actor, deal: (actor, Operation("update", deal, {"name": "c"})),
        lambda world, actor, deal: (actor, Operation("update", deal, {"name": "b", "score": 1})),
        lambda world, actor, deal: (actor, Operation("delete", deal)),
        lambda world, actor, deal: (world.actor(), Operation("update", deal, {"name": "b"})),
    ],
)
async def test_a_key_stands_for_one_write_of_one_actor(world: World, other: Any):
    (deal,) = await world.insert("deal", {"name": "a"})
    cause = Cause(effect_key="k")
    await world.records.update(world.admin, "deal", deal, {"name": "b"}, cause=cause)
    before = await everything(world)

    actor, operation = other(world, world.admin, deal)
    error = await error_of(world.records.batch(actor, "deal", [operation], cause=cause))

    assert isinstance(error, KeyReused)
    assert await everything(world) == before


async def test_writers_with_one_key_at_once_write_once(world: World):
    cause = Cause(effect_key="run/1/1")

    written = await asyncio.gather(
        *(world.records.create(world.admin, "deal", {"name": "a"}, cause=cause) for _ in range(10))
    )

    assert len({one.one.id for one in written}) == 1
    assert sorted(one.repeated for one in written) == [False] + [True] * 9
    assert len(await world.log()) == 1


async def test_a_refused_write_does_not_use_up_its_key(world: World):
    cause = Cause(effect_key="k")
    with pytest.raises(MetierError):
        await world.records.update(world.admin, "deal", uuid4(), {"name": "a"}, cause=cause)

    written = await world.records.create(world.admin, "deal", {"name": "a"}, cause=cause)

    assert not written.repeated


async def test_a_write_of_nothing_is_remembered_too(world: World):
    (deal,) = await world.insert("deal", {"name": "a"})
    cause = Cause(effect_key="k")
    await world.records.update(world.admin, "deal", deal, {"name": "a"}, cause=cause)
    await world.records.update(world.admin, "deal", deal, {"name": "b"})

    again = await world.records.update(world.admin, "deal", deal, {"name": "a"}, cause=cause)

    assert (again.repeated, again.one.kind) == (True, None)
    assert (await world.record("deal", deal))["name"] == "b"


async def test_a_key_that_lasts_a_day_is_free_after_it(world: World, clock: FrozenClock):
    cause = Cause(effect_key="k", key_lasts_s=86_400)
    first = await world.records.create(world.admin, "deal", {"name": "a"}, cause=cause)
    clock.forward(86_399)
    again = await world.records.create(world.admin, "deal", {"name": "a"}, cause=cause)
    clock.forward(2)

    later = await world.records.create(world.admin, "deal", {"name": "b"}, cause=cause)

    assert (again.one.id, again.repeated) == (first.one.id, True)
    assert (later.one.id != first.one.id, later.repeated) == (True, False)


async def test_keys_of_one_workspace_mean_nothing_in_another(world: World):
    other = await World.make(world.db, world.clock, world.records)
    await other.publish(*[kind for kind in await world.records.objects(world.admin) if kind.name != "member"])
    cause = Cause(effect_key="k")

    await world.records.create(world.admin, "deal", {"name": "a"}, cause=cause)
    written = await other.records.create(other.admin, "deal", {"name": "b"}, cause=cause)

    assert not written.repeated
