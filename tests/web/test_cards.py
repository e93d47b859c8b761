"""What calls, plans and values read like."""

import doctest
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from metier.events import Status
from metier.records import ObjectType
from metier.web import cards, suggestions, wording
from metier.web.cards import list_url, plan_chips, tool_card, value_text
from metier.web.reading import Reading
from metier.web.wording import arguments_line, duration, first_line, used
from tests.web.site import SHIP

READING = Reading(datetime(2026, 11, 21, 9, tzinfo=UTC), ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize("module", [cards, suggestions, wording])
def test_the_examples_in_the_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ({"crew": {"gt": 5, "lte": 9}}, "crew > 5 and crew ≤ 9"),
        ({"state": "afloat"}, "state = afloat"),
        ({"state": {"in": ["afloat", "docked"]}}, "state in afloat, docked"),
        ({"home": {"name": {"ilike": "La%"}}}, "home.name ilike La%"),
        ({"or": [{"crew": {"gt": 5}}, {"not": {"armed": True}}]}, "(crew > 5 or not (armed = true))"),
        ({"and": [{"crew": {"gt": 5}}, {"state": "sunk"}]}, "(crew > 5 and state = sunk)"),
        ("nonsense", ""),
        ({"and": "nonsense"}, "and = nonsense"),
    ],
)
def test_a_filter_reads_in_one_line(where, line: str):
    assert arguments_line({"where": where}) == line


def test_a_long_line_is_cut():
    assert len(arguments_line({"text": "x" * 1000})) == wording.MAX_LINE


def test_the_order_of_arguments_is_the_same_whoever_stored_them():
    given = {"limit": 5, "sort": "-crew", "where": {"crew": {"gt": 5}}, "cursor": "a"}

    assert arguments_line(given) == arguments_line(dict(reversed(given.items())))
    assert arguments_line(given) == "crew > 5, sort -crew, limit 5, cursor a"


@pytest.mark.parametrize(
    ("where", "url"),
    [
        ({}, "/o/ship"),
        ({"state": "afloat"}, "/o/ship?f.state=afloat"),
        ({"state": {"eq": "afloat"}, "crew": {"gt": 5}}, "/o/ship?f.state=afloat&f.crew.gt=5"),
        ({"and": [{"armed": {"eq": True}}, {"crew": 1}]}, "/o/ship?f.armed=true&f.crew=1"),
        ({"state": {"in": ["afloat", "docked"]}}, "/o/ship?f.state.in=afloat%2Cdocked"),
        ({"home": {"name": {"contains": "a&b"}}}, "/o/ship?f.home.name.contains=a%26b"),
        ({"name": {"in": ["a,b", "c"]}}, None),
        ({"or": [{"crew": 1}, {"crew": 2}]}, None),
        ({"not": {"crew": 1}}, None),
        ({"crew": None}, None),
    ],
)
def test_the_list_is_linked_where_its_address_can_say_the_filter(where, url: str | None):
    assert list_url("ship", {"where": where}) == url


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (None, Status.RUNNING),
        ({"success": True, "message": "Done."}, Status.SUCCEEDED),
        ({"success": False, "message": "No.", "error": {"error": "Invalid", "message": "No."}}, Status.FAILED),
        ({"success": False, "message": "Stopped before it finished."}, Status.STOPPED),
    ],
)
def test_a_card_has_the_state_of_its_call(answer, status: Status):
    assert tool_card({"name": "x", "arguments": {}}, answer, lambda *_: None).status is status


@pytest.mark.parametrize(
    ("result", "undo"),
    [
        ({"object": "ship", "changes": [], "change_id": "C"}, "C"),
        ({"object": "ship", "changes": [], "change_id": None}, ""),
        ({"object": "ship", "records": [], "change_id": "C"}, ""),
    ],
)
def test_a_card_of_what_was_written_offers_to_undo_it(result, undo: str):
    answer = {"success": True, "message": "Updated ship Aurora.", "result": result}

    assert tool_card({"name": "update_ship"}, answer, lambda *_: None).undo == undo


def test_a_long_output_is_cut():
    card = tool_card({"name": "x", "arguments": {}}, {"success": True, "result": ["x" * 100_000]}, lambda *_: None)

    assert card.output is not None
    assert len(card.output) < 10_000


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("name", "  two\nlines ", "two lines"),
        ("crew", 1200, "1,200"),
        ("price", {"amount_micros": 52_000_000_000, "currency_code": "EUR"}, "€52,000"),
        ("armed", False, "No"),
        ("launched", "2026-03-01", "1 Mar 2026"),
        ("created_at", "2026-11-21T08:30:00+00:00", "21 Nov 2026, 09:30"),
        ("site", {"primary_link_url": "https://aurora.example/log"}, "aurora.example/log"),
        ("radio", {"primary_email": "bridge@aurora.example"}, "bridge@aurora.example"),
        ("captain", {"first_name": "Ada", "last_name": None}, "Ada"),
        ("name", None, ""),
    ],
)
def test_values_read_as_people_write_them(field: str, value, text: str):
    assert value_text(ObjectType.from_json(SHIP).by_name[field], value, READING) == text


def test_the_first_chip_stays_and_each_other_can_be_left_out():
    chips = plan_chips(
        {"chips": [{"kind": "object", "label": "Ships"}, {"kind": "a", "label": "A"}, {"kind": "b", "label": "B"}]}
    )

    assert [chip.without for chip in chips] == ["", "Ships; B", "Ships; A"]
    assert plan_chips({}) == []


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, ""),
        (0.4, "< 1 ms"),
        (12.6, "13 ms"),
        (999.6, "1.0 s"),
        (4_230, "4.2 s"),
        (125_000, "2 min 5 s"),
        (119_900, "2 min 0 s"),
    ],
)
def test_durations(ms: float | None, text: str):
    assert duration(ms) == text


def test_only_known_facts_are_told():
    assert used("", {}, 0, None, READING) == []
    assert used("M", {"input_tokens": 1200, "output_tokens": 45}, 2_300, 2_700, READING) == [
        "M",
        "1,245 tokens",
        "$0.0023",
        "2.7 s",
    ]


def test_the_first_line_of_anything():
    assert first_line("\n\n  a \nb") == "a"
    assert first_line(None) == ""
    assert first_line({"a": 1}) == '{"a":1}'
