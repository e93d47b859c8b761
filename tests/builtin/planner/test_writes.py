"""Sentences that ask for a change: which call they lead to, what is asked first, and what is never taken for one."""

from typing import Any

import pytest

from metier.builtin.providers.offline import OfflinePlanner
from metier.builtin.providers.offline.spec import Hit
from metier.records.shape import ObjectType
from metier.testing import FrozenClock
from tests.builtin.planner.workshop import BOAT, OBJECTS, Talk

WRITING = ("create_", "update_", "delete_", "restore_")
RECORDS = (
    Hit("boat", "b1", "Windfall"),
    Hit("boat", "b2", "Sea Breeze"),
    Hit("trip", "t1", "Windfall to Bornholm"),
    Hit("trip", "t2", "Night watch"),
    Hit("trip", "t3", "Night watch"),
    Hit("trip", "t4", "Harbour trip"),
    Hit("trip", "t5", "Harbour day"),
    Hit("sailor", "s1", "Mira Okafor"),
    Hit("sailor", "s2", "Jon Dahl"),
    Hit("member", "m1", "Ada Park"),
    Hit("member", "m2", "Bo Lund"),
    Hit("sailor", "s3", "Bo Lund"),
)
FOUND = {
    "find_boats": {"records": [{"id": "b1", "name": "Windfall"}, {"id": "b2", "name": "Sea Breeze"}], "total": 2},
    "find_trips": {"records": [{"id": "t1", "title": "Windfall to Bornholm"}], "total": 1},
}


PLANNER = OfflinePlanner(FrozenClock())  # it keeps nothing but the words of a workspace


def talk(**more: Any) -> Talk:
    spoken = Talk(records=RECORDS, writes=True, **{"answers": FOUND, **more})
    spoken.planner = PLANNER
    return spoken


def written(spoken: Talk) -> list[tuple[str, dict[str, Any]]]:
    return [call for call in spoken.calls if call[0].startswith(WRITING)]


