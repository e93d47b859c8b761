"""Stretches of time in words: "last 7 days", "3 May 2026", "next Friday", "Q1", "3 weeks ago".

A stretch is a word of the filter language (`last_7_days`, which the server rolls), or calendar days, or a moment.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal, cast
from zoneinfo import ZoneInfo

from metier.builtin.providers.offline.calendar import (
    MONTHS,
    WEEKDAYS,
    Days,
    Unit,
    midnight,
    month,
    one_day,
    period,
    shift,
    valid,
)
from metier.builtin.providers.offline.language import Language
from metier.builtin.providers.offline.numbers import quantity_at
from metier.builtin.providers.offline.tokens import Token
from metier.formats import Formats
from metier.formats.writing import Writing

Tense = Literal["past", "future"]

_UNIT_NAMES: tuple[Unit, ...] = ("minute", "hour", "day", "week", "month", "quarter", "year")
_UNITS: dict[str, Unit] = {name + plural: name for name in _UNIT_NAMES for plural in ("", "s")}
_MONTHS = {name: i for i, full in enumerate(MONTHS, 1) for name in (full, full[:3])} | {"sept": 9}
_WEEKDAYS = {name: i for i, full in enumerate(WEEKDAYS) for name in (full, full[:3], full + "s")} | {
    "tues": 1,
    "thur": 3,
    "thurs": 3,
}
_LAST = ("last", "past", "previous", "prior", "preceding")
_NEXT = ("next", "coming", "following", "upcoming")
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_VAGUE = frozenset(("may", "march", "mar", "sun", "sat", "wed", "dec", "mon"))  # also other words: need a hint
_SKIPPED = ("the", "on", "in", "of", "a", "beginning", "starting")


@dataclass(frozen=True)
class Stretch:
    """Some time: exactly one of the three is given."""

    word: str = ""
    days: Days | None = None
    moment: datetime | None = None


@dataclass(frozen=True)
class Clockwork:
    """What time expressions are read with.

    Attributes:
        now: In the person's zone.
        week_start: The day a week begins with, Monday being 0.
    """

    now: datetime
    zone: ZoneInfo
    language: Language
    locale: str
    week_start: int = 0
    formats: Formats = field(default_factory=Formats)

    @cached_property
    def writing(self) -> Writing:
        """How values are written for the person."""
        return Writing(self.now, self.zone, self.locale, self.formats)

    @property
    def today(self) -> date:
        """The person's date."""
        return self.now.date()


@dataclass(frozen=True)
class At:
    """A place in a question, and what the field's kind suggests there."""

    tokens: Sequence[Token]
    start: int
    clock: Clockwork
    tense: Tense
    hinted: bool  # a date is expected here: a field or a preposition said so

    def low(self, i: int) -> str:
        return self.tokens[i].low if 0 <= i < len(self.tokens) and self.tokens[i].kind != "quoted" else ""

    def at(self, start: int, *, hinted: bool | None = None) -> "At":
        """Give another place of the same question."""
        return At(self.tokens, start, self.clock, self.tense, self.hinted if hinted is None else hinted)

    def number(self, i: int) -> tuple[int, int] | None:
        found = quantity_at(self.tokens, i, self.clock.language, self.clock.locale)
        if found is None or not isinstance(found.value, int) or found.currency or found.percent:
            return None
        return found.value, found.end


def stretch_at(at: At) -> tuple[Stretch, int] | None:
    start = at.start
    while at.low(start) in _SKIPPED and start < at.start + 2:
        start += 1
    for tried in dict.fromkeys((start, at.start)):
        for read in _READERS:
            if found := read(at.at(tried)):
                return found
    return None


def _iso(at: At) -> tuple[Stretch, int] | None:
    if at.start >= len(at.tokens) or at.tokens[at.start].kind != "date":
        return None
    text = at.tokens[at.start].text
    if re.match(r"\d{4}-", text):
        if len(text) == 10:
            return Stretch(days=one_day(date.fromisoformat(text))), at.start + 1
        moment = datetime.fromisoformat(text.replace(" ", "T", 1))
        return Stretch(moment=moment if moment.tzinfo else moment.replace(tzinfo=at.clock.zone)), at.start + 1
    day = _numeric_date(text, at.clock.locale)
    return (Stretch(days=one_day(day)), at.start + 1) if day else None


