"""Time words: `today`, `this_month`, `last_7_days` … as ranges of days or instants, where the person is.

word                          date                       date_time
today yesterday tomorrow      that day                   [00:00 that day, 00:00 the next)
this_<unit> previous_<unit>   first to last day          [its first instant, the first of the next)
last_<n>_<units>              [today - n, today]         [now - n, now]
next_<n>_<units>              (today, today + n]         (now, now + n]

`last_<unit>` and `next_<unit>` are `last_1_<unit>` and `next_1_<unit>`. Weeks start with the day that the person chose.
Days, weeks, months, quarters and years are counted on the wall clock (seven days ago at the same hour, whatever the
clocks did since; a month before 31 March is the last day of February), hours on the stop-watch.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Literal

UNITS = ("hour", "day", "week", "month", "quarter", "year")
DAY_WORDS = {"yesterday": -1, "today": 0, "tomorrow": 1}
MOST = 10_000  # units in one word

TimeKind = Literal["date", "date_time"]

_ROLLING = re.compile(rf"(last|next)_(?:(\d{{1,6}})_)?({'|'.join(UNITS)})s?\Z")
_CALENDAR = re.compile(rf"(this|previous)_({'|'.join(UNITS)})\Z")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


class Ends(StrEnum):
    """Which ends of a range belong to it."""

    BOTH = "[]"
    START = "[)"
    END = "(]"


@dataclass(frozen=True)
class TimeWord:
    """A time word, taken apart.

    Attributes:
        back: How many units back the range starts; negative for the future.
        rolling: Counted from now (True) or a whole calendar unit (False).
    """

    back: int
    unit: str
    rolling: bool

    def ends(self, kind: TimeKind) -> Ends:
        """Say which ends of the range belong to it."""
        if self.rolling:
            return Ends.BOTH if self.back > 0 else Ends.END
        return Ends.BOTH if kind == "date" else Ends.START


def fold_word(text: str) -> str:
    """Give the form under which time words compare: `Last 7 days` is `last_7_days`."""
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def read_word(text: str) -> TimeWord | None:
    """Take a time word apart; None if it is none."""
    word = fold_word(text)
    if word in DAY_WORDS:
        return TimeWord(-DAY_WORDS[word], "day", rolling=False)
    if found := _CALENDAR.match(word):
        return TimeWord(int(found[1] == "previous"), found[2], rolling=False)
    if found := _ROLLING.match(word):
        count = int(found[2] or 1)
        if 0 < count <= MOST:
            return TimeWord(count if found[1] == "last" else -count, found[3], rolling=True)
    return None


def time_range(word: str, kind: TimeKind, now: datetime, *, week_start: int = 0) -> tuple[date, date]:
    """Give the two ends of a time word; `range_ends` says which of them belong to it.

    Args:
        word: E.g. `last_7_days`.
        kind: `date` gives dates, `date_time` gives instants (aware, in the zone of `now`).
        now: Now, aware, in the time zone of the person who asks.
        week_start: The day a week begins with for that person, Monday being 0.

    Raises:
        ValueError: No time word, hours of a date, or a range beyond the years 1 to 9999.
    """
    read = _known(word)
    if kind == "date" and read.unit == "hour":
        raise ValueError("a date has no hours")
    try:
        return _days(read, now.date(), week_start) if kind == "date" else _instants(read, now, week_start)
    except OverflowError:
        raise ValueError("the range lies beyond the years 1 to 9999") from None


def range_ends(word: str, kind: TimeKind) -> Ends:
    """Say which ends of the word's range belong to it.

    Raises:
        ValueError: No time word.
    """
    return _known(word).ends(kind)


def day_start(day: date, now: datetime) -> datetime:
    """Give the first instant of a day in the time zone of `now`; where midnight is skipped, the one after the gap."""
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)


def _known(word: str) -> TimeWord:
    read = read_word(word)
    if read is None:
        raise ValueError(f"{word!r} is no time word")
    return read


def _days(word: TimeWord, today: date, week_start: int) -> tuple[date, date]:
    if word.rolling:
        first, last = sorted((today, _shift_day(today, -word.back, word.unit)))
        return first, last
    first = _shift_day(_first_day(today, word.unit, week_start), -word.back, word.unit)
    return first, _shift_day(first, 1, word.unit) - timedelta(days=1)


def _instants(word: TimeWord, now: datetime, week_start: int) -> tuple[datetime, datetime]:
    if word.rolling:
        first, last = sorted((now, _shift(now, -word.back, word.unit)), key=_instant)
        return first, last
    if word.unit == "hour":
        first = _shift(now.replace(minute=0, second=0, microsecond=0), -word.back, "hour")
        return first, _shift(first, 1, "hour")
    day = _shift_day(_first_day(now.date(), word.unit, week_start), -word.back, word.unit)
    return day_start(day, now), day_start(_shift_day(day, 1, word.unit), now)


def _first_day(day: date, unit: str, week_start: int) -> date:
    """Give the first day of the calendar unit that `day` lies in."""
    if unit == "week":
        return day - timedelta(days=(day.weekday() - week_start) % 7)
    if unit in _MONTHS:
        months = _MONTHS[unit]
        return day.replace(month=(day.month - 1) // months * months + 1, day=1)
    return day


def _shift(moment: datetime, count: int, unit: str) -> datetime:
    if unit == "hour":
        return (moment.astimezone(UTC) + timedelta(hours=count)).astimezone(moment.tzinfo)
    day = _shift_day(moment.date(), count, unit)
    shifted = moment.replace(year=day.year, month=day.month, day=day.day, fold=0)
    _instant(shifted)  # the year 1 in a zone east of Greenwich is no instant
    return shifted


def _shift_day(day: date, count: int, unit: str) -> date:
    """Move by calendar units; where the month is too short, to its last day."""
    if unit in _DAYS:
        return day + timedelta(days=count * _DAYS[unit])
    year, month = divmod(day.year * 12 + day.month - 1 + count * _MONTHS[unit], 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))


def _instant(moment: datetime) -> datetime:
    """Give the same instant in UTC: comparing wall clocks of one zone ignores their offsets."""
    return moment.astimezone(UTC)
