"""Who sees and changes the schedules of the server, and what each workspace is told of them."""

import asyncio

import pytest

from metier.actor import Actor
from metier.engine import Engine
from metier.errors import Conflict, MissingPermission, NotFound
from metier.events import Status
from metier.testing import FrozenClock, House
from metier.upkeep import Schedules
from tests.engine.at_once import AtOnce


async def actions(house: House) -> list[tuple[str, str]]:
    rows = await house.metier.db.rows(
        "select action, target from core.audit where action like 'schedule.%' order by id"
    )
    return [(row["action"], row["target"]) for row in rows]


async def test_who_does_not_hold_the_flag_sees_and_changes_nothing(house: House):
    member: Actor = await house.member(flags=["AI", "AI_SETTINGS", "WORKSPACE_MEMBERS", "SECURITY", "ROLES"])
    schedules = house.metier.schedules

    for attempt in (
        schedules.list(member),
        schedules.get(member, "sweep"),
        schedules.history(member, "sweep"),
        schedules.job(member, house.metier.clock.new_id()),
        schedules.is_run(member),
        schedules.run(member, "sweep"),
        schedules.stop(member, "sweep"),
        schedules.pause(member, "sweep"),
        schedules.resume(member, "sweep"),
    ):
        with pytest.raises(MissingPermission, match="WORKSPACE"):
            await attempt
    assert await house.metier.db.value("select count(*) from core.job") == 0
    assert await actions(house) == []


async def test_an_unknown_name_is_named_with_the_nearest(house: House):
    schedules = house.metier.schedules
    for attempt in (
        schedules.get(house.actor, "retentoin"),
        schedules.history(house.actor, "retentoin"),
        schedules.run(house.actor, "retentoin"),
        schedules.stop(house.actor, "retentoin"),
        schedules.pause(house.actor, "retentoin"),
        schedules.resume(house.actor, "retentoin"),
    ):
        with pytest.raises(NotFound, match="Did you mean 'retention'"):
            await attempt


async def test_what_is_done_to_them_is_in_the_audit_log(house: House):
    schedules = house.metier.schedules

    paused = await schedules.pause(house.actor, "retention")
    await schedules.resume(house.actor, "retention")
    await schedules.run(house.actor, "sweep")
    with pytest.raises(Conflict, match="at work already"):
        await schedules.run(house.actor, "sweep")
    stopped = await schedules.stop(house.actor, "sweep")

    assert (paused.next_at, (paused.paused_by or {})["label"]) == (None, house.actor.label)
    assert stopped.status is Status.STOPPED
    assert await actions(house) == [
        ("schedule.paused", "retention"),
        ("schedule.resumed", "retention"),
        ("schedule.run", "sweep"),
        ("schedule.stopped", "sweep"),
    ]


async def test_a_workspace_is_told_of_itself_only(house: House):
    job = await house.metier.schedules.run(house.actor, "retention")
    mine, other = house.actor.workspace_id, house.metier.clock.new_id()
    await house.metier.db.execute(
        """update core.job set status = 'succeeded', counts = jsonb_build_object(
            'prompts/' || %s::text, 3, 'prompts/' || %s::text, 40, 'keys', 5)""",
        [mine, other],
    )

    for told in (
        await house.metier.schedules.job(house.actor, job.id),
        (await house.metier.schedules.history(house.actor, "retention"))[0],
        (await house.metier.schedules.get(house.actor, "retention")).last,
    ):
        assert told
        assert told.counts == {"prompts": 3, "keys": 5}


async def test_who_is_of_another_workspace_stays_unnamed(house: House):
    metier = house.metier
    other = await metier.access.create_workspace("Other")
    boss = await metier.access.create_member(other, name="Secret Boss", role="admin")
    foreign = await metier.access.actor_for_member(other, boss)
    await metier.schedules.pause(foreign, "sweep")
    await metier.schedules.run(foreign, "sweep")

    mine, theirs = [await metier.schedules.get(actor, "sweep") for actor in (house.actor, foreign)]

    assert "Secret Boss" in str(theirs)
    assert "Secret Boss" not in str(mine)
    assert str(boss) not in str(mine)
    assert mine.last
    assert "Secret Boss" not in str(await metier.schedules.history(house.actor, "sweep"))


async def test_the_house_does_it_by_itself(house: House, clock: FrozenClock):
    """From the tick to the deed: a record deleted a month ago is gone after the next night."""
    records, metier = house.metier.records, house.metier
    made = await records.create(house.actor, "company", {"name": "Old"})
    await records.delete(house.actor, "company", made.one.id)
    engine = Engine(metier.db, clock, heartbeat_s=3600, silent_s=7200, carrier=AtOnce)
    for one in await metier.schedules.list(house.actor):
        engine.schedule(one.schedule)
    await engine.start()
    try:
        await engine.launch()
        await engine.sweep()
        clock.forward(31 * 86_400)
        await engine.sweep()
        schedules = Schedules(metier.db, clock, engine)
        async with asyncio.timeout(30):
            while True:
                last = (await schedules.get(house.actor, "retention")).last
                if last and last.status.ended:
                    break
                await asyncio.sleep(0.02)
    finally:
        await engine.aclose()

    assert last
    assert (last.status, last.counts["deleted_records"]) == (Status.SUCCEEDED, 1)
    assert (await records.find(house.actor, "company", deleted=True)).records == []