def _numeric_date(text: str, locale: str) -> date | None:
    """Read 3.5.2026 (day first) and 3/5/2026 (by locale: month first in the United States)."""
    first, second, year = map(int, re.split(r"[./]", text))
    month_first = "/" in text and (locale.replace("_", "-").lower() == "en-us" or second > 12)
    if "/" in text and not month_first and first <= 12 and second <= 12 and first != second and locale == "en":
        return None  # 3/5 may be either; better no answer than the wrong day
    return valid(year, first, second) if month_first else valid(year, second, first)


def _near_day(at: At) -> tuple[Stretch, int] | None:
    word = at.low(at.start)
    if word in ("today", "yesterday", "tomorrow"):
        return Stretch(word=word), at.start + 1
    if word in ("tonight", "now"):
        return (Stretch(word="today"), at.start + 1) if word == "tonight" else None
    if word == "day" and at.low(at.start + 1) in ("before", "after"):
        sign = {"yesterday": -2, "tomorrow": 2}.get(at.low(at.start + 2))
        if sign:
            return Stretch(days=one_day(at.clock.today + timedelta(days=sign))), at.start + 3
    return None


def _rolling(at: At) -> tuple[Stretch, int] | None:
    """Read "last 7 days", "this week", "next month", "previous quarter", "this past week"."""
    word, i = at.low(at.start), at.start + 1
    if word in ("this", "current"):
        if at.low(i) in _LAST:
            return _rolling(at.at(i))
        unit = _UNITS.get(at.low(i))
        return (Stretch(word=f"this_{unit}"), i + 1) if unit else None
    direction = "last" if word in _LAST else "next" if word in _NEXT else None
    if direction is None:
        return None
    if at.low(i) == "calendar" and (unit := _UNITS.get(at.low(i + 1))):
        return _calendar_neighbour(at, unit, -1 if direction == "last" else 1, i + 2)
    counted = counted_at(at.at(i))
    if counted:
        count, unit, end = counted
        return Stretch(word=f"{direction}_{count}_{unit}s" if count != 1 else f"{direction}_{unit}"), end
    unit = _UNITS.get(at.low(i))
    if unit is None or at.low(i).endswith("s"):
        return None
    if word in ("previous", "prior", "preceding"):
        return Stretch(word=f"previous_{unit}"), i + 1
    return Stretch(word=f"{direction}_{unit}"), i + 1


def _calendar_neighbour(at: At, unit: Unit, step: int, end: int) -> tuple[Stretch, int]:
    if step < 0:
        return Stretch(word=f"previous_{unit}"), end
    start = period(at.clock.today, unit, at.clock.week_start).end
    return Stretch(days=period(start, unit, at.clock.week_start)), end


def counted_at(at: At) -> tuple[int, Unit, int] | None:
    """Read "7 days", "a week", "two months"."""
    if at.low(at.start) in ("a", "an") and at.low(at.start + 1) in _UNITS:
        return 1, _UNITS[at.low(at.start + 1)], at.start + 2
    number = at.number(at.start)
    if number is None or number[0] <= 0 or at.low(number[1]) not in _UNITS:
        return None
    return number[0], _UNITS[at.low(number[1])], number[1] + 1


