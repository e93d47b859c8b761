"""A message that is sent again with its key is sent once (S-51)."""

import asyncio
from uuid import UUID

import pytest

from metier.actor import Actor
from metier.agents import AGENT
from metier.app import Metier
from metier.errors import Conflict, Invalid, KeyReused, MissingPermission, NotFound
from metier.records.effects import KEY_LASTS_S
from metier.store.database import CONNECTIONS_MAX
from metier.testing import FrozenClock, House, Script, ScriptedModel


def hello() -> Script:
    return Script().says("Hello.")


async def thread(house: House, actor: Actor | None = None) -> UUID:
    return (await house.metier.chat.create_thread(actor or house.actor, model="scripted/model")).id


async def turns(house: House, thread_id: UUID) -> int:
    return len(await house.metier.chat.transcript(house.actor, thread_id))


async def test_who_may_not_send_uses_no_key(house: House):
    mine, member = await thread(house), await house.member(flags=[])

    with pytest.raises(MissingPermission):
        await house.metier.chat.send(member, mine, "Hi", key="k")
    with pytest.raises(NotFound):
        await house.metier.chat.send(await house.member(flags=["AI"]), mine, "Hi", key="k")
    with pytest.raises(Invalid):
        await house.metier.chat.send(house.actor, mine, " ", key="k")

    assert await house.metier.db.value("select count(*) from core.effect where key = 'k'") == 0


async def test_a_repetition_gets_the_first_run_while_it_works_and_when_it_has_ended(house: House):
    house.model.script = Script().then_hangs()
    mine = await thread(house)

    first = await house.metier.chat.send(house.actor, mine, "Hi", key="k")
    at_work = await house.metier.chat.send(house.actor, mine, "Hi", key="k")
    house.model.script.go_on()
    await house.events(first.id)
    ended = await house.metier.chat.send(house.actor, mine, "Hi", key="k")

    assert first.id == at_work.id == ended.id
    assert await turns(house, mine) == 1


async def test_another_text_or_conversation_is_refused(house: House):
    house.model.script = hello()
    mine, other = await thread(house), await thread(house)
    run = await house.metier.chat.send(house.actor, mine, "Hi", key="k")
    await house.events(run.id)

    for thread_id, text in ((mine, "Bye"), (other, "Hi")):
        with pytest.raises(KeyReused, match="another request"):
            await house.metier.chat.send(house.actor, thread_id, text, key="k")
    assert (await turns(house, mine), await turns(house, other)) == (1, 0)


async def test_many_at_once_send_one(house: House):
    house.model.script = hello()
    mine = await thread(house)

    sent = await asyncio.gather(*(house.metier.chat.send(house.actor, mine, "Hi", key="k") for _ in range(8)))
    await house.events(sent[0].id)

    assert len({run.id for run in sent}) == 1
    assert await turns(house, mine) == 1


async def test_more_at_once_than_there_are_connections_send_one_to_an_agent_that_is_looked_up(house: House):
    house.model.script = hello()
    await house.metier.definitions.publish(house.actor, AGENT, {"name": "scout", "prompt": "Hi.", "role": "member"})
    mine = (await house.metier.chat.create_thread(house.actor, agent="scout", model="scripted/model")).id

    many = range(CONNECTIONS_MAX + 5)
    sent = await asyncio.gather(*(house.metier.chat.send(house.actor, mine, "Hi", key="k") for _ in many))
    await house.events(sent[0].id)

    assert len({run.id for run in sent}) == 1
    assert await turns(house, mine) == 1


async def test_two_processes_at_once_send_one(house: House):
    house.model.script = hello()
    mine, beside = await thread(house), ScriptedModel()
    beside.script = hello()
    async with Metier.open(house.metier.settings, clock=house.metier.clock, providers=[beside]) as other:
        asked = [one.chat.send(house.actor, mine, "Hi", key="k") for one in (house.metier, other) * 4]
        sent = await asyncio.gather(*asked)
        await house.events(sent[0].id)

    assert len({run.id for run in sent}) == 1
    assert await turns(house, mine) == 1


async def test_one_that_was_refused_meanwhile_is_sent_later(house: House):
    house.model.script = Script().then_hangs()
    mine = await thread(house)
    first = await house.metier.chat.send(house.actor, mine, "One")
    with pytest.raises(Conflict, match="still answering"):
        await house.metier.chat.send(house.actor, mine, "Two", key="k")
    house.model.script.go_on()
    await house.events(first.id)

    house.model.script = hello()
    second = await house.metier.chat.send(house.actor, mine, "Two", key="k")
    await house.events(second.id)

    assert await turns(house, mine) == 2


async def test_a_day_later_the_key_is_free(house: House, clock: FrozenClock):
    house.model.script = hello()
    mine = await thread(house)
    first = await house.metier.chat.send(house.actor, mine, "Hi", key="k")
    await house.events(first.id)

    clock.forward(KEY_LASTS_S)
    second = await house.metier.chat.send(house.actor, mine, "Hi", key="k")
    await house.events(second.id)

    assert second.id != first.id
