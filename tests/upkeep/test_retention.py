"""What is kept for some time only is let go of then, and nothing else is."""

from typing import Any
from uuid import UUID

import pytest

from metier.errors import Invalid, MissingPermission, NoSuchRecord, NotFound
from metier.records import Operation
from metier.runs import Forgetting
from metier.testing import FrozenClock, House, Script
from metier.upkeep import Term, kept_things
from metier.upkeep.kept import _role
from tests.upkeep.conftest import ByHand, Retain, scheduled

DAY = 86_400


async def deleted(house: House, name: str) -> UUID:
    made = await house.metier.records.create(house.actor, "company", {"name": name})
    await house.metier.records.delete(house.actor, "company", made.one.id)
    return made.one.id


async def trash(house: House) -> list[str]:
    page = await house.metier.records.find(house.actor, "company", deleted=True)
    return [record["name"] for record in page.records]


# --- who may, and what is chosen -------------------------------------------------------------------------------------


async def test_terms_need_the_workspace_flag(house: House):
    member = await house.member(flags=["AI", "AI_SETTINGS", "SECURITY"])
    retention = house.metier.retention

    for attempt in (
        retention.terms(member),
        retention.keep(member, "deleted_records", 1),
        retention.reset(member, "deleted_records"),
    ):
        with pytest.raises(MissingPermission, match="WORKSPACE"):
            await attempt
    assert not any(term.chosen for term in await retention.terms(house.actor))


async def test_a_term_that_is_none_is_refused(house: House):
    for days in (0, -1, 36_501):
        with pytest.raises(Invalid, match=r"1 to 36,500"):
            await house.metier.retention.keep(house.actor, "deleted_records", days)
    with pytest.raises(NotFound, match="Did you mean 'deleted_records'"):
        await house.metier.retention.keep(house.actor, "deleted_record", 5)


async def test_a_workspace_chooses_its_terms_and_takes_them_back(house: House):
    retention = house.metier.retention

    chosen = await retention.keep(house.actor, "prompts", 7)
    ever = await retention.keep(house.actor, "requests", None)
    await retention.reset(house.actor, "requests")

    assert (chosen.days, ever.days) == (7, None)
    terms: dict[str, Term] = {term.kept.name: term for term in await retention.terms(house.actor)}
    assert (terms["prompts"].days, terms["prompts"].chosen) == (7, True)
    assert (terms["requests"].days, terms["requests"].chosen) == (365, False)
    assert (terms["deleted_records"].days, terms["deleted_records"].chosen) == (30, False)


# --- deleted records -------------------------------------------------------------------------------------------------


async def test_deleted_records_are_destroyed_after_thirty_days(house: House, clock: FrozenClock, retain: Retain):
    old = await deleted(house, "Old")
    live = await house.metier.records.create(house.actor, "company", {"name": "Live"})
    clock.forward(DAY)
    await deleted(house, "Younger")
    clock.forward(29 * DAY + 1)

    counts = await retain()

    assert counts["deleted_records"] == 1
    assert await trash(house) == ["Younger"]
    assert (await house.metier.records.get(house.actor, "company", live.one.id))["name"] == "Live"
    change, *_ = await house.metier.db.rows(
        "select kind, origin, actor, before from core.change where record_id = %s order by id desc", [old]
    )
    assert (change["kind"], change["origin"], change["before"]) == ("destroyed", "system", None)
    assert (change["actor"]["kind"], change["actor"]["label"]) == ("system", "Retention")
    noted = await house.metier.db.row("select actor, rows from core.audit order by id desc limit 1")
    assert noted
    assert (noted["actor"]["label"], noted["rows"]) == ("Retention", 1)


async def test_many_are_destroyed_batch_by_batch(house: House, clock: FrozenClock, retain: Retain):
    records = house.metier.records
    ids = await records.insert(house.actor, "company", [{"name": f"C {n}"} for n in range(450)])
    await records.batch(house.actor, "company", [Operation("delete", one) for one in ids])
    clock.forward(31 * DAY)

    assert (await retain())["deleted_records"] == 450
    assert await trash(house) == []


async def test_kept_for_ever_is_kept(house: House, clock: FrozenClock, retain: Retain):
    await house.metier.retention.keep(house.actor, "deleted_records", None)
    await deleted(house, "Old")
    clock.forward(4_000 * DAY)

    assert "deleted_records" not in await retain()
    assert await trash(house) == ["Old"]


async def test_what_is_restored_in_that_moment_stays(house: House, clock: FrozenClock):
    back, gone = await deleted(house, "Back"), await deleted(house, "Gone")
    clock.forward(31 * DAY)
    metier = house.metier

    class Racing:
        """Somebody restores a record between the look and the deed."""

        objects, batch = metier.records.objects, metier.records.batch

        async def find(self, *args: Any, **kwargs: Any) -> Any:
            page = await metier.records.find(*args, **kwargs)
            if back in [UUID(one["id"]) for one in page.records]:
                await metier.records.restore(house.actor, "company", back)
            return page

    destroying = kept_things(metier.access, Racing(), Forgetting(metier.db))[0]  # type: ignore[arg-type]
    assert await destroying.forget(house.actor.workspace_id, clock.now(), 100) == 1

    assert (await metier.records.get(house.actor, "company", back))["name"] == "Back"
    assert await trash(house) == []
    with pytest.raises(NoSuchRecord):
        await metier.records.history(house.actor, "company", gone)


