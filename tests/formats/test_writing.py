"""How numbers, money, days and times are written: by language and country, and by what somebody chose."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from metier.errors import Invalid
from metier.formats import CalendarStartDay, CurrencyDisplay, DateFormat, Formats, NumberFormat, TimeFormat
from metier.formats.choices import CHOICES, choices
from metier.formats.writing import Writing, decimal_mark, first_weekday, language, moment_in

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
EUROS = {"amount_micros": 1_234_500_000, "currency_code": "EUR"}


def straight(text: str) -> str:
    """Give a text with the straight apostrophe: releases of CLDR differ in it."""
    return text.replace("’", "'")


def here(locale: str, **chosen: str) -> Writing:
    return Writing(NOW, ZoneInfo("Europe/Berlin"), locale, Formats().changed(chosen))


@pytest.mark.parametrize(
    ("locale", "number", "money", "day", "moment"),
    [
        ("en", "1,234.50", "€1,234.50", "1 Mar 2026", "21 Nov 2026, 10:00"),
        ("en-US", "1,234.50", "€1,234.50", "Mar 1, 2026", "Nov 21, 2026, 10:00\u202fAM"),
        ("de", "1.234,50", "1.234,50\xa0€", "01.03.2026", "21.11.2026, 10:00"),
        ("de-CH", "1'234.50", "EUR\xa01'234.50", "01.03.2026", "21.11.2026, 10:00"),
        ("fr", "1\u202f234,50", "1\u202f234,50\xa0€", "1 mars 2026", "21 nov. 2026, 10:00"),
        ("xx-YY", "1,234.50", "€1,234.50", "1 Mar 2026", "21 Nov 2026, 10:00"),
    ],
)
def test_values_are_written_as_in_the_language_and_country(locale: str, number: str, money: str, day: str, moment: str):
    writing = here(locale)

    assert (straight(writing.number(1234.5)), straight(writing.money(EUROS))) == (number, money)
    assert (writing.day("2026-03-01"), writing.moment(NOW)) == (day, moment)


@pytest.mark.parametrize(
    ("chosen", "number", "money", "day", "clock"),
    [
        ({"number_format": "dots_and_comma"}, "1.234,50", "€1.234,50", "1 Mar 2026", "15:30"),
        ({"number_format": "spaces_and_comma"}, "1\u202f234,50", "€1\u202f234,50", "1 Mar 2026", "15:30"),
        ({"number_format": "apostrophe_and_dot"}, "1'234.50", "€1'234.50", "1 Mar 2026", "15:30"),
        ({"currency_display": "code"}, "1,234.50", "EUR\xa01,234.50", "1 Mar 2026", "15:30"),
        ({"date_format": "month_first", "time_format": "hour_12"}, "1,234.50", "€1,234.50", "Mar 1, 2026", "3:30 pm"),
        ({"date_format": "year_first"}, "1,234.50", "€1,234.50", "2026 Mar 1", "15:30"),
    ],
)
def test_what_was_chosen_counts_more(chosen: dict[str, str], number: str, money: str, day: str, clock: str):
    writing = here("en", **chosen)

    assert (straight(writing.number(1234.5)), straight(writing.money(EUROS))) == (number, money)
    assert (writing.day(date(2026, 3, 1)), writing.clock(datetime(2026, 1, 1, 15, 30, tzinfo=UTC))) == (day, clock)


def test_thousands_are_grouped_as_in_india():
    assert here("en-IN").number(1234567) == "12,34,567"
    assert here("en-IN", number_format="commas_and_dot").number(1234567) == "1,234,567"


def test_numbers_to_type_over_have_the_decimal_mark_and_nothing_else():
    assert [here("de").plain(value) for value in (1234.5, 1200, -0.25)] == ["1234,5", "1200", "-0,25"]
    assert [here("en").plain(value) for value in (0.00001, 1e20, 1200.0)] == ["0.00001", "1" + "0" * 20, "1200"]
    assert here("en").plain(Decimal(9007199254740993000001).scaleb(-6)) == "9007199254740993.000001"
    assert here("de").plain(Decimal(1_234_500_000).scaleb(-6)) == "1234,5"
    assert (decimal_mark("de", Formats()), decimal_mark("en", Formats())) == (",", ".")


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_the_ends_of_time_are_written_wherever_the_person_is(end: str, zone: str):
    writing = Writing(NOW, ZoneInfo(zone))

    assert writing.moment(end)
    assert abs(moment_in(ZoneInfo(zone), end) - datetime.fromisoformat(end)).total_seconds() == 0


def test_weeks_begin_as_chosen_or_as_in_the_country():
    assert [first_weekday(tag, Formats()) for tag in ("en", "de", "en-US", "pt-BR")] == [0, 0, 6, 6]
    assert first_weekday("de", Formats(calendar_start_day=CalendarStartDay.SATURDAY)) == 5


def test_every_choice_can_be_written_in_every_language():
    for locale in ("en", "de-AT", "hi", "ar", "ja", "pt-BR", "zh-TW"):
        for name in CHOICES:
            for value in choices(name):
                writing = here(locale, **{name: value})
                assert writing.money(EUROS)
                assert writing.moment(NOW, seconds=True)
    assert language("de-AT") == "German (Austria)"


def test_choices_are_stored_by_name_and_read_whatever_release_wrote_them():
    chosen = Formats(NumberFormat.DOTS_AND_COMMA, CurrencyDisplay.CODE, DateFormat.DAY_FIRST, TimeFormat.HOUR_12)

    assert Formats.of(chosen.to_json()) == chosen
    assert Formats.of({"number_format": "roman", "sundial": "yes"}) == Formats()


def test_what_is_no_choice_is_told():
    with pytest.raises(Invalid) as refused:
        Formats().changed({"number_format": "dots_and_coma", "time_format": "hour_25", "date_format": None})

    [number, time] = refused.value.problems
    assert (number.path, number.did_you_mean) == ("number_format", "dots_and_comma")
    assert time.allowed == ("system", "hour_12", "hour_24")
