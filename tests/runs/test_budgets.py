"""Setting budgets and seeing how they stand: who may, what is refused, and that the numbers are the ledger's."""

from dataclasses import replace

import pytest

from metier.actor import Actor
from metier.errors import Invalid, MissingPermission, NotFound
from metier.runs import Budgets, Period, Scope
from metier.testing import House, Script


@pytest.fixture
def budgets(house: House) -> Budgets:
    return house.metier.budgets


async def spend(house: House, actor: Actor | None = None) -> None:
    """Ask once: 10 tokens in, 2 out; 14 micro-dollars."""
    events = await house.ask("Well?", model=Script().says("Hello you"), actor=actor)
    assert events.status == "succeeded"


async def test_who_holds_neither_flag_sets_and_removes_nothing(house: House, budgets: Budgets) -> None:
    member = await house.member(flags=["AI"])
    budget = await budgets.set(house.actor, scope=Scope.WORKSPACE, period=Period.DAY, tokens=5)

    with pytest.raises(MissingPermission, match="BILLING or AI_SETTINGS"):
        await budgets.set(member, scope=Scope.WORKSPACE, period=Period.DAY, tokens=10**9)
    with pytest.raises(MissingPermission, match="BILLING or AI_SETTINGS"):
        await budgets.remove(member, budget.id)

    assert [one.budget.tokens for one in await budgets.list(house.actor)] == [5]


async def test_a_run_that_meets_its_budget_stops_keeps_what_it_said_and_says_why(
    house: House, budgets: Budgets
) -> None:
    await budgets.set(house.actor, scope=Scope.WORKSPACE, period=Period.MONTH, tokens=11)
    script = Script().calls("find_companies", limit=1).then_says("Never said.")

    events = await house.ask("Which?", model=script)

    assert (events.status, events.stop_reason) == ("failed", "budget")
    assert events.last("error").data["message"] == (
        "The budget of this workspace in November 2026 is used up: 11 tokens of 11 tokens used."
        " It begins anew on 1 December 2026, 00:00 (UTC)."
    )
    assert len(script.asked) == 1
    assert events.kinds() == ["tool_call", "tool_result", "error", "complete"]


async def test_what_was_said_before_the_budget_was_met_is_the_answer(house: House, budgets: Budgets) -> None:
    await budgets.set(house.actor, scope=Scope.WORKSPACE, period=Period.MONTH, tokens=11)
    script = Script().says_and_calls("One moment.", "find_companies", limit=1).then_says("Never said.")

    events = await house.ask("Which?", model=script)

    assert events.last("complete").data["output"] == "One moment."


async def test_the_offline_planner_answers_without_a_budget_left(house: House, budgets: Budgets) -> None:
    await budgets.set(house.actor, scope=Scope.WORKSPACE, period=Period.MONTH, tokens=0)

    assert (await house.ask("Find all companies")).status == "succeeded"