CREATED: list[tuple[str, str, dict[str, Any]]] = [
    ("create boat Windrose", "boat", {"name": "Windrose"}),
    ("please create a new boat called Windrose", "boat", {"name": "Windrose"}),
    ("could you add the vessel Windrose?", "boat", {"name": "Windrose"}),
    ("new boat called Windrose", "boat", {"name": "Windrose"}),
    ("add Windrose as a boat", "boat", {"name": "Windrose"}),
    ("create boat Windrose with 6 berths", "boat", {"name": "Windrose", "berths": 6}),
    ('create a boat "Six berths" with 6 berths', "boat", {"name": "Six berths", "berths": 6}),
    (
        "create boat Windrose, class cruiser, 6 berths",
        "boat",
        {"name": "Windrose", "boat_class": "cruiser", "berths": 6},
    ),
    ("create boat Windrose with length 9.5 m", "boat", {"name": "Windrose", "length_m": 9.5}),
    ("add an insured boat: Windrose", "boat", {"insured": True, "name": "Windrose"}),
    ("add boat Windrose, not insured", "boat", {"name": "Windrose", "insured": False}),
    ("create boat Windrose launched 3 May 2020", "boat", {"name": "Windrose", "launched_on": "2020-05-03"}),
    ("create boat Windrose launched yesterday", "boat", {"name": "Windrose", "launched_on": "2026-11-20"}),
    ("create boat Windrose, home port is Kiel", "boat", {"name": "Windrose", "home_port": "Kiel"}),
    ('create boat Windrose, home port "Port of Kiel"', "boat", {"name": "Windrose", "home_port": "Port of Kiel"}),
    ("create boat Windrose with skipper Mira Okafor", "boat", {"name": "Windrose", "skipper": "s1"}),
    (
        "create boat Windrose with daily price €250",
        "boat",
        _ := {"name": "Windrose", "price": {"amount": 250, "currency_code": "EUR"}},
    ),
    ("create boat Windrose for 250 EUR", "boat", _),
    (
        "create boat Windrose, price 1.5k USD",
        "boat",
        {"name": "Windrose", "price": {"amount": 1500, "currency_code": "USD"}},
    ),
    (
        "add sailor Nia van Dyk in Kiel",
        "sailor",
        {"name": {"first_name": "Nia", "last_name": "van Dyk"}, "town": "Kiel"},
    ),
    ("add sailor Nia, mentor me", "sailor", {"name": {"first_name": "Nia", "last_name": ""}, "mentor": "m1"}),
    (
        "add sailor Nia Dyk, e-mail nia@dyk.example, homepage dyk.example, rank captain",
        "sailor",
        {
            "name": {"first_name": "Nia", "last_name": "Dyk"},
            "emails": "nia@dyk.example",
            "homepage": "dyk.example",
            "rank": "captain",
        },
    ),
    ("create trip Night watch on Friday", "trip", {"title": "Night watch", "departs_at": "2026-11-27T00:00:00+01:00"}),
    (
        "create trip Night watch with departure 3 May 2027 14:30",
        "trip",
        {"title": "Night watch", "departs_at": "2027-05-03T14:30:00+02:00"},
    ),
    (
        "create trip Night watch on 3 May 2027 at 17:00",
        "trip",
        _ := {"title": "Night watch", "departs_at": "2027-05-03T17:00:00+02:00"},
    ),
    ("create trip Night watch on 3 May 2027 5pm", "trip", _),
    ("create trip Night watch 3 May 2027 5:00 pm", "trip", _),
    (
        "create trip Noon watch tomorrow at 9:05",
        "trip",
        {"title": "Noon watch", "departs_at": "2026-11-22T09:05:00+01:00"},
    ),
    ("create trip Tea at 17:00", "trip", {"title": "Tea at 17:00"}),
    ("create trip Meeting with Ada", "trip", {"title": "Meeting with Ada"}),
    ("can you create a trip to see Mira?", "trip", {"title": "see Mira"}),
    ("create trip Talk about pricing", "trip", {"title": "Talk about pricing"}),
]


@pytest.mark.parametrize(("sentence", "kind", "values"), CREATED, ids=[one[0] for one in CREATED])
async def test_a_record_is_made_with_the_values_that_were_said(
    sentence: str, kind: str, values: dict[str, Any]
) -> None:
    spoken = talk()

    await spoken.ask(sentence)

    assert written(spoken) == [(f"create_{kind}", values)]


