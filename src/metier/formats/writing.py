"""Writes numbers, money, days and times for somebody, now. What languages and countries do is Babel's (CLDR).

>>> from datetime import UTC, datetime
>>> here = Writing(datetime(2026, 11, 21, 9, tzinfo=UTC), ZoneInfo("Europe/Berlin"), "de")
>>> here.number(1234.5), here.day("2026-03-01"), here.moment("2026-11-21T09:30:00+00:00")
('1.234,50', '01.03.2026', '21.11.2026, 10:30')
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, get_currency_symbol

from metier.formats.choices import (
    CalendarStartDay,
    CurrencyDisplay,
    DateFormat,
    Formats,
    NumberFormat,
    TimeFormat,
)

PLAIN = "en"  # English of no country: money as in the United States, days and hours as in Europe
PLAIN_DAYS = "en_150"

#: Where numbers are written so.
_NUMBERS: Mapping[NumberFormat, str] = {
    NumberFormat.COMMAS_AND_DOT: "en",
    NumberFormat.SPACES_AND_COMMA: "fr",
    NumberFormat.DOTS_AND_COMMA: "de",
    NumberFormat.APOSTROPHE_AND_DOT: "de_CH",
}
_DAYS: Mapping[DateFormat, str] = {
    DateFormat.SYSTEM: "medium",
    DateFormat.DAY_FIRST: "d MMM y",
    DateFormat.MONTH_FIRST: "MMM d, y",
    DateFormat.YEAR_FIRST: "y MMM d",
}
_TIMES: Mapping[TimeFormat, str] = {
    TimeFormat.SYSTEM: "short",
    TimeFormat.HOUR_12: "h:mm a",
    TimeFormat.HOUR_24: "HH:mm",
}
_EXACT_TIMES: Mapping[TimeFormat, str] = {
    TimeFormat.SYSTEM: "medium",
    TimeFormat.HOUR_12: "h:mm:ss a",
    TimeFormat.HOUR_24: "HH:mm:ss",
}
_WEEKDAYS = {CalendarStartDay.MONDAY: 0, CalendarStartDay.SATURDAY: 5, CalendarStartDay.SUNDAY: 6}
STEPS = (  # (seconds in one, seconds up to which it is used, its name)
    (60, 3_600, "minute"),
    (3_600, 86_400, "hour"),
    (86_400, 14 * 86_400, "day"),
    (7 * 86_400, 60 * 86_400, "week"),
    (30.44 * 86_400, 730 * 86_400, "month"),
    (365.25 * 86_400, float("inf"), "year"),
)


@dataclass(frozen=True)
class Writing:
    """The forms in which values are written for one person, now.

    Attributes:
        locale: A language tag such as `en` or `de-AT`; one that is not known is read as plain English.
    """

    now: datetime
    zone: ZoneInfo
    locale: str = PLAIN
    formats: Formats = field(default_factory=Formats)

    def number(self, value: float | Decimal | None, decimals: int | None = None) -> str:
        """Write a number with thousands apart: `12,500` or `12.5`."""
        if value is None:
            return ""
        if decimals is None:
            decimals = 0 if value == int(value) else 2
        whole = "#,##0" if self._numbers is not self._own else _whole(self._own)
        pattern = whole + (f".{'0' * decimals}" if decimals else "")
        return format_decimal(value, format=pattern, locale=self._numbers)

    def exact(self, value: float) -> str:
        """Write a number with all its decimals, up to ten: `12,500.125`."""
        whole = "#,##0" if self._numbers is not self._own else _whole(self._own)
        return format_decimal(value, format=f"{whole}.##########", locale=self._numbers)

    def plain(self, value: float | Decimal) -> str:
        """Write a number with all its digits and none apart, to be typed over: `1234.5` or `1234,5`."""
        exact = value if isinstance(value, Decimal) else Decimal(repr(value))
        text = f"{exact:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text.replace(".", decimal_mark(self.locale, self.formats))

    def money(self, value: Mapping[str, Any] | None) -> str:
        """Write `{"amount_micros": 52000000000, "currency_code": "EUR"}` as `€52,000` or `52.000 €`."""
        if not value or value.get("amount_micros") is None:
            return ""
        amount = Decimal(value["amount_micros"]).scaleb(-6)
        digits = self.number(abs(amount), 0 if amount == amount.to_integral_value() else 2)
        return ("-" if amount < 0 else "") + self._with_currency(digits, value.get("currency_code") or "")

    def price(self, micros: int | None, decimals: int = 2) -> str:
        """Write micro-dollars as `$2.50`; empty for an unknown price."""
        return "" if micros is None else self._with_currency(self.number(Decimal(micros).scaleb(-6), decimals), "USD")

    def day(self, value: str | date) -> str:
        """Write a day: `1 Mar 2026`."""
        day = date.fromisoformat(value[:10]) if isinstance(value, str) else value
        return format_date(day, _DAYS[self.formats.date_format], locale=_days_of(self.locale))

    def clock(self, there: datetime, *, seconds: bool = False) -> str:
        """Write a time of day, as it is: `10:00`."""
        patterns = _EXACT_TIMES if seconds else _TIMES
        return format_time(there.time(), patterns[self.formats.time_format], locale=_days_of(self.locale))

    def moment(self, value: str | datetime, *, seconds: bool = False) -> str:
        """Write a moment where the person is: `21 Nov 2026, 10:00`."""
        there = moment_in(self.zone, value)
        return f"{self.day(there.date())}, {self.clock(there, seconds=seconds)}"

    def ago(self, value: str | datetime) -> str:
        """Write how far a moment is: `3 days ago`, `in 2 hours`, `just now`."""
        seconds = (self.now - _moment(value)).total_seconds()
        distance = abs(seconds)
        if distance < 60:
            return "just now"
        size, _, unit = next(step for step in STEPS if distance < step[1])
        count = int(distance // size)
        words = f"{count} {unit}{'' if count == 1 else 's'}"
        return f"{words} ago" if seconds > 0 else f"in {words}"

    @property
    def _own(self) -> Locale:
        return _known(self.locale)

    @property
    def _numbers(self) -> Locale:
        return _numbers_of(self.locale, self.formats)

    def _with_currency(self, digits: str, code: str) -> str:
        if not code:
            return digits
        as_code = self.formats.currency_display is CurrencyDisplay.CODE
        name = code if as_code else _currency(code, self._own)
        before, after = _around_money(self._own)
        if before.endswith("¤") and name[-1].isalpha():
            before += "\xa0"  # CLDR, currencySpacing: letters stand apart from digits
        return f"{before}{digits}{after}".replace("¤", name)


def decimal_mark(locale: str, formats: Formats) -> str:
    """Give what stands before decimals: `.` or `,`."""
    return _numbers_of(locale, formats).number_symbols["latn"]["decimal"]


def first_weekday(locale: str, formats: Formats) -> int:
    """Give the day a week begins with, Monday being 0."""
    chosen = _WEEKDAYS.get(formats.calendar_start_day)
    return _days_of(locale).first_week_day if chosen is None else chosen


def language(tag: str) -> str:
    """Give what a language tag is called in English: `German (Austria)`."""
    return _known(tag).get_display_name(PLAIN) or tag


@lru_cache(maxsize=256)
def _known(tag: str) -> Locale:
    """Give what is known of a language tag, else of its language, else of plain English."""
    for name in (tag, tag.partition("-")[0], PLAIN):
        try:
            return Locale.parse(name.replace("-", "_"))
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError  # Babel knows plain English


def _numbers_of(tag: str, formats: Formats) -> Locale:
    return _known(_NUMBERS.get(formats.number_format, tag))


def _days_of(tag: str) -> Locale:
    own = _known(tag)
    return _known(PLAIN_DAYS) if str(own) == PLAIN else own


@lru_cache(maxsize=256)
def _whole(locale: Locale) -> str:
    """Give the pattern of whole numbers: `#,##0`, or `#,##,##0` in India."""
    return locale.decimal_formats[None].pattern.partition(";")[0].partition(".")[0]


@lru_cache(maxsize=256)
def _around_money(locale: Locale) -> tuple[str, str]:
    """Give what stands before and after an amount, `¤` for the currency."""
    pattern = locale.currency_formats["standard"].pattern.partition(";")[0]
    before, after = re.split(r"[#0,.]+", pattern, maxsplit=1)
    return before, after


@lru_cache(maxsize=1024)
def _currency(code: str, locale: Locale) -> str:
    return get_currency_symbol(code, locale=locale)


def moment_in(zone: tzinfo, value: str | datetime) -> datetime:
    """Give a moment in a time zone; in its own if it would lie before the first year or behind the last one there.

    >>> moment_in(ZoneInfo("Europe/Berlin"), "9999-12-31T23:59:59+00:00").isoformat()
    '9999-12-31T23:59:59+00:00'
    """
    moment = _moment(value)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def _moment(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
