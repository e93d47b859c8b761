"""What somebody chooses: each `system` for as it is written in their language and country."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from metier.errors import Invalid, Problem, nearest


class NumberFormat(StrEnum):
    """How numbers are written; names as in Twenty's workspace member."""

    SYSTEM = "system"
    COMMAS_AND_DOT = "commas_and_dot"  # 1,234.56
    SPACES_AND_COMMA = "spaces_and_comma"  # 1 234,56
    DOTS_AND_COMMA = "dots_and_comma"  # 1.234,56
    APOSTROPHE_AND_DOT = "apostrophe_and_dot"  # 1'234.56


class CurrencyDisplay(StrEnum):
    """How a currency is named."""

    SYMBOL = "symbol"
    CODE = "code"


class DateFormat(StrEnum):
    """In which order the parts of a day stand."""

    SYSTEM = "system"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"
    YEAR_FIRST = "year_first"


class TimeFormat(StrEnum):
    """Whether hours go to 12 or to 24."""

    SYSTEM = "system"
    HOUR_12 = "hour_12"
    HOUR_24 = "hour_24"


class CalendarStartDay(StrEnum):
    """With which day a week begins."""

    SYSTEM = "system"
    MONDAY = "monday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


@dataclass(frozen=True)
class Formats:
    """Somebody's choices."""

    number_format: NumberFormat = NumberFormat.SYSTEM
    currency_display: CurrencyDisplay = CurrencyDisplay.SYMBOL
    date_format: DateFormat = DateFormat.SYSTEM
    time_format: TimeFormat = TimeFormat.SYSTEM
    calendar_start_day: CalendarStartDay = CalendarStartDay.SYSTEM

    def changed(self, given: Mapping[str, str | None]) -> Self:
        """Give them with those that are given; what is None stays.

        Raises:
            Invalid: Names each one that is no choice.
        """
        wrong: list[Problem] = []
        for name, value in given.items():
            allowed = choices(name)
            if value is not None and value not in allowed:
                near = nearest(value, allowed)
                wrong.append(Problem(name, f"{value[:100]!r} is no {_words(name)}", allowed, did_you_mean=near))
        if wrong:
            raise Invalid.of(wrong)
        chosen: dict[str, Any] = {n: CHOICES[n](value) for n, value in given.items() if value is not None}
        return replace(self, **chosen)

    def to_json(self) -> dict[str, str]:
        """Give the choices by name; this is what is stored."""
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Read stored choices; what this release does not know is `system`."""
        return cls().changed({name: body[name] for name in CHOICES if body.get(name) in choices(name)})


#: The choices by name.
CHOICES: Mapping[str, type[StrEnum]] = {
    "number_format": NumberFormat,
    "currency_display": CurrencyDisplay,
    "date_format": DateFormat,
    "time_format": TimeFormat,
    "calendar_start_day": CalendarStartDay,
}


def choices(name: str) -> tuple[str, ...]:
    """Give what can be chosen for a name."""
    return tuple(one.value for one in CHOICES[name])


def _words(name: str) -> str:
    return name.replace("_", " ")