CHANGED: list[tuple[str, str, dict[str, Any]]] = [
    ("set the class of Windfall to cruiser", "update_boat", {"id": "b1", "boat_class": "cruiser"}),
    ("set Windfall's class to cruiser", "update_boat", {"id": "b1", "boat_class": "cruiser"}),
    ("set Windfall class to cruiser", "update_boat", {"id": "b1", "boat_class": "cruiser"}),
    ("change the class of the boat Windfall to catamaran", "update_boat", {"id": "b1", "boat_class": "catamaran"}),
    ("mark Windfall as insured", "update_boat", {"id": "b1", "insured": True}),
    ("mark Windfall as not insured", "update_boat", {"id": "b1", "insured": False}),
    ("set insured of Windfall to no", "update_boat", {"id": "b1", "insured": False}),
    ("update Windfall: 7 berths, home port Kiel", "update_boat", {"id": "b1", "berths": 7, "home_port": "Kiel"}),
    ("update Windfall with 7 berths", "update_boat", {"id": "b1", "berths": 7}),
    (
        "set berths of Windfall to 7 and home port to Kiel",
        "update_boat",
        {"id": "b1", "berths": 7, "home_port": "Kiel"},
    ),
    (
        "set the home port of Windfall to Frankfurt am Main",
        "update_boat",
        {"id": "b1", "home_port": "Frankfurt am Main"},
    ),
    ("rename Windfall to Windfall II", "update_boat", {"id": "b1", "name": "Windfall II"}),
    (
        "rename the sailor Jon Dahl to Jon van Dahl",
        "update_sailor",
        {"id": "s2", "name": {"first_name": "Jon", "last_name": "van Dahl"}},
    ),
    ("set the skipper of Windfall to Jon Dahl", "update_boat", {"id": "b1", "skipper": "s2"}),
    ("assign the sailor Jon Dahl to me", "update_sailor", {"id": "s2", "mentor": "m1"}),
    ("clear the home port of Windfall", "update_boat", {"id": "b1", "home_port": None}),
    ("remove the skipper of Windfall", "update_boat", {"id": "b1", "skipper": None}),
    ("set the skipper of Windfall to nobody", "update_boat", {"id": "b1", "skipper": None}),
    (
        "set the daily price of Windfall to $99",
        "update_boat",
        {"id": "b1", "price": {"amount": 99, "currency_code": "USD"}},
    ),
    ("set the state of Windfall to Bornholm to finished", "update_trip", {"id": "t1", "state": "finished"}),
    ("mark Windfall to Bornholm as finished", "update_trip", {"id": "t1", "state": "finished"}),
    ("mark Windfall to Bornholm finished", "update_trip", {"id": "t1", "state": "finished"}),
    (
        "set the departure of Harbour day to tomorrow at noon",
        "update_trip",
        {"id": "t5", "departs_at": "2026-11-22T12:00:00+01:00"},
    ),
    ("set the class cruiser for Windfall", "update_boat", {"id": "b1", "boat_class": "cruiser"}),
    ("set class = cruiser for Windfall", "update_boat", {"id": "b1", "boat_class": "cruiser"}),
    ("close the Harbour day trip as under way", "update_trip", {"id": "t5", "state": "under_way"}),
    ("delete the oldest trip", "delete_trip", {"id": "t1"}),
    ("close Harbour day as under way", "update_trip", {"id": "t5", "state": "under_way"}),
    ("finish the trip Windfall to Bornholm", "update_trip", {"id": "t1", "state": "finished"}),
    (
        "set the departure of Windfall to Bornholm to tomorrow",
        "update_trip",
        {"id": "t1", "departs_at": "2026-11-22T00:00:00+01:00"},
    ),
    ("delete the boat Windfall", "delete_boat", {"id": "b1"}),
    ("Delete the boat Windfall. Thanks!", "delete_boat", {"id": "b1"}),
    ("delete Sea Breeze", "delete_boat", {"id": "b2"}),
    ("delete Harbour trip", "delete_trip", {"id": "t4"}),
    ("remove the Windfall boat", "delete_boat", {"id": "b1"}),
    ("delete boat 01890a5d-ac96-774b-bcce-b302099a8057", "delete_boat", {"id": "01890a5d-ac96-774b-bcce-b302099a8057"}),
    ("restore the boat Windfall", "restore_boat", {"id": "b1"}),
    ("bring back the trip Windfall to Bornholm", "restore_trip", {"id": "t1"}),
    (
        "set the class of all boats with more than 4 berths to cruiser",
        "update_boat",
        {"id": ["b1", "b2"], "boat_class": "cruiser"},
    ),
    ("mark all boats in Kiel as insured", "update_boat", {"id": ["b1", "b2"], "insured": True}),
    ("close all trips", "update_trip", {"id": "t1", "state": "finished"}),
    ("close open trips with departure before last week", "update_trip", {"id": "t1", "state": "finished"}),
    ("delete boats without a skipper", "delete_boat", {"id": ["b1", "b2"]}),
    ("delete every uninsured boat", "delete_boat", {"id": ["b1", "b2"]}),
    ("delete the trip with departure tomorrow", "delete_trip", {"id": "t1"}),
]


@pytest.mark.parametrize(("sentence", "tool", "arguments"), CHANGED, ids=[one[0] for one in CHANGED])
async def test_records_are_changed_as_was_said(sentence: str, tool: str, arguments: dict[str, Any]) -> None:
    spoken = talk()

    await spoken.ask(sentence)

    assert written(spoken) == [(tool, arguments)]


