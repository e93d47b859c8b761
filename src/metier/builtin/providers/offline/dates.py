"""Time expressions: "in the last 7 days", "before March 2026", "between Monday and 3 May", "older than 30 days".

words ──▶ When(relation, Stretch) ──▶ a condition on a date or date_time field (see `moments`)
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from metier.builtin.providers.offline.calendar import Days, one_day, shift, valid
from metier.builtin.providers.offline.stretches import At, Clockwork, Stretch, Tense, counted_at, stretch_at
from metier.builtin.providers.offline.tokens import Token

Relation = Literal["in", "before", "after", "since", "until"]


@dataclass(frozen=True)
class When:
    """A stretch of time and how something lies to it; `last` ends a range (`between stretch and last`)."""

    relation: Relation
    stretch: Stretch
    last: Stretch | None = None


def when_at(
    tokens: Sequence[Token], start: int, clock: Clockwork, *, tense: Tense, typed: bool
) -> tuple[When, int] | None:
    """Read a time expression.

    Args:
        tense: Whether the field's dates lie in the past or ahead; places months without a year.
        typed: A date field was just named, so a bare year is one.
    """
    at = At(tokens, start, clock, tense, typed)
    try:
        return _between(at) or _related(at)
    except (ValueError, OverflowError):  # beyond the calendar
        return None


def _between(at: At) -> tuple[When, int] | None:
    opener = at.low(at.start)
    if opener not in ("between", "from"):
        return None
    first = stretch_at(at.at(at.start + 1, hinted=True))
    if first is None:
        return None
    joiners = ("and",) if opener == "between" else ("to", "until", "till", "through")
    if at.low(first[1]) not in joiners:
        return None
    second = stretch_at(at.at(first[1] + 1, hinted=True))
    if second is None:
        return None
    low, high = _same_year(at, first[0], second[0], first[1])
    return When("in", low, high), second[1]


def _same_year(at: At, low: Stretch, high: Stretch, end: int) -> tuple[Stretch, Stretch]:
    """Give the first of two dates the year of the second if it had none: "between 1 May and 3 June 2025"."""
    said = at.tokens[end - 1].low
    if low.days and high.days and not re.search(r"\d{4}", said) and low.days.start.year != high.days.start.year:
        start = valid(high.days.start.year, low.days.start.month, low.days.start.day)
        if start and start <= high.days.start:
            return Stretch(days=Days(start, start + (low.days.end - low.days.start))), high
    return low, high


def _related(at: At) -> tuple[When, int] | None:
    aged = _aged(at)
    if aged:
        return aged
    relation, start = _relation(at)
    found = stretch_at(at.at(start, hinted=at.hinted or start > at.start))
    if found is None:
        return None
    stretch, end = found
    if (at.low(at.start) == "from" and relation == "in" and _is_point(stretch)) or at.low(end) in ("onwards", "onward"):
        relation = "since"
    end += at.low(end) in ("onwards", "onward")
    if at.low(end) == "or" and at.low(end + 1) in ("later", "after", "newer", "earlier", "before", "older"):
        relation = "since" if at.low(end + 1) in ("later", "after", "newer") else "until"
        end += 2
    return When(relation, stretch), end


def _is_point(stretch: Stretch) -> bool:
    return stretch.moment is not None or bool(stretch.days and (stretch.days.end - stretch.days.start).days == 1)


def _relation(at: At) -> tuple[Relation, int]:
    found = at.clock.language.time_relations.at(at.tokens, at.start)
    return (cast(Relation, found[0]), found[1]) if found else ("in", at.start)


def _aged(at: At) -> tuple[When, int] | None:
    """Read "more than 30 days ago", "older than 30 days", "less than a week old"."""
    compared = at.clock.language.comparisons.at(at.tokens, at.start)
    old = at.low(at.start) in ("older", "newer", "younger") and at.low(at.start + 1) == "than"
    if not compared and not old:
        return None
    start = at.start + 2 if old else compared[1] if compared else 0
    counted = counted_at(at.at(start))
    if counted is None:
        return None
    count, unit, end = counted
    tail = at.low(end)
    if not old and tail not in ("ago", "old"):
        return None
    end += tail in ("ago", "old")
    before = at.low(at.start) == "older" if old else bool(compared and compared[0] in ("gt", "gte"))
    if before:
        return When("before", Stretch(days=one_day(shift(at.clock.today, unit, -count)))), end
    return When("in", Stretch(word=f"last_{count}_{unit}s" if count != 1 else f"last_{unit}")), end


def idle_at(tokens: Sequence[Token], start: int, clock: Clockwork) -> tuple[When, int] | None:
    """Read "for 30 days", "in over 3 weeks" after "not": the time in which something did not happen."""
    at = At(tokens, start, clock, "past", True)
    if at.low(start) not in ("for", "in"):
        return None
    compared = clock.language.comparisons.at(tokens, start + 1)
    counted = counted_at(at.at(compared[1] if compared else start + 1))
    if counted is None:
        return None
    count, unit, end = counted
    return When("in", Stretch(word=f"last_{count}_{unit}s" if count != 1 else f"last_{unit}")), end
