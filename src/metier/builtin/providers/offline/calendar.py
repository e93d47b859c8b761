"""Days, weeks, months: the arithmetic behind time words."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Unit = Literal["minute", "hour", "day", "week", "month", "quarter", "year"]

MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

TIME_WORDS = frozenset(
    (
        *MONTHS,
        *WEEKDAYS,
        *(f"{day}s" for day in WEEKDAYS),
        *(name[:3] for name in MONTHS),
        "q1",
        "q2",
        "q3",
        "q4",
        "sept",
    )
) | frozenset(
    [
        "today",
        "yesterday",
        "tomorrow",
        "ago",
        "minute",
        "minutes",
        "hour",
        "hours",
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "months",
        "quarter",
        "quarters",
        "year",
        "years",
        "between",
        "before",
        "after",
        "since",
        "until",
        "till",
        "during",
        "previous",
        "following",
        "coming",
        "current",
    ]
)


@dataclass(frozen=True)
class Days:
    """Days from `start` to before `end`."""

    start: date
    end: date

    @property
    def last(self) -> date:
        """The last day that is in."""
        return self.end - timedelta(days=1)


def one_day(day: date) -> Days:
    """Give a single day."""
    return Days(day, day + timedelta(days=1))


def shift(day: date, unit: Unit, count: int) -> date:
    """Move a day by units; a month's last days stay within the shorter month (31 January + 1 month = 28 February)."""
    match unit:
        case "minute" | "hour" | "day":
            return day + timedelta(days=count if unit == "day" else 0)
        case "week":
            return day + timedelta(weeks=count)
        case "month" | "quarter" | "year":
            months = count * {"month": 1, "quarter": 3, "year": 12}[unit]
            year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
            return date(year, month + 1, min(day.day, _month_length(year, month + 1)))


def period(day: date, unit: Unit, week_start: int = 0) -> Days:
    """Give the calendar unit that a day is in; weeks start on Monday (0) or another day."""
    match unit:
        case "week":
            start = day - timedelta(days=(day.weekday() - week_start) % 7)
        case "month":
            start = day.replace(day=1)
        case "quarter":
            start = date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
        case "year":
            start = date(day.year, 1, 1)
        case _:
            return one_day(day)
    return Days(start, shift(start, unit, 1))


def month(year: int, number: int) -> Days:
    """Give a month."""
    return period(date(year, number, 1), "month")


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give the moment a day begins in a zone."""
    return datetime.combine(day, time(), zone)


def valid(year: int, month_number: int, day: int) -> date | None:
    """Give a date, or None if there is no such day."""
    try:
        return date(year, month_number, day)
    except ValueError:
        return None


def _month_length(year: int, number: int) -> int:
    following = date(year + number // 12, number % 12 + 1, 1)
    return (following - timedelta(days=1)).day
