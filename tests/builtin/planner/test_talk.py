"""Whole turns: plan, tool calls, look-ups, answers, follow-ups, failures."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from metier.builtin.providers.offline import OfflinePlanner, providers
from metier.builtin.providers.offline.plan import plan_json
from metier.llm.messages import Message, PlanNote, Request, TextDelta, ToolCall, ToolResult, user
from metier.testing import FrozenClock
from tests.builtin.planner.workshop import OBJECTS, Talk, planned, teller, tools_for, understanding


def hit(kind: str, ident: str, label: str) -> dict[str, str]:
    return {"object": kind, "id": ident, "label": label}


def boat(ident: str, name: str, **more: Any) -> dict[str, Any]:
    body = {"id": ident, "name": name, "berths": 6, "boat_class": "cruiser", "insured": True}
    return body | {"created_at": "2026-11-20T23:30:00+00:00"} | more


WINDFALL = hit("boat", "b1", "Windfall")
MIRA = hit("sailor", "s1", "Mira Okafor")


def found(*records: dict[str, Any], total: int | None = None, **more: Any) -> dict[str, Any]:
    return {"object": "boat", "records": list(records), "total": len(records) if total is None else total, **more}


# models and shape ----------------------------------------------------------------------------------


def test_the_provider_offers_one_model_that_is_no_ai() -> None:
    (planner,) = providers(None, None, FrozenClock())

    (model,) = planner.models()
    assert (model.id, model.ai, model.label) == ("offline/planner", False, "Offline planner: rules, not AI")


async def test_a_question_becomes_a_plan_and_one_call() -> None:
    planner = OfflinePlanner(FrozenClock())
    request = Request("offline/planner", [user("boats with more than 4 berths")], tools=tools_for(OBJECTS))

    plan, call, end = [chunk async for chunk in planner.stream(request)]

    assert isinstance(plan, PlanNote)
    assert isinstance(call, ToolCall)
    assert (call.name, call.raw) == ("find_boats", '{"where":{"berths":{"gt":4}}}')
    assert plan.plan == {
        "object": "boat",
        "restatement": "Boats where berths > 4",
        "chips": [
            {"kind": "object", "label": "Boats", "value": "boat"},
            {"kind": "filter", "label": "Berths > 4", "path": "berths", "op": "gt", "value": 4},
        ],
        "call": {"name": "find_boats", "arguments": {"where": {"berths": {"gt": 4}}}},
        "unread": [],
        "confidence": 1.0,
    }
    assert end.reason == "tool_calls"  # type: ignore[union-attr]


async def test_a_plan_has_a_chip_for_each_part() -> None:
    talk = Talk(answers={"find_boats": found()})

    await talk.ask("names and lengths of cruisers created this week, sorted by length, highest first, first 5")

    kinds = [(chip["kind"], chip["label"]) for chip in talk.plans[0]["chips"]]
    assert kinds == [
        ("object", "Boats"),
        ("filter", "Class is Cruiser"),
        ("filter", "Created this week"),
        ("sort", "Sorted by length, highest first"),
        ("limit", "First 5"),
        ("select", "Showing name and length"),
    ]
    assert talk.calls == [
        (
            "find_boats",
            {
                "where": {"boat_class": {"eq": "cruiser"}, "created_at": {"within": "this_week"}},
                "sort": ["-length_m"],
                "limit": 5,
                "select": ["name", "length_m"],
            },
        )
    ]


# answers -------------------------------------------------------------------------------------------


async def test_rows_become_a_table_of_links_under_a_restatement_with_the_count() -> None:
    rows = [boat("b1", "Windfall"), boat("b2", "Otter", berths=None)]
    talk = Talk(answers={"find_boats": found(*rows)})

    said = await talk.ask("boats created in the last 7 days")

    assert said == (
        "**Boats created in the last 7 days: 2**\n\n"
        "| Name | Created | Class | Berths | Insured |\n"
        "| --- | --- | --- | ---: | --- |\n"
        "| [Windfall](/o/boat/b1) | 21 Nov 2026 00:30 | Cruiser | 6 | Yes |\n"
        "| [Otter](/o/boat/b2) | 21 Nov 2026 00:30 | Cruiser |  | Yes |\n"
    )


async def test_the_answer_streams_in_pieces() -> None:
    talk = Talk(answers={"find_boats": found(boat("b1", "Windfall"), boat("b2", "Otter"))})
    talk.messages.append(user("boats created in the last 7 days"))
    talk._keep(await talk.chunks())

    pieces = [chunk for chunk in await talk.chunks() if isinstance(chunk, TextDelta)]

    assert len(pieces) >= 5


async def test_a_cut_list_says_so() -> None:
    talk = Talk(answers={"find_boats": found(*[boat(f"b{i}", f"Boat {i}") for i in range(20)], total=43)})

    said = await talk.ask("insured boats")

    assert said.startswith("**Boats where insured is yes: 43**\n\nShowing 20 of 43.\n")


async def test_a_list_that_was_asked_to_be_short_is_not_called_cut() -> None:
    talk = Talk(answers={"find_boats": found(boat("b1", "Windfall"), total=43)})

    said = await talk.ask("the longest boat")

    assert "Showing" not in said


async def test_nothing_found_repeats_the_filter_and_does_not_say_that_none_exist() -> None:
    talk = Talk(answers={"find_boats": found(filter="Created in the last 7 days (14 Nov – 21 Nov)")})

    said = await talk.ask("boats created in the last 7 days")

    assert said == "No boats match: Created in the last 7 days (14 Nov – 21 Nov).\n"


@pytest.mark.parametrize(
    ("total", "capped", "expected"),
    [
        (12, False, "**12** boats match: insured is yes.\n"),
        (1, False, "**1** boat matches: insured is yes.\n"),
        (0, False, "**0** boats match: insured is yes.\n"),
        (10_000, True, "**More than 10,000** boats match: insured is yes.\n"),
    ],
)
async def test_a_count_is_one_sentence(total: int, capped: bool, expected: str) -> None:
    talk = Talk(answers={"find_boats": found(total=total, total_capped=capped)})

    assert await talk.ask("how many insured boats are there?") == expected
    assert talk.calls[0][1]["limit"] == 0


async def test_markdown_in_values_is_shown_not_obeyed() -> None:
    evil = "a|b [x](javascript:alert(1)) `c` *d* <img src=x>\n| e ![f](http://g)"
    talk = Talk(answers={"find_boats": found(boat("b1", evil, home_port=evil))})

    said = await talk.ask("insured boats")
    row = said.splitlines()[-1]

    assert len(said.splitlines()) == 5
    assert "](javascript" not in row.replace("\\]", "")
    assert row.count("|") - row.count("\\|") == 5 + 1
    assert "<img" not in row.replace("\\<", "")


async def test_values_are_formatted_for_people() -> None:
    trip = {
        "id": "t1",
        "title": "Round Fyn",
        "state": "under_way",
        "fee": {"amount_micros": 1_234_500_000, "currency_code": "EUR"},
        "departs_at": "2026-06-01T06:15:00+00:00",
        "boat": {"id": "b1", "label": "Windfall"},
        "leader": None,
    }
    talk = Talk(answers={"find_trips": {"object": "trip", "records": [trip], "total": 1}})

    said = await talk.ask("trips created today")

    assert "| [Round Fyn](/o/trip/t1) |  | Under way | 1 Jun 2026 08:15 | €1,234.50 | [Windfall](/o/boat/b1) |" in said


async def test_links_and_mails_are_safe() -> None:
    sailor = {
        "id": "s1",
        "name": {"first_name": "Mira", "last_name": "Okafor"},
        "emails": {"primary_email": "mira@example.org", "additional_emails": []},
        "homepage": {"primary_link_url": "https://www.example.org/a?b=1", "primary_link_label": ""},
    }
    bad = sailor | {"id": "s2", "homepage": {"primary_link_url": "javascript:alert(1)", "primary_link_label": "x"}}
    talk = Talk(answers={"find_sailors": {"object": "sailor", "records": [sailor, bad], "total": 2}})

    said = await talk.ask("name, e-mails and homepage of sailors")

    assert "[Mira Okafor](/o/sailor/s1) | mira@example.org | [example.org](https://www.example.org/a?b=1) |" in said
    assert "](javascript" not in said


async def test_fields_asked_for_are_the_columns() -> None:
    talk = Talk(answers={"find_boats": found(boat("b1", "Windfall", length_m=9.5))})

    said = await talk.ask("what are the lengths and berths of insured boats?")

    assert "| Name | Length | Berths | Insured |" in said
    assert "| 9.5 m | 6 | Yes |" in said


# look-ups ------------------------------------------------------------------------------------------


async def test_an_unknown_name_is_looked_up_first() -> None:
    talk = Talk(answers={"search_records": {"Windfall": [WINDFALL]}, "find_trips": {"records": [], "total": 0}})

    await talk.ask("trips on Windfall")

    assert talk.calls == [
        ("search_records", {"text": "Windfall"}),
        ("find_trips", {"where": {"boat": {"eq": "b1"}}}),
    ]
    assert talk.plans[0]["restatement"] == "Trips where boat is “Windfall”"


async def test_the_record_of_the_right_object_is_taken() -> None:
    both = [hit("trip", "t9", "Windfall"), WINDFALL]
    talk = Talk(answers={"search_records": {"Windfall": both}, "find_trips": {"records": [], "total": 0}})

    await talk.ask("trips of the boat Windfall")

    assert talk.calls[-1] == ("find_trips", {"where": {"boat": {"eq": "b1"}}})


async def test_several_records_of_a_name_are_asked_about() -> None:
    two = [hit("boat", "b1", "Windfall I"), hit("boat", "b2", "Windfall II")]
    talk = Talk(answers={"search_records": {"Windfall": two}})

    said = await talk.ask("trips on Windfall")

    assert [name for name, _ in talk.calls] == ["search_records"]
    assert "[Windfall I](/o/boat/b1)" in said
    assert "[Windfall II](/o/boat/b2)" in said
    assert said.startswith("Several records are called like “Windfall”. Which one do you mean?")


async def test_the_answer_to_that_question_is_understood() -> None:
    two = [hit("boat", "b1", "Windfall I"), hit("boat", "b2", "Windfall II")]
    talk = Talk(answers={"search_records": {"Windfall": two}, "find_trips": {"records": [], "total": 0}})
    await talk.ask("trips on Windfall")

    await talk.ask("trips on Windfall II")

    assert talk.calls[-1] == ("find_trips", {"where": {"boat": {"eq": "b2"}}})


async def test_an_exact_name_wins_over_longer_ones() -> None:
    two = [hit("boat", "b2", "Windfall II"), WINDFALL]
    talk = Talk(answers={"search_records": {"Windfall": two}, "find_trips": {"records": [], "total": 0}})

    await talk.ask("trips on Windfall")

    assert talk.calls[-1] == ("find_trips", {"where": {"boat": {"eq": "b1"}}})


async def test_a_name_of_no_record_is_told_and_nothing_is_searched() -> None:
    talk = Talk()

    said = await talk.ask("trips on Nautilus")

    assert talk.calls == [("search_records", {"text": "Nautilus"})]
    assert said.startswith("I found no record called “Nautilus”.")


async def test_a_record_nothing_points_to_is_told() -> None:
    trip = hit("trip", "t1", "Fyn")
    talk = Talk(answers={"search_records": {"Fyn": [trip]}})

    said = await talk.ask("members at Fyn")

    assert said.startswith("I found [Fyn](/o/trip/t1) (trip), but no field of members points to it.")


async def test_a_single_record_is_shown_by_name() -> None:
    talk = Talk(
        answers={
            "search_records": {"Windfall": [WINDFALL]},
            "find_one_boat": {"object": "boat", "record": boat("b1", "Windfall", home_port="Kiel")},
        }
    )

    said = await talk.ask("show Windfall")

    assert talk.calls[-1] == ("find_one_boat", {"id": "b1"})
    assert said.startswith("**Boat: [Windfall](/o/boat/b1)**\n\n- Class: Cruiser\n")
    assert "- Home port: Kiel\n" in said


async def test_one_field_of_one_record_is_answered() -> None:
    record = {"id": "s1", "name": {"first_name": "Mira", "last_name": "Okafor"}, "rank": "captain"}
    talk = Talk(
        answers={
            "search_records": {"Mira Okafor": [MIRA]},
            "find_one_sailor": {"object": "sailor", "record": record},
        }
    )

    said = await talk.ask("what rank is Mira Okafor?")

    assert said == "**Sailor: [Mira Okafor](/o/sailor/s1)**\n\n- Rank: Captain\n"


async def test_without_a_search_tool_nothing_is_looked_up_nor_guessed() -> None:
    talk = Talk()
    talk.tools = tools_for(OBJECTS, search=False)

    said = await talk.ask("trips on Windfall")

    assert talk.calls == []
    assert "Windfall" in said


async def test_a_search_that_fails_is_told_in_its_words() -> None:
    talk = Talk(failures={"search_records": "Too many searches. Try again in 5 s."})

    said = await talk.ask("trips on Windfall")

    assert said == "I could not search: Too many searches. Try again in 5 s.\n"


async def test_a_tool_that_fails_is_told_in_its_words() -> None:
    talk = Talk(failures={"find_boats": "Mo may not read boat."})

    assert await talk.ask("insured boats") == "I could not search: Mo may not read boat.\n"


async def test_a_malformed_history_is_survived() -> None:
    talk = Talk(answers={"find_boats": found()})
    broken = ToolCall("c1", "search_records", "{not json")
    talk.messages = [
        user("old"),
        Message("assistant", (broken,)),
        Message("tool", (ToolResult("c1", "search_records", {"success": True, "message": ""}),)),
        Message("tool", (ToolResult("c9", "nobody", {"success": True, "message": "", "result": None}),)),
    ]

    assert await talk.ask("insured boats") == "No boats match: insured is yes.\n"


# places --------------------------------------------------------------------------------------------


async def test_a_place_needs_no_look_up_where_the_object_has_one() -> None:
    talk = Talk(answers={"find_sailors": {"records": [], "total": 0}})

    await talk.ask("sailors in Kiel or Flensburg")

    assert talk.calls == [("find_sailors", {"where": {"town": {"in": ["Kiel", "Flensburg"]}}})]


async def test_a_place_written_small_is_found_in_any_case() -> None:
    talk = Talk(answers={"find_sailors": {"records": [], "total": 0}})

    await talk.ask("sailors in kiel")

    assert talk.calls == [("find_sailors", {"where": {"town": {"ilike": "kiel"}}})]


# me ------------------------------------------------------------------------------------------------


async def test_my_means_the_relation_to_the_member_who_asks() -> None:
    talk = Talk(answers={"find_sailors": {"records": [], "total": 0}})

    await talk.ask("my sailors")

    assert talk.calls == [("find_sailors", {"where": {"mentor": {"eq": "me"}}})]


async def test_my_is_not_dropped_where_nothing_points_to_a_member() -> None:
    talk = Talk()

    said = await talk.ask("my boats")

    assert talk.calls == []
    assert "*my*" in said


# follow-ups ----------------------------------------------------------------------------------------


FOLLOW_UPS = [
    (["boats over 4 berths", "only cruisers"], {"where": {"berths": {"gt": 4}, "boat_class": {"eq": "cruiser"}}}),
    (["boats with more than 4 berths", "only those with more than 6"], {"where": {"berths": {"gt": 6}}}),
    (["insured boats", "sort by length"], {"where": {"insured": {"eq": True}}, "sort": ["length_m"]}),
    (["insured boats", "how many?"], {"where": {"insured": {"eq": True}}, "limit": 0}),
    (["insured boats", "how many are there?"], {"where": {"insured": {"eq": True}}, "limit": 0}),
    (["how many insured boats are there?", "show them"], {"where": {"insured": {"eq": True}}}),
    (["how many cruisers are there?", "and catamarans?"], {"where": {"boat_class": {"eq": "catamaran"}}, "limit": 0}),
    (["cruisers", "what about dinghies?"], {"where": {"boat_class": {"eq": "dinghy"}}}),
    (["cruisers", "and insured?"], {"where": {"boat_class": {"eq": "cruiser"}, "insured": {"eq": True}}}),
    (["boats created last week", "now those created this month"], {"where": {"created_at": {"within": "this_month"}}}),
    (["cruisers", "top 3 by length"], {"where": {"boat_class": {"eq": "cruiser"}}, "sort": ["-length_m"], "limit": 3}),
    (["cruisers", "only the first 5"], {"where": {"boat_class": {"eq": "cruiser"}}, "limit": 5}),
    (["cruisers", "insured boats"], {"where": {"insured": {"eq": True}}}),
    (["cruisers", "only insured ones", "without a skipper"],
     {"where": {"boat_class": {"eq": "cruiser"}, "insured": {"eq": True}, "skipper": {"is": "null"}}}),
]  # fmt: skip


@pytest.mark.parametrize(("questions", "expected"), FOLLOW_UPS, ids=lambda value: str(value)[:60])
async def test_follow_ups_change_the_last_question(questions: list[str], expected: dict[str, Any]) -> None:
    talk = Talk(answers={"find_boats": found()})

    for question in questions:
        await talk.ask(question)

    assert talk.calls == [("find_boats", expected)]


async def test_a_follow_up_that_is_not_understood_is_not_answered_from_the_last_question() -> None:
    talk = Talk(answers={"find_boats": found()})
    await talk.ask("insured boats")

    said = await talk.ask("only the frumious ones")

    assert talk.calls == []
    assert "frumious" in said


async def test_another_object_starts_afresh() -> None:
    talk = Talk(answers={"find_boats": found(), "find_sailors": {"records": [], "total": 0}})
    await talk.ask("insured boats")

    await talk.ask("captains among the sailors")
    await talk.ask("sailors in Kiel")

    assert talk.calls == [("find_sailors", {"where": {"town": {"eq": "Kiel"}}})]


async def test_a_follow_up_keeps_the_record_found_before() -> None:
    talk = Talk(answers={"search_records": {"Windfall": [WINDFALL]}, "find_trips": {"records": [], "total": 0}})
    await talk.ask("trips on Windfall")

    await talk.ask("only finished ones")

    assert talk.calls == [("find_trips", {"where": {"boat": {"eq": "b1"}, "state": {"eq": "finished"}}})]


# the page in the reference ----------------------------------------------------------------------------


def test_the_plan_shown_in_the_reference_is_the_one_that_is_made() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/planner.md").read_text("utf-8")
    question = re.search(r"For `([^`]+)`:", page.replace("\n", " "))
    shown = re.search(r"```json\n(.+?)```", page, re.DOTALL)
    assert question
    assert shown
    school = understanding()

    answer = planned(question[1], school)
    plan = plan_json(
        answer.spec, teller("boat", school), call="find_boats", unread=answer.unread, confidence=answer.confidence
    )

    assert plan == json.loads(shown[1])