def _ago(at: At) -> tuple[Stretch, int] | None:
    counted = counted_at(at)
    if counted is None:
        return None
    count, unit, end = counted
    if at.low(end) == "ago":
        if unit in ("minute", "hour"):
            return Stretch(moment=at.clock.now - timedelta(**{f"{unit}s": count})), end + 1
        return Stretch(days=one_day(shift(at.clock.today, unit, -count))), end + 1
    if at.low(end) == "from" and at.low(end + 1) in ("now", "today"):
        return Stretch(days=one_day(shift(at.clock.today, unit, count))), end + 2
    opener = at.low(at.start - 1)
    if opener == "within":  # "within 7 days": ahead for what is to come, else back
        side = "next" if at.tense == "future" else "last"
        return Stretch(word=f"{side}_{count}_{unit}s" if count != 1 else f"{side}_{unit}"), end
    if opener == "in" and at.tense == "future":
        return Stretch(days=one_day(shift(at.clock.today, unit, count))), end
    return None


def _weekday(at: At) -> tuple[Stretch, int] | None:
    side, i = "", at.start
    if at.low(i) in (*_LAST, *_NEXT, "this"):
        side, i = at.low(i), i + 1
    if at.low(i) not in _WEEKDAYS or (at.low(i) in _VAGUE and not (side or at.hinted)):
        return None
    today = at.clock.today
    ahead = (_WEEKDAYS[at.low(i)] - today.weekday()) % 7
    if side == "this":
        day = period(today, "week").start + timedelta(days=_WEEKDAYS[at.low(i)])
    elif side in _NEXT or (not side and at.tense == "future"):
        day = today + timedelta(days=ahead or (7 if side else 0))
    else:
        day = today - timedelta(days=(7 - ahead) % 7 or (7 if side else 0))
    return Stretch(days=one_day(day)), i + 1


def _month_expression(at: At) -> tuple[Stretch, int] | None:
    """Read "3 May 2026", "May 3rd", "3rd of May", "March 2026", "last March"."""
    side, i = "", at.start
    if at.low(i) in ("last", "next", "this"):
        side, i = at.low(i), i + 1
    day, i = _day_number(at, i)
    if day and at.low(i) == "of":
        i += 1
    word = at.low(i)
    number = _MONTHS.get(word)
    if number is None:
        return None
    i += 1
    if not day:
        day, i = _day_number(at, i)
    i += at.low(i) == "," and _year(at, i + 1) is not None
    year = _year(at, i)
    if word in _VAGUE and not (day or year or side or at.hinted):
        return None
    end = i + 1 if year else i
    if day:
        return _dated(at, year, number, day, end)
    return Stretch(days=month(year, number) if year else _undated_month(at, number, side)), end


def _dated(at: At, year: int | None, number: int, day: int, end: int) -> tuple[Stretch, int] | None:
    """Give a day; of those without a year the last one for past events, else the next one."""
    today = at.clock.today
    years = [year] if year else [today.year, today.year - 1] if at.tense == "past" else [today.year, today.year + 1]
    for candidate in years:
        found = valid(candidate, number, day)
        if found and (year or (found <= today if at.tense == "past" else found >= today)):
            clock = None if year is None else _time_of_day(at, end)
            if clock is None:
                return Stretch(days=one_day(found)), end
            moment = midnight(found, at.clock.zone).replace(hour=clock[0], minute=clock[1])
            return Stretch(moment=moment), clock[2]
    return None


def _time_of_day(at: At, i: int) -> tuple[int, int, int] | None:
    if i + 2 < len(at.tokens) and at.low(i + 1) == ":" and at.tokens[i].kind == at.tokens[i + 2].kind == "number":
        hour, minute = at.number(i), at.number(i + 2)
        if hour and minute and hour[0] < 24 and minute[0] < 60:
            return hour[0], minute[0], i + 3
    return None


def _undated_month(at: At, number: int, side: str) -> Days:
    today = at.clock.today
    future = side == "next" or (not side and at.tense == "future")
    year = today.year
    if (future and number < today.month) or (side == "next" and number == today.month):
        year += 1
    if not future and side != "this" and (number > today.month or (side == "last" and number == today.month)):
        year -= 1
    return month(year, number)


def _day_number(at: At, i: int) -> tuple[int | None, int]:
    if i >= len(at.tokens) or at.tokens[i].kind not in ("number", "word"):
        return None, i
    found = re.fullmatch(r"(\d{1,2})(st|nd|rd|th)?", at.low(i))
    if found is None or not 1 <= int(found[1]) <= 31 or at.low(i + 1) == ":":
        return None, i
    suffix = at.low(i + 1) in ("st", "nd", "rd", "th")
    return int(found[1]), i + 1 + suffix