async def test_a_budget_is_set_in_place_of_one_for_the_same(house: House, budgets: Budgets) -> None:
    first = await budgets.set(house.actor, scope=Scope.AGENT, subject="CRM_Assistant", period=Period.DAY, tokens=5)
    second = await budgets.set(
        house.actor, scope=Scope.AGENT, subject="crm-assistant", period=Period.DAY, cost_micros=7, hard=False
    )

    assert second == replace(first, tokens=None, cost_micros=7, hard=False)
    await budgets.remove(house.actor, first.id)
    assert await budgets.list(house.actor) == []


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({}, "tokens"),
        ({"tokens": -1}, "tokens"),
        ({"cost_micros": 10**18}, "cost_micros"),
        ({"tokens": 5, "warn_percent": 0}, "warn_percent"),
        ({"tokens": 5, "subject": "Ada"}, "subject"),
    ],
)
async def test_a_budget_that_makes_no_sense_is_refused_by_name(
    house: House, budgets: Budgets, wanted: dict, path: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await budgets.set(house.actor, scope=Scope.WORKSPACE, period=Period.DAY, **wanted)

    assert caught.value.problems[0].path == path


async def test_a_subject_is_found_by_what_people_call_it(house: House, budgets: Budgets) -> None:
    member = await house.metier.access.create_member(house.actor.workspace_id, name="Ada", email="ada@example.com")
    key = await house.metier.access.create_key(house.actor, role="member", name="nightly import")
    wanted = [(Scope.MEMBER, "Ada@example.com"), (Scope.KEY, "Nightly Import"), (Scope.ROLE, "member")]

    made = [
        await budgets.set(house.actor, scope=scope, subject=name, period=Period.DAY, tokens=5) for scope, name in wanted
    ]

    assert [one.title for one in made] == ["Ada, a day", "nightly import, a day", "Each Member, a day"]
    assert [one.subject for one in made[:2]] == [str(member), str(key.id)]
    assert (
        await budgets.set(house.actor, scope=Scope.KEY, subject=str(key.id), period=Period.DAY, tokens=6)
    ).id == made[1].id


@pytest.mark.parametrize(
    ("scope", "subject"), [(Scope.MEMBER, "nobody@example.com"), (Scope.ROLE, "*"), (Scope.AGENT, "crm-assistent")]
)
async def test_a_subject_that_there_is_not_is_refused(
    house: House, budgets: Budgets, scope: Scope, subject: str
) -> None:
    with pytest.raises(NotFound):
        await budgets.set(house.actor, scope=scope, subject=subject, period=Period.DAY, tokens=5)


async def test_how_budgets_stand_is_what_the_ledger_says(house: House, budgets: Budgets) -> None:
    """Also for one that was set after the fact, and for each of many."""
    bo, cy = await house.member(name="Bo", flags=["AI"]), await house.member(name="Cy", flags=["AI"])
    await spend(house, bo)
    await spend(house, bo)
    await budgets.set(house.actor, scope=Scope.WORKSPACE, period=Period.MONTH, cost_micros=60)
    await budgets.set(house.actor, scope=Scope.MEMBER, subject="*", period=Period.DAY, tokens=25)
    await spend(house, cy)

    month, first, second = await budgets.list(house.actor)
    assert (month.tokens, month.cost_micros, month.state) == (36, 42, "ok")
    assert [(one.holder, one.tokens, one.state) for one in (first, second)] == [("Bo", 24, "warn"), ("Cy", 12, "ok")]
    mine = await budgets.list(cy)
    assert [(one.budget.scope.value, one.holder, one.tokens) for one in mine] == [
        ("workspace", "", 36),
        ("member", "Cy", 12),
    ]


async def test_budgets_that_do_not_apply_are_not_shown_to_others(house: House, budgets: Budgets) -> None:
    bo = await house.member(name="Bo", flags=["AI"])
    for scope, subject in (
        (Scope.MEMBER, str(house.actor.principal.id)),
        (Scope.KEY, "*"),
        (Scope.ROLE, "admin"),
        (Scope.ROLE, bo.roles[0].name),
    ):
        await budgets.set(house.actor, scope=scope, subject=subject, period=Period.DAY, tokens=5)

    assert [one.budget.subject for one in await budgets.list(bo)] == [str(bo.roles[0].id)]
    assert len(await budgets.list(house.actor)) == 4


async def test_a_role_is_looked_up_for_every_call(house: House, budgets: Budgets) -> None:
    """S-05: who gets another role is held to that one's budget at the next call."""
    bo = await house.member(name="Bo", flags=["AI"])
    await budgets.set(house.actor, scope=Scope.ROLE, subject="member", period=Period.DAY, tokens=0)
    await spend(house, bo)

    await house.metier.access.set_role(house.actor, bo.principal.id, role="member")

    bo = await house.metier.access.refresh(bo)
    assert (await house.ask("Well?", model=Script().says("Hello"), actor=bo)).stop_reason == "budget"
