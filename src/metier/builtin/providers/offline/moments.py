"""From a time expression to a condition, for days (`date`) and moments (`date_time`)."""

from datetime import date, datetime, time
from typing import Any, cast

from metier.builtin.providers.offline.calendar import MONTHS, Days, midnight
from metier.builtin.providers.offline.dates import When
from metier.builtin.providers.offline.spec import RANGE, Condition, Path
from metier.builtin.providers.offline.stretches import Clockwork, stretch_days
from metier.filters import read_word
from metier.formats.writing import moment_in
from metier.records.shape import FieldType


def fits(when: When, kind: FieldType) -> bool:
    """Whether a field of this type can be compared so: hours mean nothing to days, and words must be the server's."""
    words = [stretch.word for stretch in (when.stretch, when.last) if stretch is not None and stretch.word]
    return all(read_word(word) is not None and not (kind is FieldType.DATE and "hour" in word) for word in words)


def condition(path: Path, kind: FieldType, when: When, clock: Clockwork) -> Condition:
    """Give the condition that a field lies so to a time."""
    if when.relation == "in" and when.last is None and when.stretch.word:
        return Condition(path, "within", when.stretch.word)
    if kind is FieldType.DATE:
        return _day_condition(path, when, clock)
    return _moment_condition(path, when, clock)


def _day_condition(path: Path, when: When, clock: Clockwork) -> Condition:
    days = stretch_days(when.stretch, clock.today)
    match when.relation:
        case "before":
            return Condition(path, "lt", days.start.isoformat())
        case "after":
            return Condition(path, "gt", days.last.isoformat())
        case "since":
            return Condition(path, "gte", days.start.isoformat())
        case "until":
            return Condition(path, "lte", days.last.isoformat())
        case "in":
            last = stretch_days(when.last, clock.today).last if when.last else days.last
            if last == days.start:
                return Condition(path, "eq", last.isoformat())
            return Condition(path, "between", [days.start.isoformat(), last.isoformat()])


def _moment_condition(path: Path, when: When, clock: Clockwork) -> Condition:
    if when.stretch.moment is not None:
        return _exact_condition(path, when, when.stretch.moment, clock)
    days = stretch_days(when.stretch, clock.today)
    match when.relation:
        case "before":
            return Condition(path, "lt", _iso(days.start, clock))
        case "after":
            return Condition(path, "gte", _iso(days.end, clock))
        case "since":
            return Condition(path, "gte", _iso(days.start, clock))
        case "until":
            return Condition(path, "lt", _iso(days.end, clock))
        case "in":
            end = stretch_days(when.last, clock.today).end if when.last else days.end
            return Condition(path, RANGE, [_iso(days.start, clock), _iso(end, clock)])


def _exact_condition(path: Path, when: When, moment: datetime, clock: Clockwork) -> Condition:
    if when.relation == "in" and when.last is not None:
        last = when.last.moment or midnight(stretch_days(when.last, clock.today).end, clock.zone)
        return Condition(path, "between", [moment.isoformat(), last.isoformat()])
    op = {"before": "lt", "after": "gt", "since": "gte", "until": "lte", "in": "eq"}[when.relation]
    return Condition(path, op, moment.isoformat())


def _iso(day: date, clock: Clockwork) -> str:
    return midnight(day, clock.zone).isoformat()


def overdue(path: Path, kind: FieldType, clock: Clockwork) -> Condition:
    """Give the condition that a field's time has passed."""
    if kind is FieldType.DATE:
        return Condition(path, "lt", clock.today.isoformat())
    return Condition(path, "lt", clock.now.replace(second=0, microsecond=0).isoformat())


# In words ------------------------------------------------------------------------------------------


def say(condition: Condition, kind: FieldType, clock: Clockwork) -> str:
    """Say when, so that it reads back as the same condition: `in the last 7 days`, `before 3 May 2026`."""
    if condition.op == "within":
        return say_word(str(condition.value))
    plain = condition.op in ("lt", "gte")  # "before 3 May" is midnight, "after 3 May" is not
    said = [_say_value(value, clock, plain=plain) for value in _values(condition)]
    days = kind is FieldType.DATE
    match condition.op:
        case "eq":
            return f"on {said[0]}" if days else f"at {said[0]}"
        case "lt":
            return f"before {said[0]}"
        case "gt":
            return f"after {said[0]}"
        case "gte":
            return f"since {said[0]}"
        case "lte":
            return f"until {said[0]}"
        case "range":
            return _say_range(condition, clock)
        case "between":
            return f"from {said[0]} to {said[1]}" if days else f"between {said[0]} and {said[1]}"
        case _:
            raise ValueError(f"no words for {condition.op!r}")


def say_word(word: str) -> str:
    """Say a word of the filter language: `last_7_days` → `in the last 7 days`."""
    if word in ("today", "yesterday", "tomorrow"):
        return word
    text = word.replace("_", " ")
    return text if word.startswith("this_") else f"in the {text}"


def say_moment(value: Any, kind: FieldType, clock: Clockwork, *, literal: bool = False) -> str:
    """Say a stored date or moment: `3 May 2026`, `3 May 2026 14:30`.

    Args:
        literal: Keep the time even at midnight.
    """
    if kind is FieldType.DATE:
        return _say_day(date.fromisoformat(str(value)[:10]))
    moment = moment_in(clock.zone, str(value))
    if literal and (moment.second or moment.microsecond):
        return moment.isoformat(timespec="seconds")
    return f"{_say_day(moment.date())} {moment:%H:%M}"


def _values(condition: Condition) -> list[Any]:
    return cast(list[Any], condition.value) if isinstance(condition.value, list) else [condition.value]


def _say_value(value: Any, clock: Clockwork, *, plain: bool) -> str:
    text = str(value)
    if len(text) == len("2026-05-03"):
        return _say_day(date.fromisoformat(text))
    moment = moment_in(clock.zone, text)
    if plain and moment.time() == time():
        return _say_day(moment.date())
    return say_moment(text, FieldType.DATE_TIME, clock, literal=True)


def _say_range(condition: Condition, clock: Clockwork) -> str:
    start, end = (datetime.fromisoformat(value).astimezone(clock.zone).date() for value in condition.value)
    days = Days(start, end)
    if days.last == start:
        return f"on {_say_day(start)}"
    return f"from {_say_day(start)} to {_say_day(days.last)}"


def _say_day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3].capitalize()} {day.year}"