@pytest.mark.parametrize("sentence", [*(one[0] for one in CREATED), *(one[0] for one in CHANGED)])
async def test_what_is_planned_reads_back_as_the_same(sentence: str) -> None:
    spoken, again = talk(), talk()
    await spoken.ask(sentence)
    (plan,) = spoken.plans

    await again.ask("; ".join(chip["label"] for chip in plan["chips"]))

    assert plan["restatement"] == "; ".join(chip["label"] for chip in plan["chips"])
    assert plan["call"] == {"name": written(spoken)[0][0], "arguments": written(spoken)[0][1]}
    assert [one["call"] for one in again.plans] == [plan["call"]]


@pytest.mark.parametrize(
    "sentence",
    [
        "find boats created last week",
        "which boats were deleted",
        "list deleted boats",
        "boats changed yesterday",
        "boats added this week",
        "who created Windfall?",
        "when was Windfall updated?",
        "show updated boats",
        "new boats",
        "finished trips",
        "trips that are finished",
        "closed trips",
        "open trips",
        "how many trips were finished last week?",
        "set of boats",
        "class of Windfall",
        "did Ada delete the boat Windfall?",
        "do not delete Windfall",
        "never delete Windfall",
        "don't create a boat",
        "how do I delete a boat?",
        "should I delete Windfall?",
        "can I delete Windfall?",
        "may I rename the boat Windfall?",
        "why was Windfall renamed?",
        "what happens if I delete Windfall?",
        "boats to be deleted",
        "boats with no skipper to assign",
        "names of boats",
        "move",
        "delete",
        "create",
        "set to cruiser",
        "update Windfall",
        "set the class of Windfall",
        "rename Windfall",
        "the trip was deleted",
        "I deleted the boat Windfall",
        "Mira wants to sell the boat Windfall",
        "undo that",
        "delete the boat Windfall and create a boat Windrose. And then rename it!",
        "create boat Windrose and delete Windfall",
        "create boat Windrose. Then rename it to Wind",
        "delete Sea Breeze, then delete Windfall",
    ],
)
async def test_what_asks_for_no_change_or_for_none_that_is_understood_writes_nothing(sentence: str) -> None:
    spoken = talk()

    said = await spoken.ask(sentence)

    assert written(spoken) == []
    assert said


REFUSED = [
    ("set the class of Windfall to submarine", "Class has no option *submarine*", "Dinghy, Cruiser or Catamaran"),
    ("create boat Windrose, class submarine", "Class has no option *submarine*", "Dinghy, Cruiser or Catamaran"),
    ("set the berths of Windfall to many", "Berths cannot be *many*", "a number such as 50"),
    ("set insured of Windfall to perhaps", "Insured cannot be *perhaps*", "yes or no"),
    ("set the departure of the trip Night watch to next week", "Departure takes one day or time", "such as tomorrow"),
    ("set the flags of Windfall to 3", "No field is called *flags*", ""),
    ("set the flags of the boat Windfall to 3", "Boats have no field *flags*", "Home port"),
    ("set the class of Nobody to cruiser", "I found no boat called “Nobody”", "another name"),
    ("delete the trip Nobody", "I found no trip called “Nobody”", ""),
    ("set the state of Windfall to finished", "I found no trip called “Windfall”", "[Windfall](/o/boat/b1) (boat)"),
    ("create boat Windrose with skipper Zed Quill", "I found no record called “Zed Quill”", "quotes"),
    ("create boat Windrose with 7 masts", "I did not understand *7 masts*", "Home port"),
    ("create a boat", "A boat needs a name", "create boat"),
    ("create a castle Windrose", "what kind of record", "boat, sailor or trip"),
    ("create boats Windrose and Sea Rose", "one boat at a time", ""),
    ("delete purple boats", "I did not understand *purple*", ""),
    ("set the class of Windfall to cruiser or dinghy", "which value Class is to have", "Dinghy"),
    ("delete them", "which records you mean", ""),
    ("restore Windfall", "what kind of record", ""),
    ("set the town of the mentor of Mira Okafor to Kiel", "", ""),
    ("delete the member Ada Park", "", ""),
    ("set all boats over 5 berths to urgent", "Berths cannot be *urgent*", ""),
    ("delete Wind", "I found no record called “Wind”", "[Windfall](/o/boat/b1) (boat)"),
]


