"""A turn that needs a person waits, on no process, and goes on with exactly what was approved."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from metier.errors import AlreadyAnswered, Conflict, Forbidden, NotFound, RequestChanged
from metier.llm.history import find_break
from metier.runs.requests import Request, State
from metier.testing import FrozenClock, House, Script, open_house
from tests.asking import NO, YES, Book, asked, begin, elsewhere, ended, one_write, reply, waiting


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
async def office(furnished: None, database_url: str, clock: FrozenClock, book: Book) -> AsyncIterator[House]:
    async with open_house(url=database_url, clock=clock, agents=[book.agent()]) as opened:
        yield opened


async def test_a_change_waits_for_a_yes_and_is_then_made_once(office: House, book: Book):
    run_id, request = await asked(office, one_write())

    assert book.written == []
    assert request.shown.title == "Write page 1"
    assert request.shown.arguments == {"page": "1", "text": "Acme"}
    assert request.shown.changes[0].fields[0].after == "Acme"
    await reply(office, request)
    events = await ended(office, run_id)

    assert events.status == "succeeded"
    assert book.pages["1"] == "Acme"
    assert [key for _, key in book.written] == [request.key]
    kinds = [kind for kind in events.kinds() if kind != "resumed"]
    assert kinds == ["interrupt", "interrupt_response", "tool_call", "tool_result", "token", "complete"]


async def test_a_no_is_told_to_the_model_with_its_remark_and_changes_nothing(office: House, book: Book):
    run_id, request = await asked(office, one_write())

    await reply(office, request, NO, note="Ask Ada first.")
    events = await ended(office, run_id)

    assert book.written == []
    told = events.last("tool_result")
    assert told.error == "Declined"
    assert "Ask Ada first." in told.data["message"]
    assert events.status == "succeeded"
    assert office.model.script.asked[1].messages[-1].parts[0].output["error"]["error"] == "Declined"


async def test_nobody_is_asked_for_what_cannot_be_done(office: House, book: Book):
    run_id = await begin(office, one_write(page="7"))

    events = await ended(office, run_id)

    assert "interrupt" not in events.kinds()
    assert events.last("tool_result").error == "GiveUp"


async def test_what_one_step_needs_is_asked_together_and_made_in_its_order(office: House, book: Book):
    """The look in between sees the write before it, and is not made before that is answered."""
    book.pages["2"] = "blank"
    calls = [("write", {"page": "1", "text": "a"}), ("look", {}), ("write", {"page": "2", "text": "b"})]
    run_id = await begin(office, Script().calls_all(*calls).then_says("Done."))
    first, second = await waiting(office, run_id, count=2)

    await reply(office, second)
    [left] = await waiting(office, run_id)
    assert left.id == first.id
    assert book.written == []
    await reply(office, first)
    events = await ended(office, run_id)

    assert [page for page, _ in book.written] == ["1", "2"]
    assert [one.data["result"] for one in events.all("tool_result")] == ["written", "a, blank", "written"]
    sent = office.model.script.asked[1].messages
    assert find_break(sent) is None


async def test_an_answer_to_something_else_than_was_seen_is_refused(office: House, book: Book):
    """S-17: bound to the hash; a page that changed meanwhile is shown anew, in the log too."""
    run_id, request = await asked(office, one_write())
    with pytest.raises(RequestChanged):
        await reply(office, request, hash="0" * 64)

    book.pages["1"] = "written by somebody else"
    with pytest.raises(RequestChanged):
        await reply(office, request)
    [fresh] = await waiting(office, run_id)

    assert fresh.id == request.id
    assert fresh.hash != request.hash
    assert fresh.shown.changes[0].fields[0].before == "written by somebody else"
    with pytest.raises(RequestChanged):
        await reply(office, request)
    await reply(office, fresh)
    events = await ended(office, run_id)
    assert [one.data["hash"] for one in events.all("interrupt")] == [request.hash, fresh.hash]
    assert book.pages["1"] == "Acme"


async def test_what_changes_between_the_answer_and_the_call_is_asked_anew(office: House, book: Book):
    """S-17: the hash is looked at again when the call is made."""
    metier = office.metier
    run_id, request = await asked(office, one_write())
    original = metier.chat.go_on

    def meddle(log: Any) -> None:
        book.pages["1"] = "in between"
        original(log)

    metier.runs.resumes("turn", meddle)
    await reply(office, request)
    [again] = await waiting(office, run_id)

    assert again.id != request.id
    assert again.shown.changes[0].fields[0].before == "in between"
    assert book.written == []
    metier.runs.resumes("turn", original)
    await reply(office, again)
    assert (await ended(office, run_id)).status == "succeeded"
    assert book.pages["1"] == "Acme"


async def test_the_first_answer_counts_and_the_same_again_changes_nothing(office: House, book: Book):
    run_id, request = await asked(office, one_write())

    first = await reply(office, request)
    again = await reply(office, request)
    with pytest.raises(AlreadyAnswered, match="Admin"):
        await reply(office, request, NO)

    assert first == again
    assert (await ended(office, run_id)).status == "succeeded"
    assert len(book.written) == 1


async def test_of_many_answers_at_once_one_counts(office: House, book: Book, database_url: str, tmp_path: Path):
    async with elsewhere(office, database_url, tmp_path, book) as second:
        second.model.script = office.model.script
        run_id, request = await asked(office, one_write())
        second.model.script = office.model.script
        houses = [office, second] * 4
        answers = [YES, NO, NO, YES, YES, NO, NO, YES]

        said = await asyncio.gather(
            *(reply(house, request, answer) for house, answer in zip(houses, answers, strict=True)),
            return_exceptions=True,
        )
        events = await ended(office, run_id)

    counted = [one for one in said if isinstance(one, Request)]
    assert {one.answer for one in counted} == {counted[0].answer}
    refused = [one for one in said if not isinstance(one, Request)]
    assert all(isinstance(one, AlreadyAnswered) for one in refused), refused
    assert len(refused) == 4
    assert len(events.all("interrupt_response")) == 1
    assert len(book.written) == (1 if counted[0].approved else 0)


async def test_only_whom_the_agent_acts_for_answers_and_others_do_not_know_of_it(office: House):
    member = await office.member(flags=["AI"])
    stranger = await office.member(flags=["AI"], name="Stranger")
    run_id, request = await asked(office, one_write(), actor=member)

    with pytest.raises(NotFound):
        await office.metier.requests.get(stranger, request.id)
    with pytest.raises(NotFound):
        await reply(office, request, actor=stranger)
    assert (await office.metier.requests.list(stranger)).requests == []
    with pytest.raises(Forbidden, match="others"):  # an admin sees all runs, but this is not for them to say
        await reply(office, request)
    with pytest.raises(Forbidden):  # nor for an agent of the member's
        await reply(office, request, actor=member.through("clerk", None))

    assert (await office.metier.requests.get(member, request.id)).status is State.OPEN
    assert (await office.metier.inbox.of(office.actor)).count == 0
    assert (await office.metier.inbox.of(member)).count == 1
    await reply(office, request, actor=member)
    assert (await ended(office, run_id)).status == "succeeded"


async def test_a_yes_for_somebody_who_lost_the_right_is_refused_a_no_is_not(office: House, book: Book):
    """S-05, S-17: who is acted for is looked up again when the answer comes."""
    member = await office.member(flags=["AI"])
    run_id, request = await asked(office, one_write(), actor=member)
    await office.metier.access.update_role(office.actor, member.roles[0].name, flags=frozenset())

    with pytest.raises(Conflict, match=r"cannot be done any more: .* may not use AI"):
        await reply(office, request, actor=member)
    await reply(office, request, NO, actor=member)
    events = await ended(office, run_id)

    assert (events.status, events.stop_reason) == ("failed", "forbidden")
    assert book.written == []


async def test_a_right_that_is_lost_after_the_yes_is_gone_when_the_call_is_made(office: House, book: Book):
    member = await office.member(flags=["AI"])
    run_id, request = await asked(office, one_write(), actor=member)
    go_on = office.metier.chat.go_on
    held: asyncio.Queue[Any] = asyncio.Queue()
    office.metier.runs.resumes("turn", held.put_nowait)
    await reply(office, request, actor=member)
    log = await asyncio.wait_for(held.get(), 20)
    await office.metier.access.update_role(office.actor, member.roles[0].name, flags=frozenset())

    go_on(log)
    events = await ended(office, run_id)

    assert (events.status, events.stop_reason) == ("failed", "forbidden")
    assert book.written == []


async def test_time_says_no_and_the_model_hears_of_it(office: House, book: Book, clock: FrozenClock):
    run_id, request = await asked(office, one_write())
    clock.forward(timedelta(days=7).total_seconds())

    with pytest.raises(Conflict, match="time to answer"):
        await reply(office, request)
    await office.metier.engine.sweep()
    events = await ended(office, run_id)

    assert events.last("interrupt_response").data["status"] == "expired"
    assert "Nobody answered in time" in events.last("tool_result").data["message"]
    assert book.written == []
    assert (await office.metier.requests.get(office.actor, request.id)).status is State.EXPIRED
    with pytest.raises(Conflict, match="time to answer"):
        await reply(office, request)


async def test_waiting_for_days_costs_no_time_of_the_turn(office: House, clock: FrozenClock):
    """S-44: the limit is 100 s."""
    run_id, request = await asked(office, one_write())
    clock.forward(timedelta(days=6).total_seconds())

    await reply(office, request)

    assert (await ended(office, run_id)).status == "succeeded"


async def test_a_turn_is_stopped_while_it_waits(office: House, book: Book):
    run_id, request = await asked(office, one_write())
    thread_id = (await office.metier.runs.get(office.actor, run_id)).thread_id

    await office.metier.runs.stop(office.actor, run_id)
    events = await ended(office, run_id)

    assert events.status == "stopped"
    assert book.written == []
    assert (await office.metier.requests.get(office.actor, request.id)).status is State.CANCELLED
    with pytest.raises(Conflict, match="no longer asked"):
        await reply(office, request)
    script = Script().says("Fine.")
    assert (await ended(office, await begin(office, script, thread_id=thread_id))).status == "succeeded"
    assert find_break(script.asked[0].messages) is None


async def test_another_process_goes_on_after_the_one_that_asked_is_gone(
    database_url: str, clock: FrozenClock, book: Book, tmp_path: Path
):
    async with open_house(url=database_url, clock=clock, agents=[book.agent()]) as first:
        run_id, request = await asked(first, one_write())
        async with elsewhere(first, database_url, tmp_path, book) as second:
            second.model.script = Script().says("Done elsewhere.")
            await first.metier.chat.aclose()
            await first.metier.runs.aclose()
            await first.metier.engine.aclose()

            run = await second.metier.runs.get(second.actor, run_id)
            assert run.status == "waiting"
            await reply(second, request)
            events = await ended(second, run_id)

    assert events.status == "succeeded"
    assert [key for _, key in book.written] == [request.key]


async def test_a_thread_that_waits_takes_no_second_message(office: House):
    run_id, request = await asked(office, one_write())
    thread_id = (await office.metier.runs.get(office.actor, run_id)).thread_id
    assert thread_id is not None

    with pytest.raises(Conflict, match="answer"):
        await office.metier.chat.send(office.actor, thread_id, "And?")
    await reply(office, request, NO)
    await ended(office, run_id)


async def test_what_is_chosen_holds_from_the_next_call_on(office: House):
    """The choice is for models; what rules plan is confirmed all the same."""
    access, names = office.metier.access, await office.metier.agents.names(office.actor.workspace_id)
    run_id, request = await asked(office, one_write())
    await access.choose_confirming(office.actor, default="never", known=names)
    await reply(office, request, NO)
    assert (await ended(office, run_id)).last("tool_result").error == "Declined"
    assert "interrupt" not in (await ended(office, await begin(office, one_write()))).kinds()

    care = office.metier.chat._parts.caution
    clerk = await office.metier.agents.get(office.actor.workspace_id, "clerk")
    await access.choose_confirming(office.actor, agents={"clerk": "outside_own"}, known=names)
    assert (await care(office.actor, clerk, "scripted/model")).confirm == "outside_own"
    assert (await care(office.actor, clerk, "offline/planner")).confirm == "always"
