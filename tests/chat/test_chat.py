"""Threads are one's own; turns go one after the other and are remembered."""

import asyncio
from uuid import uuid4

import pytest

from metier.chat.threads import shorten
from metier.errors import Conflict, Invalid, MissingPermission, NoModel, NotFound
from metier.testing import House, Script


async def new_thread(house: House, actor=None):
    return await house.metier.chat.create_thread(actor or house.actor, model="scripted/model")


async def test_a_member_without_the_ai_flag_cannot_begin_a_chat(house: House):
    member = await house.member(flags=[])

    with pytest.raises(MissingPermission, match="AI"):
        await house.metier.chat.create_thread(member)


async def test_a_thread_of_somebody_else_is_unknown(house: House):
    thread = await new_thread(house)
    other = await house.member(flags=["AI"])

    for attempt in (
        house.metier.chat.thread(other, thread.id),
        house.metier.chat.transcript(other, thread.id),
        house.metier.chat.send(other, thread.id, "Hi"),
        house.metier.chat.rename(other, thread.id, "Mine"),
        house.metier.chat.delete(other, thread.id),
    ):
        with pytest.raises(NotFound, match="No thread"):
            await attempt
    assert await house.metier.chat.threads(other) == []


async def test_a_run_of_somebody_else_is_unknown(house: House):
    events = await house.ask("Hi", model=Script().says("Hello."))
    other = await house.member(flags=["AI"])
    run_id = events[0].run_id

    for attempt in (
        house.metier.runs.get(other, run_id),
        house.metier.runs.prompt(other, run_id),
        house.metier.runs.stop(other, run_id),
    ):
        with pytest.raises(NotFound):
            await attempt


@pytest.mark.parametrize("text", ["", "   \n"])
async def test_an_empty_message_is_refused(house: House, text: str):
    thread = await new_thread(house)

    with pytest.raises(Invalid, match="must not be empty"):
        await house.metier.chat.send(house.actor, thread.id, text)


async def test_a_second_message_waits_for_the_first_answer(house: House):
    house.model.script = Script().then_hangs()
    thread = await new_thread(house)
    run = await house.metier.chat.send(house.actor, thread.id, "One")

    with pytest.raises(Conflict, match="still answering"):
        await house.metier.chat.send(house.actor, thread.id, "Two")
    house.model.script.go_on()
    await asyncio.wait_for(house.events(run.id), 12)


async def test_an_unknown_agent_or_model_is_named_with_the_nearest(house: House):
    with pytest.raises(NotFound, match="Did you mean 'crm-assistant'"):
        await house.metier.chat.create_thread(house.actor, agent="crm-asistant")
    with pytest.raises(NoModel):
        await house.metier.chat.create_thread(house.actor, model="gpt-9000")


async def test_the_next_turn_remembers_the_one_before(house: House):
    thread = await new_thread(house)
    await house.ask("I am Ada.", model=Script().says("Hello Ada."), thread_id=thread.id)
    script = Script().says("Ada.")

    await house.ask("Who am I?", model=script, thread_id=thread.id)

    assert [m.text for m in script.asked[0].messages] == ["I am Ada.", "Hello Ada.", "Who am I?"]


async def test_the_transcript_gives_turns_in_order(house: House):
    thread = await new_thread(house)
    for word in ("one", "two"):
        await house.ask(word, model=Script().says(word.upper()), thread_id=thread.id)

    turns = await house.metier.chat.transcript(house.actor, thread.id)

    assert [[m.text for m in turn.messages] for turn in turns] == [["one", "ONE"], ["two", "TWO"]]
    assert [turn.run.turn for turn in turns] == [1, 2]


async def test_the_first_message_becomes_the_title(house: House):
    thread = await new_thread(house)

    await house.ask("Which companies\nare new?", model=Script().says("None."), thread_id=thread.id)

    assert [t.title for t in await house.metier.chat.threads(house.actor)] == ["Which companies are new?"]


async def test_threads_are_searched_literally(house: House):
    thread = await new_thread(house)
    await house.metier.chat.rename(house.actor, thread.id, "100% sure")

    assert len(await house.metier.chat.threads(house.actor, q="0% s")) == 1
    assert await house.metier.chat.threads(house.actor, q="100_ sure") == []


async def test_a_deleted_thread_is_gone(house: House):
    thread = await new_thread(house)
    await house.metier.chat.delete(house.actor, thread.id)

    with pytest.raises(NotFound):
        await house.metier.chat.thread(house.actor, thread.id)


async def test_an_unknown_thread_is_unknown(house: House):
    with pytest.raises(NotFound):
        await house.metier.chat.thread(house.actor, uuid4())


@pytest.mark.parametrize(
    ("text", "title"),
    [("short", "short"), ("x" * 80, "x" * 59 + "…"), ("word " * 20, ("word " * 11).strip() + "…")],
)
def test_titles_are_cut_at_words(text: str, title: str):
    assert shorten(text) == title
