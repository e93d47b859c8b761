"""Time words on awkward days, in zones whose clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metier.filters import UNITS, day_start, range_ends, time_range
from metier.filters.times import read_word

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


def days_of(word: str, today: str) -> tuple[str, str]:
    now = datetime.fromisoformat(today).replace(hour=15, tzinfo=UTC)
    first, last = time_range(word, "date", now)
    return first.isoformat(), last.isoformat()


@pytest.mark.parametrize(
    ("today", "word", "expected"),
    [
        # 31 January: months are too short
        ("2026-01-31", "next_month", ("2026-01-31", "2026-02-28")),
        ("2028-01-31", "next_month", ("2028-01-31", "2028-02-29")),
        ("2026-01-31", "next_3_months", ("2026-01-31", "2026-04-30")),
        ("2026-01-31", "last_2_months", ("2025-11-30", "2026-01-31")),
        ("2026-01-31", "previous_month", ("2025-12-01", "2025-12-31")),
        ("2026-01-31", "previous_quarter", ("2025-10-01", "2025-12-31")),
        # 29 February
        ("2028-02-29", "last_year", ("2027-02-28", "2028-02-29")),
        ("2028-02-29", "next_4_years", ("2028-02-29", "2032-02-29")),
        ("2028-02-29", "this_month", ("2028-02-01", "2028-02-29")),
        ("2028-02-29", "last_quarter", ("2027-11-29", "2028-02-29")),
        # a Sunday: the week began on Monday
        ("2026-11-22", "this_week", ("2026-11-16", "2026-11-22")),
        ("2026-11-22", "previous_week", ("2026-11-09", "2026-11-15")),
        ("2026-11-22", "last_week", ("2026-11-15", "2026-11-22")),
        # a Monday
        ("2026-11-23", "this_week", ("2026-11-23", "2026-11-29")),
        # 31 December
        ("2026-12-31", "tomorrow", ("2027-01-01", "2027-01-01")),
        ("2026-12-31", "this_week", ("2026-12-28", "2027-01-03")),
        ("2026-12-31", "this_quarter", ("2026-10-01", "2026-12-31")),
        ("2026-12-31", "next_month", ("2026-12-31", "2027-01-31")),
        ("2026-12-31", "previous_year", ("2025-01-01", "2025-12-31")),
        ("2026-12-31", "next_2_quarters", ("2026-12-31", "2027-06-30")),
    ],
)
def test_days_of_a_word(today: str, word: str, expected: tuple[str, str]):
    assert days_of(word, today) == expected


@pytest.mark.parametrize(
    ("now", "word", "first", "last"),
    [
        # Berlin, 25 October 2026, 03:00 summer time becomes 02:00: the day has 25 hours
        ("2026-10-25T12:00", "today", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        ("2026-10-25T12:00", "last_day", "2026-10-24T10:00Z", "2026-10-25T11:00Z"),
        ("2026-10-25T12:00", "last_24_hours", "2026-10-24T11:00Z", "2026-10-25T11:00Z"),
        ("2026-10-28T12:00", "last_7_days", "2026-10-21T10:00Z", "2026-10-28T11:00Z"),
        # Berlin, 29 March 2026, 02:00 becomes 03:00: the day has 23 hours
        ("2026-03-29T12:00", "this_day", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("2026-03-30T02:30", "last_day", "2026-03-29T01:30Z", "2026-03-30T00:30Z"),
        ("2026-03-29T12:00", "this_week", "2026-03-22T23:00Z", "2026-03-29T22:00Z"),
        ("2026-03-28T12:00", "next_month", "2026-03-28T11:00Z", "2026-04-28T10:00Z"),
    ],
)
def test_the_clock_changes_in_berlin(now: str, word: str, first: str, last: str):
    here = datetime.fromisoformat(now).replace(tzinfo=BERLIN)

    found = [end.astimezone(UTC) for end in time_range(word, "date_time", here) if isinstance(end, datetime)]

    assert found == [datetime.fromisoformat(first), datetime.fromisoformat(last)]


def test_the_hour_that_comes_twice_is_two_hours():
    second = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1)

    first, last = (
        end.astimezone(UTC) for end in time_range("this_hour", "date_time", second) if isinstance(end, datetime)
    )
    before = time_range("previous_hour", "date_time", second)[0]

    assert (first.hour, last.hour) == (6, 7)
    assert isinstance(before, datetime)
    assert before.astimezone(UTC).hour == 5


def test_of_an_hour_that_came_twice_the_first_is_meant():
    """Berlin, 26 October 2025 and 25 October 2026: 03:00 becomes 02:00."""
    now = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1)

    first = time_range("last_52_weeks", "date_time", now)[0]

    assert isinstance(first, datetime)
    assert first.astimezone(UTC) == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)


def test_a_day_without_midnight_begins_after_the_gap():
    """Beirut, 29 March 2026: 00:00 becomes 01:00."""
    beirut = ZoneInfo("Asia/Beirut")
    now = datetime(2026, 3, 29, 12, tzinfo=beirut)

    start = day_start(date(2026, 3, 29), now).astimezone(UTC)

    assert start == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert start.astimezone(beirut).hour == 1


def test_two_people_have_two_todays():
    moment = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)

    assert time_range("today", "date", moment.astimezone(ZoneInfo("Asia/Tokyo")))[0] == date(2026, 11, 22)
    assert time_range("today", "date", moment.astimezone(NEW_YORK))[0] == date(2026, 11, 21)


@pytest.mark.parametrize(
    "word", ["", "soon", "last", "last_0_days", "last_10001_days", "this_7_days", "next_7_moons", "7"]
)
def test_no_time_word(word: str):
    with pytest.raises(ValueError, match="no time word"):
        time_range(word, "date", datetime.now(UTC))


@pytest.mark.parametrize("word", ["this_hour", "last_2_hours", "next_hour"])
def test_a_date_has_no_hours(word: str):
    with pytest.raises(ValueError, match="a date has no hours"):
        time_range(word, "date", datetime.now(UTC))


@pytest.mark.parametrize("word", ["last_3000_years", "next_9000_years", "last_9999_quarters"])
@pytest.mark.parametrize("kind", ["date", "date_time"])
def test_beyond_the_calendar(word: str, kind: str):
    with pytest.raises(ValueError, match="beyond the years"):
        time_range(word, kind, datetime(2026, 11, 21, tzinfo=ZoneInfo("Asia/Tokyo")))


@pytest.mark.parametrize("word", ["Last 7 days", "last-7-days", " LAST_7_DAY ", "last_7_days"])
def test_words_may_be_written_as_people_do(word: str):
    assert read_word(word) == read_word("last_7_days")


WORDS = st.one_of(
    st.sampled_from(["today", "yesterday", "tomorrow"]),
    st.builds("{}_{}".format, st.sampled_from(["this", "previous"]), st.sampled_from(UNITS)),
    st.builds("{}_{}_{}s".format, st.sampled_from(["last", "next"]), st.integers(1, 400), st.sampled_from(UNITS)),
)
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo"])
MOMENTS = st.integers(946_684_800, 2_524_608_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


@given(word=WORDS, zone=ZONES, moment=MOMENTS)
def test_ranges_are_in_order_and_calendar_ones_hold_or_touch_now(word: str, zone: str, moment: datetime):
    now = moment.astimezone(ZoneInfo(zone))

    first, last = (end.astimezone(UTC) for end in time_range(word, "date_time", now) if isinstance(end, datetime))

    assert first < last
    if word.startswith("last"):
        assert last == moment
    elif word.startswith("next"):
        assert first == moment
    elif word.startswith("this") or word == "today":
        assert first <= moment < last
    elif word.startswith("previous") or word == "yesterday":
        assert last <= moment < last + (last - first) * 1.1 + timedelta(days=3)
    assert {"last": "[]", "next": "(]"}.get(word.split("_", maxsplit=1)[0], "[)") == range_ends(word, "date_time").value


@given(unit=st.sampled_from(UNITS), zone=ZONES, moment=MOMENTS)
def test_calendar_units_follow_each_other_without_gap(unit: str, zone: str, moment: datetime):
    now = moment.astimezone(ZoneInfo(zone))

    before, this = time_range(f"previous_{unit}", "date_time", now), time_range(f"this_{unit}", "date_time", now)

    assert before[1] == this[0]


@pytest.mark.parametrize(
    ("week_start", "first", "last"),
    [
        (0, date(2026, 11, 16), date(2026, 11, 22)),
        (6, date(2026, 11, 15), date(2026, 11, 21)),
        (5, date(2026, 11, 21), date(2026, 11, 27)),
    ],
)
def test_a_week_begins_with_the_chosen_day(week_start: int, first: date, last: date):
    saturday = datetime(2026, 11, 21, 9, tzinfo=UTC)

    assert time_range("this_week", "date", saturday, week_start=week_start) == (first, last)
    begin, end = time_range("this_week", "date_time", saturday, week_start=week_start)
    assert (begin.date(), end.date()) == (first, last + timedelta(days=1))  # type: ignore[union-attr]
