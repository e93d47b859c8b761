"""The agent loop as dialogues: what a model says, what people see, how it ends."""

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from metier import Context, GiveUp, Limits, define_agent, tool
from metier.errors import ProviderDown
from metier.testing import FrozenClock, House, Script, open_house
from metier.tools import Confirm, Preview
from tests.asking import NO, reply, waiting


@tool
async def note_down(ctx: Context, text: str) -> str:
    """Note something down."""
    return f"noted {text}"


@tool
async def slow(ctx: Context) -> str:
    """Take an hour."""
    await asyncio.sleep(3600)
    return "done"


@tool
async def broken(ctx: Context) -> str:
    """Fail inside."""
    raise RuntimeError("secret detail")


@tool
async def strange(ctx: Context) -> object:
    """Give back what is not JSON."""
    return object()


written: list[str] = []


async def show_write(ctx: Context, arguments) -> Preview:
    if arguments["text"] == "nonsense":
        raise GiveUp("There is no such page.")
    return Preview(f"Write {arguments['text']}")


@tool(effect="write", preview=show_write, reads=())
async def write(ctx: Context, text: str) -> str:
    """Write something into the book."""
    written.append(text)
    return "written"


@tool(effect="external", reads=("web",))
async def call_out(ctx: Context, url: str) -> str:
    """Ask another server."""
    written.append(url)
    return "answered"


LIMITS = Limits(max_steps=4, max_same_call=2)


@pytest.fixture
async def office(furnished: None, database_url: str, clock: FrozenClock):
    houses: list[House] = []

    @tool
    async def demote(ctx: Context, role: str) -> str:
        """Take all flags from a role, as an admin would meanwhile."""
        await houses[0].metier.access.update_role(houses[0].actor, role, flags=frozenset())
        return "demoted"

    tools = [note_down, slow, broken, strange, demote, write, call_out]
    clerk = define_agent(name="clerk", prompt="You note things.", tools=tools, limits=LIMITS)
    trusted = replace(clerk, name="trusted", confirm=Confirm.NEVER)
    written.clear()
    async with open_house(url=database_url, clock=clock, agents=[clerk, trusted]) as opened:
        houses.append(opened)
        yield opened


async def ask(office: House, script: Script, **more):
    return await office.ask("Please.", agent="clerk", model=script, **more)


async def test_member_without_the_ai_flag_cannot_ask(office: House):
    with pytest.raises(Exception, match="may not use AI"):
        await ask(office, Script().says("No."), flags=[])


async def test_agent_calls_a_tool_then_answers(office: House):
    script = Script().calls("note_down", text="milk").then_says("Noted.")

    events = await ask(office, script)

    assert events.kinds() == ["tool_call", "tool_result", "token", "complete"]
    assert events.last("tool_result").data["result"] == "noted milk"
    assert events.answer == "Noted."
    assert (events.status, events.stop_reason) == ("succeeded", "answered")


async def test_model_sees_the_result_of_its_call(office: House):
    script = Script().calls("note_down", text="milk").then_says("Noted.")

    await ask(office, script)

    last = script.asked[1].messages[-1]
    assert last.role == "tool"
    assert last.parts[0].output == {"success": True, "message": "Done.", "result": "noted milk"}


async def test_vendors_are_told_the_person_and_the_day(office: House):
    script = Script().says("Hello.")

    await ask(office, script)

    assert "You note things." in script.asked[0].system
    assert "2026-11-21" in script.asked[0].system


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", "not JSON"),
        ('{"text": "mi', "not JSON"),
        ("[]", "a JSON list, not an object"),
        ("null", "a JSON NoneType, not an object"),
        ('{"text": 5}', "5 is not of type"),
        ("{}", "required property"),
        ('{"text": "a", "sudo": true}', "sudo"),
        ('{"text": "a", "__actor": "admin"}', "reserved name"),
    ],
)
async def test_a_malformed_call_is_answered_with_what_was_expected_and_never_run(
    office: House, raw: str, expected: str
):
    script = Script().calls_raw("note_down", raw).then_says("Sorry.")

    events = await ask(office, script)

    result = events.last("tool_result").data
    assert result["success"] is False
    assert expected in result["message"]
    assert events.status == "succeeded"


