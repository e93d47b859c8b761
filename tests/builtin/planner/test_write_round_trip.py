"""Every plan to write, put into words, is planned back: any object, any fields, values of every type, awkward texts."""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metier.builtin.providers.offline.schema import read_schema
from metier.builtin.providers.offline.spec import Condition, Hit
from metier.builtin.providers.offline.turn import Turn
from metier.builtin.providers.offline.understand import Understanding
from metier.builtin.providers.offline.writes.deed import Deed, Setting
from metier.builtin.providers.offline.writes.settings import emptied, text_setting
from metier.builtin.providers.offline.writes.steps import Call, Writing
from metier.builtin.providers.offline.writes.tell import plan_json
from metier.records.shape import Field, FieldType, ObjectType
from tests.builtin.planner.test_invariance import renamed, renamed_words
from tests.builtin.planner.test_writes import CHANGED, CREATED, talk, written
from tests.builtin.planner.workshop import (
    BOAT,
    LANGUAGE,
    MEMBER,
    OBJECTS,
    SAILOR,
    TRIP,
    ZONE,
    clockwork,
    teller,
    tools_for,
    writing_tools,
)
from tests.scale import cases

CLOCK = clockwork()
UNDERSTANDING = Understanding(read_schema([*tools_for(OBJECTS), *writing_tools(OBJECTS)]), LANGUAGE)
HITS = {
    "sailor": Hit("sailor", "s1", "Mira Okafor"),
    "member": Hit("member", "m2", "Bo Lund"),
    "boat": Hit("boat", "b1", "Windfall"),
    "trip": Hit("trip", "t1", "Night watch to Bornholm"),
}
KNOWN = {hit.label.casefold(): (hit,) for hit in HITS.values()}
TEXTS = st.sampled_from(
    [
        "Kiel",
        "to and with",
        "a; b",
        "12",
        "me",
        "O'Neil",
        "is won, or lost",
        "delete boats",
        "50 %",
        "Ünïcode ✓",
        "=",
        "not",
    ]
)


def settings_of(field: Field) -> st.SearchStrategy[Setting]:
    """Give values of a field."""
    path = (field.name,)

    def plain(value: Any) -> Setting:
        return Setting(field, value, (Condition(path, "eq", value),))

    def record(hit: Hit) -> Setting:
        return Setting(field, hit.id, (Condition(path, "eq", hit.id, (hit.label,)),))

    def amount(value: int, code: str) -> Setting:
        return Setting(field, {"amount": value, "currency_code": code}, (Condition(path, "eq", value),))

    match field.type:
        case FieldType.SELECT:
            return st.sampled_from([option.value for option in field.options]).map(plain)
        case FieldType.BOOLEAN:
            return st.booleans().map(plain)
        case FieldType.NUMBER:
            return st.integers(0, 10**7).map(plain)
        case FieldType.CURRENCY:
            return st.builds(amount, st.integers(0, 10**7), st.sampled_from(["EUR", "USD", "GBP"]))
        case FieldType.DATE:
            return st.dates(date(1990, 1, 1), date(2040, 1, 1)).map(date.isoformat).map(plain)
        case FieldType.DATE_TIME:
            zone = ZoneInfo(ZONE)
            minutes = st.integers(10_000_000, 36_000_000)  # since 1970: 1989 to 2038
            moments = minutes.map(lambda count: datetime.fromtimestamp(60 * count, zone))
            # The hour that comes twice when summer ends is told by its first one.
            return moments.filter(lambda at: not at.fold).map(datetime.isoformat).map(plain)
        case FieldType.RELATION:
            return st.just(record(HITS[field.target or ""]))
        case FieldType.EMAILS:
            return st.just(text_setting(field, "nia@dyk.example"))
        case FieldType.LINKS:
            return st.just(text_setting(field, "https://dyk.example/a?b=c"))
        case _:
            return TEXTS.map(lambda text: text_setting(field, text))


def deeds_of(kind: ObjectType) -> st.SearchStrategy[Deed]:
    """Give deeds about an object."""
    fields = {field.name: field for field in kind.fields if not field.system}
    title = settings_of(fields[kind.title])
    others = [field for name, field in fields.items() if name != kind.title]
    some = st.lists(st.sampled_from(others), max_size=4, unique_by=lambda field: field.name).flatmap(
        lambda chosen: st.tuples(*(settings_of(field) for field in chosen))
    )
    emptying = st.sampled_from(others).map(lambda field: (emptied(field),))
    hit = HITS[kind.name]
    return st.one_of(
        st.builds(lambda name, more: Deed("create", kind.name, (name, *more)), title, some),
        st.builds(lambda more: Deed("update", kind.name, more, hit), some.filter(bool) | emptying),
        st.just(Deed("delete", kind.name, (), hit)),
    )


@pytest.mark.proof
@settings(max_examples=cases(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of([deeds_of(kind) for kind in (BOAT, SAILOR, TRIP)]))
def test_a_deed_put_into_words_is_read_back_as_the_same_call(deed: Deed) -> None:
    arguments = {"id": deed.target.id} if isinstance(deed.target, Hit) else {}
    arguments |= {setting.field.name: setting.value for setting in deed.settings}
    said = plan_json(deed, teller(deed.object, UNDERSTANDING, CLOCK), call="", arguments={})["restatement"]

    step = Writing(UNDERSTANDING).step(Turn(said, KNOWN, KNOWN), CLOCK, "m1")

    assert isinstance(step, Call), f"{said!r}: {step}"
    assert (step.tool, step.arguments) == (f"{deed.verb}_{deed.object}", arguments), said


WORDS = re.findall(
    r"\S+",
    """create add set change update mark rename assign clear close reopen delete remove restore new the a of to as for
    with by and , ; : 's “Windfall” Windfall boat boats trip trips sailor class cruiser berths 7 50k €5 home port Kiel
    skipper Mira Okafor me nobody tomorrow next week 3 May 2027 state finished insured not all every my is = called
    in at or them departure price USD last without zorp a@b.co b.co 14:30 5pm 30 %
    01890a5d-ac96-774b-bcce-b302099a8057 ' " -""",
)


@pytest.mark.proof
@settings(max_examples=cases(150), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(WORDS[:14]), st.lists(st.sampled_from(WORDS), max_size=9))
async def test_any_words_lead_to_a_call_that_reads_back_or_to_words_that_say_why_not(
    verb: str, words: list[str]
) -> None:
    spoken, again = talk(), talk()

    said = await spoken.ask(" ".join([verb, *words]))

    assert said
    for plan in (
        plan for plan in spoken.plans if plan["chips"][0]["kind"] in ("create", "update", "delete", "restore")
    ):
        await again.ask(plan["restatement"])
        assert [one["call"] for one in again.plans] == [plan["call"]], plan["restatement"]


#: Words whose own meaning counts, or that stand in names.
OWN_WORDS = ("vessel", "on Friday", "uninsured", '"Six berths"', "Harbour trip")
SENTENCES = [one[0] for one in (*CREATED, *CHANGED) if not any(word in one[0] for word in OWN_WORDS)]


@pytest.mark.parametrize("sentence", SENTENCES)
async def test_nonsense_for_the_words_of_the_schema_leads_to_the_same_call(sentence: str) -> None:
    plain, odd = talk(), talk(objects=[renamed(kind) for kind in (BOAT, SAILOR, TRIP)] + [MEMBER])
    odd.tools = [*tools_for(odd.objects), *writing_tools(odd.objects)]
    await plain.ask(sentence)

    await odd.ask(renamed_words(sentence))

    assert written(odd) == written(plain)
