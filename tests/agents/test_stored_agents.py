"""Agents that a workspace has stored: published at run time, there at once everywhere, and never more than who asks."""

import asyncio
from typing import Any

import pytest

from metier.agents import AGENT
from metier.agents.form import LIMIT_KEYS, read_agent
from metier.app import Metier
from metier.definitions import Source
from metier.errors import (
    AlreadyExists,
    BadManifest,
    Conflict,
    Invalid,
    MetierError,
    MissingPermission,
    NoModel,
    NotFound,
)
from metier.testing import FrozenClock, House, Script

SCOUT: dict[str, Any] = {"name": "scout", "prompt": "You find companies.", "toolsets": ["records"]}


async def publish(house: House, body: dict[str, Any] = SCOUT, **more: Any) -> Any:
    actor = more.pop("actor", house.actor)
    return await house.metier.definitions.publish(actor, AGENT, body, **more)


async def test_without_the_flag_agents_are_neither_seen_as_definitions_nor_made(house: House):
    await publish(house)
    guest = await house.member(flags=["AI", "ROLES"])
    definitions = house.metier.definitions

    for attempt in (
        publish(house, SCOUT | {"prompt": "You tell all."}, actor=guest),
        definitions.history(guest, AGENT, "scout"),
        definitions.rollback(guest, AGENT, "scout", 1),
        definitions.archive(guest, AGENT, "scout"),
        definitions.save_draft(guest, AGENT, SCOUT),
    ):
        with pytest.raises(MissingPermission):
            await attempt


async def test_a_stored_agent_sees_what_its_role_and_the_asker_both_may(sample_house: House):
    """S-02, and S-05: a narrower role holds from the next step on."""
    house = sample_house
    await house.metier.access.create_role(house.actor, name="people-only", objects={"person": ["read"]}, flags=["AI"])
    await publish(house, SCOUT | {"role": "People_Only"})
    asker = await house.member(flags=["AI"], objects={"person": ["read"], "company": ["read"]})

    def script() -> Script:
        return Script().calls("find_companies", limit=1).calls("find_people", limit=1).then_says("Done.")

    admins = await house.ask("Who?", agent="scout", model=script())
    theirs = await house.ask("Who?", agent="scout", model=script(), actor=asker)
    blind = await house.member(flags=["AI"], objects={"company": ["read"]})
    nobodys = await house.ask("Who?", agent="scout", model=script(), actor=blind)

    assert [told.data["success"] for told in admins.all("tool_result")] == [False, True]
    assert [told.data["success"] for told in theirs.all("tool_result")] == [False, True]
    assert [told.data["success"] for told in nobodys.all("tool_result")] == [False, False]


async def test_a_role_that_loses_ai_keeps_its_agent_from_asking(house: House):
    await house.metier.access.create_role(house.actor, name="quiet", all_objects=["read"])
    await publish(house, SCOUT | {"role": "quiet"})

    events = await house.ask("Who?", agent="scout", model=Script().says("Me."))

    assert (events.status, events.stop_reason) == ("failed", "forbidden")


async def test_an_agent_is_there_at_once_on_every_process_and_gone_at_once(house: House, database_url: str):
    async with Metier.open(house.metier.settings, clock=house.metier.clock, takes_over=False) as elsewhere:
        workspace = house.actor.workspace_id
        with pytest.raises(NotFound):
            await elsewhere.agents.get(workspace, "scout")

        await publish(house)
        assert (await elsewhere.agents.get(workspace, "Scout")).prompt == "You find companies."
        await publish(house, SCOUT | {"prompt": "You find people."})
        assert (await elsewhere.agents.get(workspace, "scout")).prompt == "You find people."
        await house.metier.definitions.archive(house.actor, AGENT, "scout")
        assert await elsewhere.agents.find(workspace, "scout") is None
        await house.metier.definitions.restore(house.actor, AGENT, "scout")
        assert "scout" in await elsewhere.agents.names(workspace)


async def test_agents_of_another_workspace_are_unknown(house: House):
    await publish(house)
    other = await house.metier.access.create_workspace("Other")

    assert await house.metier.agents.find(other, "scout") is None
    assert await house.metier.agents.names(other) == ["crm-assistant"]


async def test_an_archived_agent_takes_no_further_step(house: House):
    """What its process knows of it does not count (S-05)."""
    await publish(house)
    thread = await house.metier.chat.create_thread(house.actor, agent="scout", model="scripted/model")
    await house.metier.definitions.archive(house.actor, AGENT, "scout")

    with pytest.raises(NotFound):
        await house.metier.agents.refresh(house.actor.through("scout", None))
    with pytest.raises(NotFound):
        await house.metier.chat.send(house.actor, thread.id, "Who?")