async def test_an_unknown_tool_is_answered_with_the_nearest_name(office: House):
    events = await ask(office, Script().calls("note_dwn", text="x").then_says("Sorry."))

    assert events.last("tool_result").error == "NotFound"
    assert "Did you mean 'note_down'?" in events.last("tool_result").data["message"]


async def test_a_fault_inside_a_tool_is_told_without_its_details(office: House):
    events = await ask(office, Script().calls("broken").then_says("It failed."))

    message = events.last("tool_result").data["message"]
    assert "failed inside" in message
    assert "secret detail" not in message


async def test_a_result_that_is_not_json_is_told_as_the_tools_fault(office: House):
    events = await ask(office, Script().calls("strange").then_says("It failed."))

    assert "not JSON" in events.last("tool_result").data["message"]
    assert events.status == "succeeded"


async def test_the_same_call_again_and_again_is_ended(office: House):
    script = Script()
    for _ in range(3):
        script.calls("note_down", text="milk")

    events = await ask(office, script)

    assert (events.status, events.stop_reason) == ("failed", "repetition")
    assert len(events.all("tool_result")) == 2


async def test_the_limit_on_steps_ends_a_run_with_its_reason(office: House):
    script = Script()
    for i in range(4):
        script.calls("note_down", text=str(i))

    events = await ask(office, script)

    assert (events.status, events.stop_reason) == ("failed", "max_steps")
    assert "4 model calls" in events.last("error").data["message"]


async def test_the_limit_on_time_ends_a_run(office: House, clock: FrozenClock):
    script = Script().calls("note_down", text="1").then_says("Too late.")
    office.model.on_ask = lambda request: clock.forward(200)

    events = await ask(office, script)

    assert events.stop_reason == "max_time"


async def test_a_provider_that_fails_keeps_the_words_said_before(office: House):
    script = Script().then_fails(ProviderDown("scripted", "connection lost", kind="cut_off"), after="I found ")

    events = await ask(office, script)

    assert (events.status, events.stop_reason) == ("failed", "provider_error")
    assert events.answer == "I found "
    assert events.last("complete").data["output"] == "I found "
    assert events.last("error").error == "ProviderDown"


async def test_an_empty_answer_is_a_fault_not_a_success(office: House):
    events = await ask(office, Script().says(""))

    assert (events.status, events.stop_reason) == ("failed", "empty_answer")


async def test_stop_ends_a_model_that_hangs_and_keeps_its_words(office: House):
    script = Script().then_hangs(after="Thinking about ")
    office.model.script = script
    thread = await office.metier.chat.create_thread(office.actor, agent="clerk", model="scripted/model")
    run = await office.metier.chat.send(office.actor, thread.id, "Please.")
    async with aclosing(office.metier.runs.follow(run.id)) as live:
        async for event in live:
            if event.type == "token":
                await office.metier.runs.stop(office.actor, run.id)

    events = await asyncio.wait_for(office.events(run.id), 12)

    assert (events.status, events.stop_reason) == ("stopped", "stopped")
    assert events.last("complete").data["output"] == "Thinking about "


async def test_stop_ends_a_tool_and_the_history_stays_valid(office: House):
    office.model.script = Script().calls("slow")
    thread = await office.metier.chat.create_thread(office.actor, agent="clerk", model="scripted/model")
    run = await office.metier.chat.send(office.actor, thread.id, "Please.")
    async with aclosing(office.metier.runs.follow(run.id)) as events:
        async for event in events:
            if event.type == "tool_call":
                await office.metier.runs.stop(office.actor, run.id)
    script = Script().says("Here again.")

    events = await office.ask("Go on.", model=script, thread_id=thread.id)

    assert events.status == "succeeded"
    roles = [message.role for message in script.asked[0].messages]
    assert roles == ["user", "assistant", "tool", "user"]
    assert script.asked[0].messages[2].parts[0].output["success"] is False