async def test_the_role_of_the_job_can_do_nothing_else(house: House):
    """S-03."""
    actor = await house.metier.access.system(house.actor.workspace_id, "Retention", _role(house.actor.workspace_id))

    assert not any(actor.holds(flag) for flag in ("AI", "WORKSPACE", "ROLES", "HTTP_REQUEST_TOOL"))
    for attempt in (
        house.metier.records.create(actor, "company", {"name": "Mine"}),
        house.metier.schedules.list(actor),
    ):
        with pytest.raises(MissingPermission):
            await attempt


# --- runs, requests, sign-ins ----------------------------------------------------------------------------------------


async def test_old_runs_keep_their_messages_and_end(house: House, clock: FrozenClock, retain: Retain):
    events = await house.ask("Hi", model=Script().says("Hello."))
    clock.forward(366 * DAY)
    young = await house.ask("Hi again", model=Script().says("Hello again."))

    counts = await retain()

    old = await house.events(events[0].root_id)  # readers still come to the end
    assert old.kinds() == ["complete"]
    assert counts["run_details"] >= 1
    assert (await house.events(young[0].root_id)).kinds() == young.kinds()
    run = await house.metier.runs.get(house.actor, events[0].run_id)
    turns = await house.metier.chat.transcript(house.actor, run.thread_id or UUID(int=0))
    assert [message.text for message in turns[0].messages] == ["Hi", "Hello."]


async def test_old_prompts_are_gone_and_their_counts_stay(house: House, clock: FrozenClock, retain: Retain):
    events = await house.ask("Hi", model=Script().says("Hello."))
    clock.forward(181 * DAY)
    young = await house.ask("Hi", model=Script().says("Hello."))

    assert (await retain())["prompts"] == 1

    (old,) = await house.metier.runs.prompt(house.actor, events[0].run_id)
    (new,) = await house.metier.runs.prompt(house.actor, young[0].run_id)
    assert (old.kept, old.system, list(old.messages)) == (False, "", [])
    assert old.usage.output_tokens > 0
    assert (new.kept, bool(new.system), len(new.messages)) == (True, True, 1)
    assert await house.metier.db.value("select count(*) from core.prompt") == 1


async def test_system_texts_that_nobody_has_any_more_go(house: House, clock: FrozenClock, retain: Retain):
    await house.ask("Hi", model=Script().says("Hello."))
    clock.forward(181 * DAY)

    await retain()

    assert await house.metier.db.value("select count(*) from core.prompt") == 0
    again = await house.ask("Hi", model=Script().says("Hello."))
    (call,) = await house.metier.runs.prompt(house.actor, again[0].run_id)
    assert call.system


async def test_sign_ins_and_links_that_are_over_go(house: House, clock: FrozenClock, retain: Retain):
    access = house.metier.access
    await access.admin_link(house.actor.workspace_id)
    signed_in = await access.use_link(await access.admin_link(house.actor.workspace_id))
    clock.forward(32 * DAY)
    assert (await retain())["sign_ins"] == 2  # the links; the sign-in is over for two days only
    clock.forward(30 * DAY)
    await access.admin_link(house.actor.workspace_id)

    assert (await retain())["sign_ins"] == 1
    assert await house.metier.db.value("select count(*) from core.admin_link") == 1
    assert signed_in


# --- the job ---------------------------------------------------------------------------------------------------------


async def test_one_thing_that_fails_holds_up_no_other_and_is_told(house: House, clock: FrozenClock):
    await deleted(house, "Old")
    clock.forward(400 * DAY)
    await house.metier.db.execute("drop table core.invitation")
    await house.metier.db.execute("alter table core.model_call rename to away")
    job = ByHand()

    with pytest.raises(Exception, match="does not exist"):
        await (await scheduled(house, "retention")).schedule.work(job)

    assert job.counts[f"deleted_records/{house.actor.workspace_id}"] == 1
    assert f"requests/{house.actor.workspace_id}" in job.counts


async def test_sweeping_up_forgets_keys_workers_and_jobs(house: House, clock: FrozenClock):
    db = house.metier.db
    chat = house.metier.chat
    thread = await chat.create_thread(house.actor, model="scripted/model")
    house.model.script = Script().says("Hello.")
    run = await chat.send(house.actor, thread.id, "Hi", key="k")
    await house.events(run.id)
    job = await house.metier.schedules.run(house.actor, "sweep")
    await house.metier.schedules.stop(house.actor, "sweep")
    await db.execute(
        "insert into core.worker (id, host, pid, ended_at) values (%s, 'x', 1, clock_timestamp() - interval '2 days')",
        [clock.new_id()],
    )
    clock.forward(91 * DAY)
    by_hand = ByHand()

    await (await scheduled(house, "sweep")).schedule.work(by_hand)

    assert by_hand.counts == {"idempotency_keys": 1, "jobs": 1, "workers": 1}
    with pytest.raises(NotFound):
        await house.metier.schedules.job(house.actor, job.id)


async def test_the_longest_term_reaches_behind_1970(house: House):
    await house.metier.retention.keep(house.actor, "run_details", 36_500)

    [before] = [
        m for kept, m in await house.metier.retention.due(house.actor.workspace_id) if kept.name == "run_details"
    ]

    assert before.year < 1970
    assert await house.metier.retention.thing("run_details").forget(house.actor.workspace_id, before, 10) == 0