async def test_a_run_keeps_the_agent_it_began_with(house: House, clock: FrozenClock):
    await publish(house, SCOUT | {"prompt": "First."})
    moment = house.metier.clock.now()
    clock.forward(5)
    await publish(house, SCOUT | {"prompt": "Second."})

    workspace = house.actor.workspace_id
    assert (await house.metier.agents.as_of(workspace, "scout", moment)).prompt == "First."
    assert (await house.metier.agents.as_of(workspace, "scout", house.metier.clock.now())).prompt == "Second."


async def test_a_role_that_an_agent_has_stays(house: House):
    access = house.metier.access
    await access.create_role(house.actor, name="reader", all_objects=["read"], flags=["AI"])
    await publish(house, SCOUT | {"role": "reader"})

    with pytest.raises(Conflict, match="held by the agents scout"):
        await access.delete_role(house.actor, "reader")
    with pytest.raises(Conflict, match="not for agents"):
        await access.update_role(house.actor, "reader", can_be_assigned_to=["users"])
    await house.metier.definitions.archive(house.actor, AGENT, "scout")
    await access.delete_role(house.actor, "reader")
    with pytest.raises(Invalid):
        await house.metier.definitions.restore(house.actor, AGENT, "scout")


async def test_what_does_not_fit_the_workspace_is_refused(house: House):
    refused: list[tuple[dict[str, Any], type[MetierError], str]] = [
        ({"role": "reeder"}, Invalid, "role"),
        ({"role": "admin"}, Conflict, "not for agents"),
        ({"toolsets": ["record"]}, Invalid, "toolsets.0"),
        ({"model": "openai/none"}, NoModel, "model"),
        ({"name": "crm_assistant"}, AlreadyExists, "crm-assistant"),
    ]

    for slip, kind, words in refused:
        with pytest.raises(kind) as wrong:
            await publish(house, SCOUT | slip)
        assert words in str(wrong.value), slip
    assert await house.metier.agents.names(house.actor.workspace_id) == ["crm-assistant"]


async def test_two_who_publish_at_once_make_two_versions_or_one_is_told(house: House):
    bodies = [SCOUT | {"prompt": f"You find {what}."} for what in ("companies", "people")]

    done = await asyncio.gather(*(publish(house, body, expected=0) for body in bodies), return_exceptions=True)

    assert sorted(type(one).__name__ for one in done) == ["AlreadyExists", "Definition"]


@pytest.mark.parametrize(
    ("slip", "place"),
    [
        ({"name": "Find It"}, "name"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"label": "two\nlines"}, "label"),
        ({"toolsets": "records"}, "toolsets"),
        ({"toolsets": ["records", "records"]}, "toolsets.1"),
        ({"limits": {"max_steps": 0}}, "limits.max_steps"),
        ({"limits": {"max_steps": True}}, "limits.max_steps"),
        ({"limits": {"max_tokens": 1.5}}, "limits.max_tokens"),
        ({"limits": {"steps": 1}}, "limits.steps"),
        ({"limits": []}, "limits"),
        ({"confirm": "alway"}, "confirm"),
        ({"confirm": ["always"]}, "confirm"),
        ({"tools": ["find_companies"]}, "tools"),
        ({"universal_identifier": "x"}, "universal_identifier"),
        ({"universal_identifier": 0}, "universal_identifier"),
        ({"universal_identifier": []}, "universal_identifier"),
        ({"model": " "}, "model"),
    ],
)
def test_a_slip_in_the_form_is_told_at_its_place(slip: dict[str, Any], place: str):
    with pytest.raises(Invalid) as wrong:
        read_agent(SCOUT | slip)

    assert [problem.path for problem in wrong.value.problems] == [place]


def test_the_same_meaning_is_the_same_body():
    plain = read_agent(SCOUT)

    assert read_agent(SCOUT | {"name": "SCOUT".lower(), "label": "Scout", "limits": {}, "role": None}) == plain
    assert plain == {"name": "scout", "label": "Scout", "prompt": "You find companies.",
        "model": "default-smart-model", "toolsets": ["records"]}  # fmt: skip
    assert read_agent(plain) == plain
    assert set(LIMIT_KEYS) == {"max_steps", "max_seconds", "max_tokens", "max_same_call"}


async def test_a_slip_in_a_file_is_told_at_its_line(house: House):
    text = 'name = "scout"\nprompt = "You find."\nrole = "reeder"\n'

    with pytest.raises(BadManifest) as wrong:
        await house.metier.definitions.publish(house.actor, AGENT, Source.named("agents/scout.toml", text.encode()))

    assert [problem.path for problem in wrong.value.problems] == ["agents/scout.toml:3:1"]
