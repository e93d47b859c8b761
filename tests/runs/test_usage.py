"""Usage is what the ledger says, to the unit, cut by the workspace's days, and nobody else's without the flag."""

from datetime import date

import pytest

from metier.errors import Invalid
from metier.runs import By, Report
from metier.testing import House, Script


async def spend(house: House, **more) -> None:
    events = await house.ask("Well?", model=Script().says("Hello you"), **more)
    assert events.status == "succeeded"


def told(report: Report) -> dict[str, tuple[int, int, int]]:
    return {row.label: (row.calls, row.tokens, row.cost_micros) for row in report.rows if row.calls}


async def test_without_the_flag_one_sees_oneself_whatever_one_asks_for(house: House) -> None:
    bo = await house.member(name="Bo", flags=["AI"])
    await spend(house)
    await spend(house, actor=bo)
    usage = house.metier.usage

    own = await usage.report(bo, by=By.MEMBER)
    foreign = await usage.report(bo, by=By.MEMBER, member=str(house.actor.principal.id))

    assert (own.everybody, told(own)) == (False, {"Bo": (1, 12, 14)})
    assert told(foreign) == {}
    for flag in ("BILLING", "AI_SETTINGS"):
        seer = await house.member(flags=[flag])
        assert told(await usage.report(seer, by=By.MEMBER)) == {"Admin": (1, 12, 14), "Bo": (1, 12, 14)}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (By.MODEL, {"scripted/model": (3, 36, 42)}),
        (By.AGENT, {"crm-assistant": (3, 36, 42)}),
        (By.MEMBER, {"Admin": (2, 24, 28), "Bo": (1, 12, 14)}),
        (By.DAY, {"2026-11-21": (2, 24, 28), "2026-11-22": (1, 12, 14)}),
    ],
)
async def test_usage_is_what_the_ledger_says(house: House, by: By, expected: dict) -> None:
    await house.metier.access.set_time_zone(house.actor, "Europe/Berlin")
    clock = house.metier.clock
    await spend(house)
    await spend(house, actor=await house.member(name="Bo", flags=["AI"]))
    clock.set("2026-11-21T23:00:00+00:00")  # type: ignore[attr-defined]
    await spend(house)

    report = await house.metier.usage.report(house.actor, by=by)

    assert told(report) == expected
    ledger = await house.metier.db.row(
        "select count(*)::int as calls, sum(input_tokens)::int as i, sum(output_tokens)::int as o,"
        " sum(cost_micros)::int as c from core.model_call"
    )
    assert ledger == {
        "calls": report.total.calls,
        "i": report.total.input_tokens,
        "o": report.total.output_tokens,
        "c": report.total.cost_micros,
    }


async def test_every_day_of_the_span_is_there_and_filters_hold(house: House) -> None:
    await spend(house)
    usage = house.metier.usage

    days = await usage.report(house.actor, since=date(2026, 11, 20), until=date(2026, 11, 22))

    assert [(row.key, row.calls) for row in days.rows] == [("2026-11-20", 0), ("2026-11-21", 1), ("2026-11-22", 0)]
    assert (await usage.report(house.actor, model="openai/gpt-4.1")).total.calls == 0
    assert (await usage.report(house.actor, agent="CRM_Assistant")).total.calls == 1
    assert (await usage.report(house.actor, until=date(2026, 11, 20))).total.calls == 0


@pytest.mark.parametrize(
    ("since", "until"),
    [(date(2026, 2, 2), date(2026, 2, 1)), (date(2025, 1, 1), date(2026, 1, 2)), (date.max, date.max)],
)
async def test_a_span_that_is_none_is_refused(house: House, since: date, until: date) -> None:
    with pytest.raises(Invalid, match="until"):
        await house.metier.usage.report(house.actor, since=since, until=until)