def _year(at: At, i: int) -> int | None:
    if i < len(at.tokens) and at.tokens[i].kind == "number" and re.fullmatch(r"(19|20)\d\d", at.low(i)):
        return int(at.low(i))
    return None


def _quarter(at: At) -> tuple[Stretch, int] | None:
    found = re.fullmatch(r"q([1-4])", at.low(at.start))
    ordinal = _ORDINALS.get(at.low(at.start)) if at.low(at.start + 1) == "quarter" else None
    if not found and not ordinal:
        return None
    number = int(found[1]) if found else ordinal or 1
    end = at.start + (1 if found else 2)
    end += at.low(end) == "of" and _year(at, end + 1) is not None
    year = _year(at, end)
    today = at.clock.today
    start = date(year or today.year, 3 * number - 2, 1)
    if not year and at.tense == "past" and start > today:
        start = start.replace(year=today.year - 1)
    if not year and at.tense == "future" and period(start, "quarter").last < today:
        start = start.replace(year=today.year + 1)
    return Stretch(days=period(start, "quarter")), end + (1 if year else 0)


def _plain_year(at: At) -> tuple[Stretch, int] | None:
    i = at.start + (at.low(at.start) in ("year", "years"))
    year = _year(at, i)
    if year is None or not at.hinted or at.low(i + 1) in _UNITS:
        return None
    return Stretch(days=period(date(year, 1, 1), "year")), i + 1


def _edge(at: At) -> tuple[Stretch, int] | None:
    """Read "end of the month", "the start of next week"."""
    edge = at.low(at.start)
    if edge not in ("end", "start") or at.low(at.start + 1) not in ("of", "this", "the"):
        return None
    i = at.start + 1 + (at.low(at.start + 1) == "of")
    i += at.low(i) == "the"
    step = {"next": 1, "last": -1, "previous": -1}.get(at.low(i), 0)
    i += at.low(i) in ("this", "next", "last", "previous", "current")
    unit = _UNITS.get(at.low(i))
    if unit is None:
        return None
    this = period(at.clock.today, unit, at.clock.week_start)
    days = period(shift(this.start, unit, step), unit, at.clock.week_start)
    return Stretch(days=one_day(days.last if edge == "end" else days.start)), i + 1


def _to_date(at: At) -> tuple[Stretch, int] | None:
    if at.low(at.start) == "ytd":
        return Stretch(word="this_year"), at.start + 1
    if at.low(at.start) == "year" and at.low(at.start + 1) == "to" and at.low(at.start + 2) == "date":
        return Stretch(word="this_year"), at.start + 3
    return None


_READERS: tuple[Callable[[At], tuple[Stretch, int] | None], ...] = (
    _iso,
    _near_day,
    _rolling,
    _ago,
    _weekday,
    _month_expression,
    _quarter,
    _edge,
    _to_date,
    _plain_year,
)


def stretch_days(stretch: Stretch, today: date) -> Days:
    """Give the days of a stretch, as far as a word's days can be told without the server."""
    if stretch.days:
        return stretch.days
    if stretch.moment:
        return one_day(stretch.moment.date())
    near = {"today": 0, "yesterday": -1, "tomorrow": 1}.get(stretch.word)
    if near is not None:
        return one_day(today + timedelta(days=near))
    side, _, rest = stretch.word.partition("_")
    count, _, unit = rest.rpartition("_")
    step = int(count) if count else 1
    name = cast(Unit, unit.removesuffix("s"))
    match side:
        case "this":
            return period(today, name)
        case "previous":
            return period(shift(period(today, name).start, name, -1), name)
        case "last":
            return Days(shift(today, name, -step), today + timedelta(days=1))
        case _:
            return Days(today, shift(today, name, step) + timedelta(days=1))