async def test_a_member_who_loses_the_flag_is_refused_at_the_next_step(office: House):
    member = await office.member(flags=["AI"])
    script = Script().calls("demote", role=member.roles[0].name).then_says("Never said.")

    events = await ask(office, script, actor=member)

    assert events.last("tool_result").data["success"] is True
    assert (events.status, events.stop_reason) == ("failed", "forbidden")
    assert len(script.asked) == 1


async def test_parallel_calls_are_all_answered_in_order(office: House):
    script = Script().calls_all(("note_down", {"text": "a"}), ("note_down", {"text": "b"})).then_says("Both.")

    events = await ask(office, script)

    assert [one.data["result"] for one in events.all("tool_result")] == ["noted a", "noted b"]
    assert len(script.asked[1].messages[-1].parts) == 2


async def test_nobody_is_asked_for_what_cannot_be_done(office: House):
    events = await ask(office, Script().calls("write", text="nonsense").then_says("No."))

    assert events.last("tool_result").error == "GiveUp"


async def test_an_agent_can_be_trusted_with_changes(office: House):
    events = await office.ask(
        "Please.", agent="trusted", model=Script().calls("write", text="a page").then_says("Done.")
    )

    assert written == ["a page"]
    assert events.last("tool_result").data["success"] is True


async def test_foreign_words_shut_the_way_out_and_stay_in_the_thread(office: House):
    """S-16: what an earlier turn has read counts too; arguments written beside a reading call are not led by it."""
    thread = await office.metier.chat.create_thread(office.actor, agent="trusted", model="scripted/model")
    beside = Script().calls_all(("call_out", {"url": "a"}), ("call_out", {"url": "b"})).then_says("Both.")

    first = await office.ask("Please.", thread_id=thread.id, model=beside)
    office.model.script = Script().calls("call_out", url="c").then_says("No.")
    run = await office.metier.chat.send(office.actor, thread.id, "More.")
    [request] = await waiting(office, run.id)

    assert [one.data["success"] for one in first.all("tool_result")] == [True, True]
    assert request.kind == "approval"
    assert "web pages" in request.shown.why
    assert request.shown.reads == ["web"]
    assert written == ["a", "b"]
    await reply(office, request, NO)
    assert (await office.events(run.id)).last("tool_result").error == "Declined"


async def test_ai_switched_off_meanwhile_is_refused_at_the_next_call(database_url: str, clock: FrozenClock):
    """S-05: a turn at work goes no step further, neither to a tool nor to the model, and says which flag is off."""
    houses: list[House] = []
    noted: list[str] = []

    @tool
    async def switch_off(ctx: Context) -> str:
        """Switch AI off, as an admin would meanwhile."""
        await houses[0].metier.access.set_feature_flag(houses[0].actor, "IS_AI_ENABLED", value=False)
        return "off"

    @tool
    async def note(ctx: Context) -> None:
        """Note that this was called."""
        noted.append("called")

    clerk = define_agent(name="clerk", prompt="You note things.", tools=[switch_off, note])
    async with open_house(url=database_url, clock=clock, agents=[clerk]) as office:
        houses.append(office)
        alone = Script().calls("switch_off").calls("note").then_says("Noted.")
        together = Script().calls_all(("switch_off", {}), ("note", {})).then_says("Noted.")
        for script in (alone, together):
            await office.metier.access.set_feature_flag(office.actor, "IS_AI_ENABLED", value=True)
            events = await ask(office, script)
            run = await office.metier.runs.get(office.actor, events[0].run_id)

            assert (len(script.asked), noted) == (1, [])
            assert (events.status, events.stop_reason) == ("failed", "forbidden")
            assert "IS_AI_ENABLED" in run.error["message"]
