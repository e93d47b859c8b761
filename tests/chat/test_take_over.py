"""A turn whose process dies is gone on with by another, from its last message; nothing is lost, nothing done twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from metier import Context, Limits, Metier, define_agent, tool
from metier.actor import Actor
from metier.agents import Agent
from metier.chat.turns import MAX_TAKE_OVERS
from metier.errors import Waiting
from metier.events import Event, Status
from metier.llm.history import find_break
from metier.runs.runs import PATIENCE_S
from metier.settings import Settings
from metier.testing import Events, FrozenClock, House, Script, ScriptedModel, open_house

LIMITS = Limits(max_steps=4, max_same_call=2, max_seconds=100)


@dataclass
class Desk:
    """What tools note, outside of all processes; and what they wait for.

    Attributes:
        done: (tool, effect key) of each call that came to its end, or that had its effect.
        gates: Tools that hang until their gate opens; `reached` says that one does.
    """

    done: list[tuple[str, str]] = field(default_factory=list)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    answered: bool = False

    async def work(self, name: str, key: str) -> str:
        if name in self.gates:
            self.reached.set()
            await self.gates[name].wait()
        self.done.append((name, key))
        return f"{name} done"

    def hang(self, name: str) -> None:
        self.gates[name] = asyncio.Event()

    def agent(self) -> Agent:
        """Make an agent with a tool of each effect."""

        def make(effect: Any, idempotent: bool | None, name: str):
            async def run(ctx: Context, text: str = "") -> str:
                """Do something."""
                return await self.work(name, ctx.effect_key)

            return tool(name=name, effect=effect, idempotent=idempotent, approval="never", reads=())(run)

        @tool(reads=())
        async def approved(ctx: Context) -> str:
            """Do something once a person agrees."""
            if not self.answered:
                raise Waiting("approval")
            return await self.work("approved", ctx.effect_key)

        tools = [
            make("read", None, "look"),
            make("write", None, "note"),
            make("external", None, "mail"),
            make("external", True, "pay"),
            approved,
        ]
        return define_agent(name="clerk", prompt="You work.", tools=tools, limits=LIMITS)


@pytest.fixture
def desk() -> Desk:
    return Desk()


#: No process beats by itself: the tests say who is dead, and who looks.
STILL = {"heartbeat_s": 60, "silent_s": 3600}


@pytest.fixture
async def first(furnished: None, database_url: str, clock: FrozenClock, desk: Desk) -> AsyncIterator[House]:
    async with open_house(url=database_url, clock=clock, agents=[desk.agent()], **STILL) as opened:
        yield opened


class OtherModel(ScriptedModel):
    """What a process has that lacks the scripted model."""

    name = "other"


@asynccontextmanager
async def another(
    first: House, url: str, home: Path, desk: Desk, *, takes_over: bool = True, lacks: str = ""
) -> AsyncIterator[House]:
    """Open a house as another process on the same database would."""
    model = OtherModel() if lacks == "model" else ScriptedModel()
    agents = [] if lacks == "agent" else [desk.agent()]
    settings = Settings.for_tests(home, database_url=url, **STILL)
    async with Metier.open(
        settings, clock=first.metier.clock, providers=[model], agents=agents, takes_over=takes_over
    ) as metier:
        yield House(metier, model, first.actor)


@pytest.fixture
async def second(first: House, database_url: str, tmp_path: Path, desk: Desk) -> AsyncIterator[House]:
    async with another(first, database_url, tmp_path, desk) as opened:
        yield opened


async def begin(house: House, script: Script, *, actor: Actor | None = None, text: str = "Please.") -> UUID:
    """Send a message that this script answers; gives the run."""
    house.model.script = script
    thread = await house.metier.chat.create_thread(actor or house.actor, agent="clerk", model="scripted/model")
    return (await house.metier.chat.send(actor or house.actor, thread.id, text)).id


async def until(house: House, run_id: UUID, seen: Callable[[Event], bool]) -> None:
    """Wait until the log of a run has an event; what is only sent and not stored dies with its process."""
    async with asyncio.timeout(10):
        while True:
            if any(map(seen, await house.metier.runs.events(run_id))):
                return
            await asyncio.sleep(0.02)


def says(text: str) -> Callable[[Event], bool]:
    return lambda event: event.type == "token" and text in event.data["text"]


def calls(name: str) -> Callable[[Event], bool]:
    return lambda event: event.type == "tool_call" and event.data["name"] == name


def says_in(epoch: int) -> Callable[[Event], bool]:
    return lambda event: event.epoch == epoch and event.type == "token"


async def die(house: House) -> None:
    """Let a house be dead to the others. It goes on, like a process that stood still and wakes up again."""
    await house.metier.db.execute(
        "update core.worker set ended_at = now() where id = %s", [house.metier.engine.worker.id]
    )


async def events_of(house: House, run_id: UUID) -> Events:
    return await asyncio.wait_for(house.events(run_id), 10)


async def texts(house: House, run_id: UUID) -> list[tuple[str, str]]:
    """Give the stored messages of a run: role and text."""
    run = await house.metier.runs.get(house.actor, run_id)
    assert run.thread_id
    stored = await house.metier.runs.messages(run.workspace_id, thread_id=run.thread_id)
    messages = [one.message for one in stored if one.run_id == run_id]
    assert find_break(messages) is None
    return [(message.role, message.text) for message in messages]


# --- words -----------------------------------------------------------------------------------------------------------


async def test_an_answer_begun_by_a_dead_process_is_given_by_another(first: House, second: House):
    run_id = await begin(first, Script().then_hangs(after="Half an "))
    await until(first, run_id, says("Half"))
    readings = [asyncio.create_task(events_of(house, run_id)) for house in (first, second)]
    await asyncio.sleep(0.1)
    second.model.script = Script().says("Whole.")
    await die(first)

    await second.metier.engine.sweep()
    await first.metier.engine.beat()  # who reads there learns of it

    logs = [await reading for reading in readings]
    assert logs[0] == logs[1]
    assert logs[0].kinds() == ["token", "resumed", "token", "complete"]
    assert [(e.epoch, e.data["text"]) for e in logs[0] if e.type == "token"] == [(1, "Half an "), (2, "Whole.")]
    assert logs[0].last("resumed").data == {"part": 0, "after": "0-0"}
    assert logs[0].last("complete").data["output"] == "Whole."
    assert [m.text for m in second.model.script.asked[0].messages] == ["Please."]
    assert await texts(second, run_id) == [("user", "Please."), ("assistant", "Whole.")]
    [lost, call] = await second.metier.runs.prompt(second.actor, run_id)
    assert (lost.status, call.status) == ("failed", "settled")
    assert lost.error
    assert lost.error["error"] == "StepInterrupted"


async def test_a_process_that_goes_hands_its_turns_on_at_once(
    first: House, database_url: str, tmp_path: Path, desk: Desk
):
    first.model.script = Script().says("Whole.")
    async with another(first, database_url, tmp_path, desk) as leaving:
        run_id = await begin(leaving, Script().then_hangs(after="Half an "))
        await until(first, run_id, says("Half"))

    events = await events_of(first, run_id)

    assert events.kinds() == ["token", "resumed", "token", "complete"]
    assert await texts(first, run_id) == [("user", "Please."), ("assistant", "Whole.")]


async def test_turns_wait_for_a_process_that_takes_them_over(
    first: House, database_url: str, tmp_path: Path, desk: Desk
):
    run_id = await begin(first, Script().then_hangs(after="Half an "))
    await until(first, run_id, says("Half"))
    await first.metier.chat.aclose()
    await first.metier.runs.aclose()

    async with another(first, database_url, tmp_path, desk, takes_over=False) as command:
        assert await command.metier.engine.sweep() == 0
        run = await command.metier.runs.get(first.actor, run_id)
        assert run.status is Status.QUEUED
    async with another(first, database_url, tmp_path, desk) as server:
        server.model.script = Script().says("Whole.")
        assert (await events_of(server, run_id)).last("complete").data["output"] == "Whole."


async def test_an_old_owner_that_wakes_up_changes_nothing(first: House, second: House, desk: Desk):
    script = Script().then_hangs(after="Half an ")
    script._steps[0].chunks.insert(0, script._call("note", "{}"))
    run_id = await begin(first, script)
    await until(first, run_id, says("Half"))
    second.model.script = Script().says("Whole.")
    await die(first)
    await second.metier.engine.sweep()
    events = await events_of(second, run_id)

    script.go_on()  # the old owner gets the rest of its answer, and would call the tool
    await asyncio.wait_for(asyncio.wait(first.metier.chat._working), 10)

    assert desk.done == []
    assert await events_of(first, run_id) == events
    assert await texts(first, run_id) == [("user", "Please."), ("assistant", "Whole.")]


async def test_a_process_taken_for_dead_may_go_on_with_its_own_turns(first: House):
    run_id = await begin(first, Script().then_hangs(after="Half an "))
    await until(first, run_id, says("Half"))
    first.model.script = Script().says("Whole.")
    await die(first)

    await first.metier.engine.beat()
    await first.metier.engine.sweep()

    assert (await events_of(first, run_id)).kinds() == ["token", "resumed", "token", "complete"]
    assert await texts(first, run_id) == [("user", "Please."), ("assistant", "Whole.")]


# --- tools -----------------------------------------------------------------------------------------------------------


async def test_tool_calls_that_are_done_are_not_done_again(first: House, second: House, desk: Desk):
    script = Script().calls("note", text="a").then_hangs(after="So")
    run_id = await begin(first, script)
    await until(first, run_id, says("So"))
    second.model.script = Script().says("Noted.")
    await die(first)

    await second.metier.engine.sweep()

    events = await events_of(second, run_id)
    assert events.kinds() == ["tool_call", "tool_result", "token", "resumed", "token", "complete"]
    assert events.last("resumed").data["part"] == 0
    assert desk.done == [("note", f"{run_id}/2/1")]
    assert [m.role for m in second.model.script.asked[0].messages] == ["user", "assistant", "tool"]
    assert await texts(second, run_id) == [
        ("user", "Please."),
        ("assistant", ""),
        ("tool", ""),
        ("assistant", "Noted."),
    ]


@pytest.mark.parametrize("name", ["look", "note", "pay"])
async def test_a_call_that_does_no_harm_twice_is_made_again_under_its_key(
    name: str, first: House, second: House, desk: Desk
):
    desk.hang(name)
    run_id = await begin(first, Script().calls_all(("look", {"text": "1"}), (name, {"text": "2"})))
    await until(first, run_id, calls(name))
    await asyncio.wait_for(desk.reached.wait(), 10)
    await die(first)
    desk.gates.clear()
    second.model.script = Script().says("Done.")

    await second.metier.engine.sweep()

    events = await events_of(second, run_id)
    assert events.status == "succeeded"
    assert (name, f"{run_id}/2/2") in desk.done
    results = [one.data["call_id"] for one in events.all("tool_result")]
    assert len(results) == len(set(results)) == 2
    parts = second.model.script.asked[0].messages[-1].parts
    assert [part.output["result"] for part in parts] == ["look done", f"{name} done"]  # type: ignore[union-attr]


async def test_a_call_whose_outcome_is_unknown_is_told_and_never_repeated(first: House, second: House, desk: Desk):
    desk.hang("mail")
    run_id = await begin(first, Script().calls_all(("mail", {"text": "a"}), ("look", {})))
    await asyncio.wait_for(desk.reached.wait(), 10)
    await die(first)
    second.model.script = Script().says("I do not know whether it was sent.")

    await second.metier.engine.sweep()

    events = await events_of(second, run_id)
    mail, look = events.all("tool_result")
    assert (mail.data["name"], mail.error, look.data["success"]) == ("mail", "StepInterrupted", True)
    assert "nobody knows whether the call took effect" in mail.data["message"]
    assert desk.done == [("look", f"{run_id}/2/2")]
    assert events.status == "succeeded"
    await texts(second, run_id)


async def test_a_call_that_was_not_begun_is_made(first: House, second: House, desk: Desk):
    desk.hang("look")
    run_id = await begin(first, Script().calls_all(("look", {}), ("mail", {"text": "a"})))
    await until(first, run_id, calls("look"))
    await asyncio.wait_for(desk.reached.wait(), 10)
    await die(first)
    desk.gates.clear()
    second.model.script = Script().says("Sent.")

    await second.metier.engine.sweep()

    assert (await events_of(second, run_id)).status == "succeeded"
    assert desk.done == [("look", f"{run_id}/2/1"), ("mail", f"{run_id}/2/2")]


# --- limits and authority --------------------------------------------------------------------------------------------


async def test_limits_count_over_all_processes(first: House, second: House):
    script = Script().calls("look", text="1").calls("look", text="2").then_hangs(after="So")
    run_id = await begin(first, script)
    await until(first, run_id, says("So"))
    second.model.script = Script().calls("look", text="3").calls("look", text="4")
    await die(first)

    await second.metier.engine.sweep()

    assert (await events_of(second, run_id)).stop_reason == "max_steps"


async def test_only_time_at_work_counts(first: House, second: House, clock: FrozenClock):
    run_id = await begin(first, Script().calls("look").then_hangs(after="So"))
    await until(first, run_id, says("So"))
    await die(first)
    clock.forward(10_000)  # nobody was there
    second.model.script = Script().calls("look", text="2").then_says("Done.")
    second.model.on_ask = lambda _: clock.forward(60)

    await second.metier.engine.sweep()

    assert (await events_of(second, run_id)).stop_reason == "max_time"


async def test_a_member_who_lost_the_flag_meanwhile_is_refused(first: House, second: House):
    member = await first.member(flags=["AI"])
    run_id = await begin(first, Script().then_hangs(after="Half"), actor=member)
    await until(first, run_id, says("Half"))
    await first.metier.access.update_role(first.actor, member.roles[0].name, flags=frozenset())
    await die(first)

    await second.metier.engine.sweep()

    events = await events_of(second, run_id)
    assert (events.status, events.stop_reason) == ("failed", "forbidden")
    assert second.model.script.asked == []


async def test_a_key_that_was_revoked_meanwhile_is_refused(first: House, second: House):
    key = await first.metier.access.create_key(first.actor, role="member", name="nightly")
    run_id = await begin(
        first, Script().then_hangs(after="Half"), actor=await first.metier.access.actor_for_key(key.token)
    )
    await until(first, run_id, says("Half"))
    await first.metier.access.revoke_key(first.actor, key.id)
    await die(first)

    await second.metier.engine.sweep()

    events = await events_of(second, run_id)
    assert (events.status, events.stop_reason) == ("failed", "forbidden")


async def test_a_turn_of_a_deleted_chat_ends(first: House, second: House):
    run_id = await begin(first, Script().then_hangs(after="Half"))
    await until(first, run_id, says("Half"))
    run = await first.metier.runs.get(first.actor, run_id)
    assert run.thread_id
    await first.metier.chat.delete(first.actor, run.thread_id)
    second.model.script = Script().says("Whole.")
    await die(first)

    await second.metier.engine.sweep()

    assert (await events_of(second, run_id)).status == "succeeded"


async def test_a_turn_that_kills_its_processes_ends_with_words(first: House, second: House):
    run_id = await begin(first, Script().calls("look").then_hangs(after="So"))
    await until(first, run_id, says("So"))
    for epoch in range(2, MAX_TAKE_OVERS + 2):
        second.model.script = Script().then_hangs(after="Again")
        house = first if epoch == 2 else second
        await die(house)
        await house.metier.engine.beat()  # gives all up and begins anew
        await second.metier.engine.sweep()
        await until(second, run_id, says_in(epoch))
    await die(second)

    await first.metier.engine.sweep()

    events = await events_of(first, run_id)
    assert (events.status, events.stop_reason) == ("failed", "crash_loop")
    assert f"died {MAX_TAKE_OVERS + 1} times" in events.last("error").data["message"]


async def test_the_next_turn_can_be_sent_after_one_that_was_interrupted(first: House, desk: Desk):
    """As an older release left them: an open call is refused by vendors, so the history is mended."""
    desk.hang("look")
    run_id = await begin(first, Script().calls("look"))
    await until(first, run_id, calls("look"))
    run = await first.metier.runs.get(first.actor, run_id)
    assert await first.metier.runs._claims.interrupt(run_id, run.epoch)
    script = Script().says("Here again.")

    events = await first.ask("Go on.", model=script, thread_id=run.thread_id)

    assert events.status == "succeeded"
    assert [m.role for m in script.asked[0].messages] == ["user", "assistant", "tool", "user"]
    assert find_break(script.asked[0].messages) is None


# --- stops and waiting -----------------------------------------------------------------------------------------------


async def test_a_stop_that_nobody_was_there_for_is_seen(first: House, second: House, desk: Desk):
    desk.hang("look")
    run_id = await begin(first, Script().calls("look"))
    await until(first, run_id, calls("look"))
    await first.metier.chat.aclose()
    await first.metier.runs.aclose()
    await first.metier.db.execute("update core.run set stop_requested_at = now() where status = 'queued'")

    await second.metier.engine.sweep()

    events = await events_of(second, run_id)
    assert (events.status, second.model.script.asked) == ("stopped", [])
    assert [role for role, _ in await texts(second, run_id)] == ["user", "assistant", "tool"]


async def test_a_turn_that_waits_for_a_person_belongs_to_nobody_and_goes_on(first: House, second: House, desk: Desk):
    first.model.script = second.model.script = Script().calls("approved").then_says("Done.")
    run_id = await begin(first, first.model.script)
    await wait_for(first, run_id, Status.WAITING)
    reading = asyncio.create_task(events_of(first, run_id))
    assert await second.metier.engine.sweep() == await first.metier.engine.sweep() == 0
    assert await first.metier.db.value("select worker_id from core.run") is None
    desk.answered = True

    assert await second.metier.runs.requeue(run_id)

    events = await reading
    assert events.kinds() == ["tool_call", "resumed", "tool_call", "tool_result", "token", "complete"]
    assert events.status == "succeeded"
    assert not await second.metier.runs.requeue(run_id)
    assert await texts(second, run_id) == [("user", "Please."), ("assistant", ""), ("tool", ""), ("assistant", "Done.")]


async def test_a_turn_that_waits_can_be_stopped(first: House, desk: Desk):
    run_id = await begin(first, Script().calls("approved"))
    await wait_for(first, run_id, Status.WAITING)

    await first.metier.runs.stop(first.actor, run_id)

    assert (await events_of(first, run_id)).status == "stopped"
    assert [role for role, _ in await texts(first, run_id)] == ["user", "assistant", "tool"]


@pytest.mark.parametrize("lacks", ["model", "agent"])
async def test_a_process_leaves_a_turn_to_one_that_has_what_it_needs(
    first: House, database_url: str, tmp_path: Path, desk: Desk, lacks: str
):
    run_id = await begin(first, Script().calls("approved").then_says("Done."))
    await wait_for(first, run_id, Status.WAITING)
    await first.metier.engine.rest()
    desk.answered = True
    async with another(first, database_url, tmp_path / "a", desk, lacks=lacks) as poor:
        await first.metier.runs.requeue(run_id)
        await poor.metier.engine.sweep()
        assert (await first.metier.runs.get(first.actor, run_id)).status is Status.QUEUED

        async with another(first, database_url, tmp_path / "b", desk) as able:
            able.model.script = Script().says("Done.")
            assert (await events_of(first, run_id)).status == "succeeded"


async def test_a_turn_for_which_no_process_has_the_model_ends_with_words(
    first: House, database_url: str, tmp_path: Path, desk: Desk, clock: FrozenClock
):
    run_id = await begin(first, Script().calls("approved").then_says("Done."))
    await wait_for(first, run_id, Status.WAITING)
    await first.metier.engine.rest()
    desk.answered = True
    async with another(first, database_url, tmp_path, desk, lacks="model") as poor:
        await first.metier.runs.requeue(run_id)
        await poor.metier.engine.sweep()
        clock.forward(PATIENCE_S)
        await poor.metier.engine.sweep()
        events = await events_of(first, run_id)

    assert events.status == "failed"
    assert "scripted/model" in (await first.metier.runs.get(first.actor, run_id)).error["message"]


async def test_a_single_command_goes_on_with_what_it_began_itself(
    first: House, database_url: str, tmp_path: Path, desk: Desk
):
    await first.metier.engine.rest()
    async with another(first, database_url, tmp_path, desk, takes_over=False) as command:
        run_id = await begin(command, Script().calls("approved").then_says("Done."))
        await wait_for(command, run_id, Status.WAITING)
        desk.answered = True
        await command.metier.runs.requeue(run_id)

        assert (await events_of(command, run_id)).status == "succeeded"


async def wait_for(house: House, run_id: UUID, status: Status) -> None:
    """Wait until a run has a status."""
    async with asyncio.timeout(10):
        while True:
            if (await house.metier.runs.get(house.actor, run_id)).status is status:
                return
            await asyncio.sleep(0.02)