@pytest.mark.parametrize(("sentence", "why", "cure"), REFUSED, ids=[one[0] for one in REFUSED])
async def test_what_stands_in_the_way_is_told_with_its_cure(sentence: str, why: str, cure: str) -> None:
    spoken = talk()

    said = await spoken.ask(sentence)

    assert written(spoken) == []
    assert said.startswith("Nothing was changed. ")
    assert why in said
    assert cure in said


# --- asking ----------------------------------------------------------------------------------------------------------


async def test_of_several_records_of_one_name_a_person_chooses() -> None:
    spoken = talk(answers={"ask_person": "Bo Lund (sailor)"})

    await spoken.ask("delete Bo Lund")

    question = "Several records are called like “Bo Lund”. Which one do you mean?"
    assert spoken.calls[0] == ("search_records", {"text": "Bo Lund"})
    assert written(spoken) == [("delete_sailor", {"id": "s3"})], question


async def test_those_that_no_name_tells_apart_are_told_with_their_ids() -> None:
    spoken = talk()

    said = await spoken.ask("delete the trip Night watch")

    assert written(spoken) == []
    assert "[Night watch](/o/trip/t2) (trip): t2" in said
    assert "Say its id instead of its name." in said


async def test_what_an_earlier_search_has_shown_is_looked_up_again() -> None:
    """It may have shown one of two, and a name is not changed by what the conversation remembers of it."""
    spoken = talk(
        answers={"search_records": {"Night watch to Rostock": [{"object": "trip", "id": "t2", "label": "Night watch"}]}}
    )
    await spoken.ask("show the trip Night watch to Rostock")

    said = await spoken.ask("delete the trip Night watch")

    assert spoken.calls == [("search_records", {"text": "Night watch"})]
    assert "Say its id instead of its name." in said


async def test_an_option_that_a_verb_leaves_open_is_asked_for() -> None:
    spoken = talk(answers={"ask_person": "Under way"})

    await spoken.ask("reopen the trip Windfall to Bornholm")

    asked = next(arguments for name, arguments in spoken.calls if name == "ask_person")
    assert asked == {"question": "Which state is meant by “reopen”?", "options": ["Planned", "Under way"]}
    assert written(spoken) == [("update_trip", {"id": "t1", "state": "under_way"})]


async def test_an_amount_without_a_currency_keeps_the_present_one() -> None:
    price = {"amount_micros": 90_000_000, "currency_code": "USD"}
    spoken = talk(answers={"find_boats": {"records": [{"id": "b1", "name": "Windfall", "price": price}], "total": 1}})

    await spoken.ask("set the daily price of Windfall to 99")

    assert spoken.calls[1] == ("find_boats", {"where": {"id": {"eq": "b1"}}, "select": ["name", "price"], "limit": 100})
    assert written(spoken) == [("update_boat", {"id": "b1", "price": {"amount": 99, "currency_code": "USD"}})]


async def test_more_than_one_call_may_write_is_refused_before_it_is_asked() -> None:
    rows = [{"id": f"b{i}", "name": f"Boat {i}"} for i in range(100)]
    spoken = talk(answers={"find_boats": {"records": rows, "total": 101}})

    said = await spoken.ask("delete all boats")

    assert written(spoken) == []
    assert "101 boats match; I change at most 100 at once." in said


async def test_of_more_than_may_be_written_not_even_the_first_are() -> None:
    rows = [{"id": f"b{i}", "name": f"Boat {i}"} for i in range(100)]
    spoken = talk(answers={"find_boats": {"records": rows, "total": 300}})

    await spoken.ask("delete the first 200 boats")
    assert written(spoken) == []
    await spoken.ask("delete the first 100 boats")
    assert len(written(spoken)[0][1]["id"]) == 100


