"""The account of model calls, and getting back exactly what was sent."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from metier.actor import Actor
from metier.errors import ProviderDown, StepInterrupted
from metier.events import EventType, Status
from metier.llm.catalog import ModelCatalog
from metier.llm.door import CallEnd, CallStart, Models
from metier.llm.messages import (
    Message,
    Plan,
    Request,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    user,
)
from metier.llm.provider import ModelInfo
from metier.runs import Ledger, RunLog, Runs
from metier.store import Database
from metier.testing import FrozenClock, Script, ScriptedModel
from tests.runs.conftest import collect, open_run
from tests.runs.test_run_log import commits_held, settle_down

MODEL = ModelInfo("scripted/model")
USAGE = Usage(10, 5, 2, 1)
TOOLS = (ToolSpec("find_companies", "Finds companies.", {"type": "object"}, {"kind": "find"}),)
CALLED = Message("assistant", (Plan({"object": "company"}), ToolCall("c1", "find_companies", '{"limit": "one"}')))
FOUND = Message("tool", (ToolResult("c1", "find_companies", {"success": True, "message": "3"}),))


async def ask(ledger: Ledger, actor: Actor, clock: FrozenClock, request: Request, usage: Usage = USAGE) -> None:
    call_id = await ledger.reserve(CallStart(actor, request, MODEL, clock.now()))
    clock.forward(0.25)
    await ledger.settle(call_id, CallEnd("settled", usage, False, 700, 12.5, 250.0, clock.now()))


async def open_turn(runs: Runs, actor: Actor, clock: FrozenClock, text: str, thread_id=None) -> tuple[RunLog, Message]:
    question = user(text)
    log = await runs.open(
        actor, kind="turn", name="clerk", input=text, thread_id=thread_id or clock.new_id(), message=question
    )
    return log, question


async def test_prompt_gives_back_what_was_sent_call_by_call(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor, clock: FrozenClock
) -> None:
    thread_id = clock.new_id()
    first, question = await open_turn(here, actor, clock, "Hi", thread_id)
    first.put(messages=[Message("assistant", (Text("Hello"),))])
    await first.close(Status.SUCCEEDED, output="Hello", stop_reason="answered")
    history = [one.message for one in await here.messages(actor.workspace_id, thread_id=thread_id)]
    log, question = await open_turn(here, actor, clock, "And now?", thread_id)
    ledger = Ledger(log)
    stray = user("stored nowhere else")

    sent = [(*history, question), (*history, question, CALLED, FOUND), (question, FOUND, stray, CALLED, question), ()]
    requests = [Request("scripted/model", messages, system="Be brief.", tools=TOOLS) for messages in sent[:3]]
    requests.append(Request("scripted/model", sent[3], system="Be long."))
    await ask(ledger, actor, clock, requests[0])
    log.put(messages=[CALLED, FOUND])
    for request in requests[1:]:
        await ask(ledger, actor, clock, request)

    prompts = await elsewhere.prompt(actor, log.run.id)
    assert [tuple(one.messages) for one in prompts] == sent
    assert [one.system for one in prompts] == ["Be brief."] * 3 + ["Be long."]
    shown = [{"name": "find_companies", "description": "Finds companies.", "parameters": {"type": "object"}}]
    assert [one.tools for one in prompts] == [shown, shown, shown, []]
    assert (prompts[0].status, prompts[0].usage, prompts[0].ms, prompts[0].first_ms) == (
        "settled",
        Usage(10, 5, 2, 1),
        250.0,
        12.5,
    )
    assert await db.value("select count(*) from core.prompt") == 2
    refs = await db.rows("select messages from core.model_call order by started_at")
    ours, before = str(log.run.id), str(first.run.id)
    assert refs[0]["messages"] == [[before, 1, 2], [ours, 1, 1]]
    assert refs[1]["messages"] == [[before, 1, 2], [ours, 1, 3]]
    assert prompts[0].to_json()["messages"][0] == {"role": "user", "parts": [{"type": "text", "text": "Hi"}]}


async def test_equal_message_is_not_taken_for_the_stored_one(here: Runs, actor: Actor, clock: FrozenClock) -> None:
    """What is stored could be cut down or changed on its way to the model: only the very same one is pointed at."""
    log, question = await open_turn(here, actor, clock, "Hi")
    await ask(Ledger(log), actor, clock, Request("scripted/model", [user("Hi")]))
    await ask(Ledger(log), actor, clock, Request("scripted/model", [question]))

    found = await here._db.rows("select messages from core.model_call order by started_at")
    assert [row["messages"] for row in found] == [
        [{"role": "user", "parts": [{"type": "text", "text": "Hi"}]}],
        [[str(log.run.id), 1, 1]],
    ]


async def test_call_is_stored_before_reserve_returns_and_after_what_was_put(
    here: Runs, db: Database, actor: Actor, clock: FrozenClock
) -> None:
    log, question = await open_turn(here, actor, clock, "Hi")
    async with commits_held(db, log.run.id):
        log.put(messages=[CALLED])
        start = CallStart(actor, Request("scripted/model", [question, CALLED]), MODEL, clock.now())
        reserving = asyncio.create_task(Ledger(log).reserve(start))
        await settle_down()
        assert not reserving.done()
    call_id = await reserving

    assert await db.value("select status from core.model_call where id = %s", [call_id]) == "reserved"
    assert await db.value("select count(*) from core.message") == 2
    [prompt] = await here.prompt(actor, log.run.id)
    assert (prompt.status, prompt.ms, prompt.messages) == ("reserved", None, [question, CALLED])


async def test_one_commit_does_for_a_round_that_only_reads(
    here: Runs, db: Database, actor: Actor, clock: FrozenClock
) -> None:
    log, question = await open_turn(here, actor, clock, "Hi")
    ledger = Ledger(log)
    await ask(ledger, actor, clock, Request("scripted/model", [question]))
    log.put(messages=[CALLED])
    log.put(events=[(EventType.TOOL_CALL, {"call_id": "c1", "name": "find_companies", "arguments": {}})])
    log.put(events=[(EventType.TOOL_RESULT, {"call_id": "c1", "name": "find_companies", "success": True})])
    log.put(messages=[FOUND])
    await ledger.reserve(CallStart(actor, Request("scripted/model", [question, CALLED, FOUND]), MODEL, clock.now()))

    commits = await db.rows(
        "select xmin::text as x from core.message where seq > 1 union select xmin::text from core.event"
        " union select xmin::text from core.model_call"
    )
    assert len(commits) == 1


async def test_usage_is_added_up_the_tree_and_told(here: Runs, actor: Actor, clock: FrozenClock) -> None:
    log, question = await open_turn(here, actor, clock, "Hi")
    child = await open_run(here, actor, parent=log)
    request = Request("scripted/model", [question])
    await ask(Ledger(log), actor, clock, request)
    await ask(Ledger(child), actor, clock, request, Usage(1, 2))
    await log.close(Status.SUCCEEDED, stop_reason="answered")

    events = await collect(here, log.run.id)
    told = {
        "model": "scripted/model",
        "input_tokens": 10,
        "output_tokens": 5,
        "cached_tokens": 2,
        "reasoning_tokens": 1,
    }
    assert events[0].data == told | {"cost_micros": 700}
    assert [(e.type.value, e.run_id == log.run.id) for e in events] == [
        ("usage", True),
        ("usage", False),
        ("complete", False),
        ("complete", True),
    ]
    total = {"input_tokens": 11, "output_tokens": 7, "cached_tokens": 2, "reasoning_tokens": 1}
    assert (events[-1].data["usage"], events[-1].data["cost"]) == (total, 1400)
    root, below = await here.tree(actor, log.run.id)
    assert (root.usage, root.cost_micros) == (total, 1400)
    assert (below.usage["input_tokens"], below.cost_micros) == (1, 700)


async def test_ledger_equals_usage_of_100_runs_at_once(
    here: Runs, elsewhere: Runs, db: Database, actor: Actor, clock: FrozenClock
) -> None:
    async def busy(runs: Runs, n: int) -> None:
        log, question = await open_turn(runs, actor, clock, str(n))
        ledger = Ledger(log)
        for call in range(5):
            await ask(ledger, actor, clock, Request("scripted/model", [question]), Usage(n, call))
        await log.close(Status.SUCCEEDED, stop_reason="answered")

    await asyncio.gather(*(busy(runs, n) for n in range(50) for runs in (here, elsewhere)))

    wrong = await db.rows(
        "select r.id from core.run r join core.model_call c on c.run_id = r.id group by r.workspace_id, r.id"
        " having sum(c.input_tokens) <> (r.usage->>'input_tokens')::int or sum(c.cost_micros) <> r.cost_micros"
        " or count(*) <> 5 or not bool_and(c.status = 'settled')"
    )
    assert wrong == []
    assert await db.value("select count(*) from core.model_call") == 500


async def test_cancelled_reservation_is_settled(here: Runs, db: Database, actor: Actor, clock: FrozenClock) -> None:
    log, question = await open_turn(here, actor, clock, "Hi")
    async with commits_held(db, log.run.id):
        log.put(messages=[CALLED])
        await settle_down()  # its commit is under way, what follows waits for the next one together
        start = CallStart(actor, Request("scripted/model", [question]), MODEL, clock.now())
        reserving = asyncio.create_task(Ledger(log).reserve(start))
        await settle_down()
        reserving.cancel()
        await asyncio.wait([reserving])
    await log.close(Status.STOPPED, stop_reason="stopped")

    assert await db.rows("select status from core.model_call") == [{"status": "stopped"}]


async def test_lost_run_asks_no_model(here: Runs, db: Database, actor: Actor, clock: FrozenClock) -> None:
    log, question = await open_turn(here, actor, clock, "Hi")
    await db.execute("update core.run set epoch = 2 where id = %s", [log.run.id])

    with pytest.raises(StepInterrupted):
        await Ledger(log).reserve(CallStart(actor, Request("scripted/model", [question]), MODEL, clock.now()))

    assert await db.value("select count(*) from core.model_call") == 0


@pytest.fixture
def scripted() -> ScriptedModel:
    return ScriptedModel()


@pytest.fixture
async def models(scripted: ScriptedModel, clock: FrozenClock) -> AsyncGenerator[Models, None]:
    catalog = ModelCatalog([scripted], fast=(), smart=())
    door = Models(catalog, clock)
    yield door
    await door.aclose()


async def test_door_to_models_keeps_its_account_here(
    here: Runs, models: Models, scripted: ScriptedModel, actor: Actor, clock: FrozenClock
) -> None:
    log, question = await open_turn(here, actor, clock, "Hi")
    request = Request("scripted/model", [question], system="Be brief.")
    scripted.script = Script().says("Hello there").then_fails(ProviderDown("scripted", "it broke"), after="Hel")

    async with aclosing(models.ask(request, actor=actor, ledger=Ledger(log))) as stream:
        _ = [chunk async for chunk in stream]
    with pytest.raises(ProviderDown):
        async with aclosing(models.ask(request, actor=actor, ledger=Ledger(log))) as stream:
            _ = [chunk async for chunk in stream]
    await log.close(Status.FAILED, stop_reason="provider_error")

    good, bad = await here.prompt(actor, log.run.id)
    assert (good.status, good.messages, good.system, good.estimated) == ("settled", [question], "Be brief.", False)
    assert good.usage.input_tokens == 10
    assert (bad.status, bad.estimated) == ("failed", True)
    assert bad.error is not None
    assert bad.error["error"] == "ProviderDown"
