"""What must change no plan: other names, unrelated objects and fields, the order of tools. What must never surface."""

import re
from dataclasses import replace

import pytest

from metier.builtin.providers.offline.outcome import Answer
from metier.builtin.providers.offline.spec import Spec, arguments
from metier.builtin.providers.offline.understand import Understanding
from metier.records.shape import ObjectType, Option
from tests.builtin.planner.workshop import (
    BOAT,
    MEMBER,
    SAILOR,
    TRIP,
    Talk,
    clockwork,
    column,
    options,
    planned,
    thing,
    understanding,
)

QUESTIONS = [
    "boats with more than 4 berths",
    "cruisers launched before 2010",
    "insured boats without a skipper",
    "top 3 boats by daily price",
    "how many dinghies are there?",
    "boats with class cruiser or catamaran, sorted by length, highest first",
    "trips that are finished",
    "open trips with a fee over 500",
    "trips of boats with more than 6 berths",
    "sailors whose rank is captain and with between 100 and 500 miles sailed",
    "name and town of sailors",
    "boats created in the last 7 days",
    "sailors with the most miles sailed",
    "trips with departure this week",
]

#: Nonsense for every word of the school's schema.
NONSENSE = {
    "boat": "vorp",
    "cruiser": "drimble",
    "dinghy": "flonk",
    "dinghie": "flonk",
    "catamaran": "sprock",
    "berth": "quintle",
    "length": "grathe",
    "price": "zobble",
    "daily": "wimp",
    "launched": "thrumped",
    "insured": "glinted",
    "skipper": "blaxer",
    "class": "yandle",
    "sailor": "noggler",
    "rank": "plith",
    "captain": "krell",
    "mile": "hulp",
    "sailed": "drooved",
    "town": "vasp",
    "trip": "jorn",
    "finished": "clumbed",
    "fee": "tarp",
    "departure": "ombel",
}


def renamed_words(text: str) -> str:
    """Put nonsense for the schema's words, plural endings kept."""
    found = text
    for word, nonsense in sorted(NONSENSE.items(), key=lambda pair: -len(pair[0])):
        found = re.sub(
            rf"\b{word}(s?)\b",
            lambda m, n=nonsense: (n.capitalize() if m[0][0].isupper() else n) + m[1],
            found,
            flags=re.IGNORECASE,
        )
    return found


def renamed(kind: ObjectType) -> ObjectType:
    """Give an object whose labels are nonsense; its names stay (plans are made of names)."""
    fields = tuple(
        replace(
            field,
            label=renamed_words(field.label) if not field.system else field.label,
            options=tuple(Option(o.value, renamed_words(o.label), o.color) for o in field.options),
        )
        for field in kind.fields
    )
    label, plural = renamed_words(kind.label), renamed_words(kind.label_plural)
    return replace(kind, label=label, label_plural=plural, aliases=(), fields=fields)


def plan(question: str, within: Understanding) -> Spec:
    return planned(question, within).spec


@pytest.mark.parametrize("question", QUESTIONS)
def test_nonsense_for_the_words_of_the_schema_gives_the_same_plan(question: str) -> None:
    plain = understanding()
    odd = understanding([renamed(kind) for kind in (BOAT, SAILOR, TRIP)] + [MEMBER])

    assert plan(renamed_words(question), odd) == plan(question, plain)


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_unrelated_object_changes_no_plan(question: str) -> None:
    other = thing("invoice", "invoices", column("number"), column("total", "currency"), title="number")

    assert plan(question, understanding([other, BOAT, SAILOR, TRIP, MEMBER])) == plan(question, understanding())


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_unrelated_field_changes_no_plan(question: str) -> None:
    extra = ObjectType.from_json(BOAT.to_json() | {"fields": [*BOAT.to_json()["fields"], column("sail_maker")]})

    assert plan(question, understanding([extra, SAILOR, TRIP, MEMBER])) == plan(question, understanding())


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_order_of_the_objects_changes_no_plan(question: str) -> None:
    assert plan(question, understanding([TRIP, MEMBER, SAILOR, BOAT])) == plan(question, understanding())


def without_field(kind: ObjectType, name: str) -> ObjectType:
    return replace(kind, fields=tuple(field for field in kind.fields if field.name != name))


SECRET_QUESTIONS = [
    "boats with a daily price over 100",
    "boats with a dayly prise over 100",
    "boats sorted by daily price",
    "top 5 boats by price",
    "most expensive boats",
    "daily price of boats",
    "trips of boats with a daily price over 100",
]


@pytest.mark.parametrize("question", SECRET_QUESTIONS)
async def test_a_hidden_field_is_not_recognised_nor_corrected_to_nor_suggested(question: str) -> None:
    hidden = [without_field(BOAT, "price"), SAILOR, TRIP, MEMBER]
    talk = Talk(objects=hidden)

    said = await talk.ask(question)

    assert "price" not in str(talk.calls)
    assert "daily price" not in said.lower().replace(question.lower(), "")
    assert talk.plans == []


async def test_a_hidden_object_is_answered_like_one_that_does_not_exist() -> None:
    with_trips, without_trips = Talk(objects=[SAILOR, TRIP, MEMBER]), Talk(objects=[SAILOR, MEMBER])

    hidden = await without_trips.ask("how many trips are there?")
    unknown = await without_trips.ask("how many zorps are there?")

    assert "trip" not in hidden.lower().replace("*trips*", "")
    assert hidden.replace("trips", "zorps") == unknown
    assert "find_trips" in str([tool.name for tool in with_trips.tools])


async def test_a_hidden_option_or_target_is_not_named_in_any_answer() -> None:
    talk = Talk(objects=[without_field(TRIP, "leader"), MEMBER])

    said = await talk.ask("what can you do?") + await talk.ask("trips led by captains")

    assert not re.search("sailor|skipper|captain", said.replace("“captains”", ""), re.IGNORECASE)


def test_a_field_of_a_related_object_is_known_only_as_far_as_the_annotations_tell() -> None:
    bare = understanding([TRIP, MEMBER])
    full = understanding()

    assert not isinstance(bare.outcome("trips of boats with more than 6 berths", clockwork()), Answer)
    answer = planned("trips of boats with more than 6 berths", full)
    assert arguments(answer.spec, title="title") == {"where": {"boat": {"berths": {"gt": 6}}}}


def test_two_objects_may_have_fields_and_options_of_the_same_names() -> None:
    crate = thing(
        "crate",
        "crates",
        column("name"),
        column("weight", "number"),
        column("state", "select", options=options("Full", "Empty")),
    )
    sack = thing(
        "sack",
        "sacks",
        column("name"),
        column("weight", "number"),
        column("state", "select", options=options("Full", "Torn")),
    )
    both = understanding([crate, sack])

    assert plan("full crates over 5", both).object == "crate"
    assert plan("full sacks over 5", both).object == "sack"