async def test_a_filter_that_finds_nothing_writes_nothing() -> None:
    spoken = talk(answers={"find_boats": {"records": [], "total": 0}})

    assert "No boats match." in await spoken.ask("delete boats in Kiel")
    assert written(spoken) == []


async def test_them_are_the_records_that_were_asked_for_before() -> None:
    spoken = talk()
    await spoken.ask("trips that are under way")

    await spoken.ask("close them")

    assert spoken.calls[0][1]["where"] == {"state": {"eq": "under_way"}}
    assert written(spoken) == [("update_trip", {"id": "t1", "state": "finished"})]


# --- what one may not ------------------------------------------------------------------------------------------------


async def test_without_the_tool_it_is_said_that_one_may_not() -> None:
    spoken = talk()
    spoken.tools = [tool for tool in spoken.tools if tool.name != "delete_boat"]

    said = await spoken.ask("delete the boat Windfall")

    assert written(spoken) == []
    assert "You may not delete boats here." in said
    assert "Roles" in said


async def test_a_field_that_may_not_be_set_is_named() -> None:
    spoken = talk()
    (update,) = (tool for tool in spoken.tools if tool.name == "update_boat")
    update.annotations["fields"].remove("price")

    said = await spoken.ask("set the daily price of Windfall to 5 EUR")

    assert written(spoken) == []
    assert "Daily price of boats cannot be set here." in said


async def test_a_hidden_field_is_answered_like_one_that_there_is_not() -> None:
    hidden = ObjectType.from_json(
        BOAT.to_json() | {"fields": [f.to_json() for f in BOAT.fields if f.name != "price"]}, cut=True
    )
    spoken = talk(objects=[hidden, *OBJECTS[1:]])

    said = await spoken.ask("set the daily price of the boat Windfall to 5 EUR")
    other = await spoken.ask("set the daily prize of the boat Windfall to 5 EUR")

    assert said.replace("price", "prize") == other
    assert "Boats have no field *daily price*" in said


# --- what was done ---------------------------------------------------------------------------------------------------


def change(deed: str, label: str, *fields: tuple[str, Any, Any]) -> dict[str, Any]:
    told = [{"name": name, "label": name, "before": before, "after": after} for name, before, after in fields]
    return {"deed": deed, "object": "boat", "label": label, "id": "b1", "fields": told}


async def test_what_was_done_is_told_from_the_changes() -> None:
    done = {"changes": [change("update", "Windfall", ("berths", 6, 7), ("insured", None, True))], "change_id": "c1"}
    spoken = talk(answers={"update_boat": done})

    said = await spoken.ask("update Windfall: 7 berths, insured")

    assert said == "**Changed boat [Windfall](/o/boat/b1)**\n\n- Berths: 6 → 7\n- Insured: Yes\n"


async def test_a_no_and_an_error_are_told_plainly() -> None:
    spoken = talk(failures={"delete_boat": "Ada declined: Delete Windfall."})

    said = await spoken.ask("delete the boat Windfall")

    assert said == "Nothing was changed. Ada declined: Delete Windfall.\n"


async def test_what_others_wrote_is_told_as_text() -> None:
    spoken = talk(failures={"delete_boat": "Ada declined: Delete ![x](https://evil.example/x)."})

    said = await spoken.ask("delete the boat Windfall")

    assert "\\!\\[x\\]" in said


async def test_help_says_that_changes_are_confirmed() -> None:
    assert "confirm" in await talk().ask("what can you do?")
    assert "confirm" not in await Talk().ask("what can you do?")


@pytest.mark.parametrize("sentence", ["create trip Call at {}:{}", "create trip Call due tomorrow at {} pm"])
async def test_no_number_is_too_long_to_be_read(sentence: str) -> None:
    assert await talk().ask(sentence.replace("{}", "9" * 5_000))
