"""Time expressions at awkward moments: month ends, leap days, Sundays, New Year, two zones."""

import pytest

from metier.builtin.providers.offline.outcome import Abstain, Answer
from metier.builtin.providers.offline.spec import arguments
from tests.builtin.planner.workshop import clockwork, column, planned, thing, understanding

EVENT = thing(
    "event",
    "events",
    column("name"),
    column("deadline", "date", "Deadline"),
    column("founded_on", "date", "Founded"),
    column("starts_at", "date_time", "Starts"),
)
EVENTS = understanding([EVENT])
SATURDAY = "2026-11-21T10:00:00+01:00"


def where(question: str, now: str = SATURDAY, zone: str = "Europe/Berlin", locale: str = "en") -> object:
    """Give the filter a question about events leads to."""
    answer = planned(question, EVENTS, clockwork(now, zone, locale))
    return arguments(answer.spec, title="name").get("where")


def deadline(words: str, now: str = SATURDAY, **more: str) -> object:
    """Give the condition on the deadline."""
    found = where(f"events with deadline {words}", now, **more)
    assert isinstance(found, dict)
    return found["deadline"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("today", {"within": "today"}),
        ("tomorrow", {"within": "tomorrow"}),
        ("this week", {"within": "this_week"}),
        ("in the last 7 days", {"within": "last_7_days"}),
        ("within the next two weeks", {"within": "next_2_weeks"}),
        ("next month", {"within": "next_month"}),
        ("in the previous quarter", {"within": "previous_quarter"}),
        ("last calendar month", {"within": "previous_month"}),
        ("before 3 May 2027", {"lt": "2027-05-03"}),
        ("after 3 May 2027", {"gt": "2027-05-03"}),
        ("since May 3rd, 2026", {"gte": "2026-05-03"}),
        ("until 2027-05-03", {"lte": "2027-05-03"}),
        ("by 3.5.2027", {"lte": "2027-05-03"}),
        ("on 3 May 2027", {"eq": "2027-05-03"}),
        ("between 1 May and 3 June 2027", {"between": ["2027-05-01", "2027-06-03"]}),
        ("from 1 May 2027 to 3 June 2027", {"between": ["2027-05-01", "2027-06-03"]}),
        ("in 2027", {"between": ["2027-01-01", "2027-12-31"]}),
        ("before 2027", {"lt": "2027-01-01"}),
        ("in Q1 2027", {"between": ["2027-01-01", "2027-03-31"]}),
        ("in March", {"between": ["2027-03-01", "2027-03-31"]}),
        ("in December", {"between": ["2026-12-01", "2026-12-31"]}),
        ("on Monday", {"eq": "2026-11-23"}),
        ("this Friday", {"eq": "2026-11-20"}),
        ("next Saturday", {"eq": "2026-11-28"}),
        ("by the end of the month", {"lte": "2026-11-30"}),
        ("3 weeks ago", {"eq": "2026-10-31"}),
        ("in 3 days", {"eq": "2026-11-24"}),
        ("older than 30 days", {"lt": "2026-10-22"}),
        ("the day after tomorrow", {"eq": "2026-11-23"}),
    ],
)
def test_words_become_conditions_on_days(words: str, expected: object) -> None:
    assert deadline(words) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("on 3 May 2027", {"gte": "2027-05-03T00:00:00+02:00", "lt": "2027-05-04T00:00:00+02:00"}),
        ("before 3 May 2027", {"lt": "2027-05-03T00:00:00+02:00"}),
        ("after 3 May 2027", {"gte": "2027-05-04T00:00:00+02:00"}),
        ("after 3 May 2027 14:30", {"gt": "2027-05-03T14:30:00+02:00"}),
        ("in March 2027", {"gte": "2027-03-01T00:00:00+01:00", "lt": "2027-04-01T00:00:00+02:00"}),
        ("in the last 24 hours", {"within": "last_24_hours"}),
    ],
)
def test_days_of_a_moment_are_half_open_and_begin_at_the_persons_midnight(words: str, expected: object) -> None:
    assert where(f"events that start {words}") == {"starts_at": expected}


def test_the_same_words_mean_other_moments_in_another_zone() -> None:
    berlin = where("events starting on 1 March 2027", zone="Europe/Berlin")
    auckland = where("events starting on 1 March 2027", zone="Pacific/Auckland")

    assert berlin == {"starts_at": {"gte": "2027-03-01T00:00:00+01:00", "lt": "2027-03-02T00:00:00+01:00"}}
    assert auckland == {"starts_at": {"gte": "2027-03-01T00:00:00+13:00", "lt": "2027-03-02T00:00:00+13:00"}}


def test_today_is_the_persons_day_not_the_servers() -> None:
    late = "2026-12-31T23:30:00+00:00"

    assert deadline("in 1 day", late, zone="Europe/London") == {"eq": "2027-01-01"}
    assert deadline("in 1 day", late, zone="Pacific/Auckland") == {"eq": "2027-01-02"}


@pytest.mark.parametrize(
    ("now", "words", "expected"),
    [
        ("2027-01-31T12:00:00+01:00", "1 month from now", {"eq": "2027-02-28"}),
        ("2028-01-31T12:00:00+01:00", "1 month from now", {"eq": "2028-02-29"}),
        ("2028-02-29T12:00:00+01:00", "1 year ago", {"eq": "2027-02-28"}),
        ("2028-02-29T12:00:00+01:00", "in February", {"between": ["2028-02-01", "2028-02-29"]}),
        ("2026-11-22T12:00:00+01:00", "this Sunday", {"eq": "2026-11-22"}),
        ("2026-11-22T12:00:00+01:00", "on Sunday", {"eq": "2026-11-22"}),
        ("2026-11-22T12:00:00+01:00", "next Monday", {"eq": "2026-11-23"}),
        ("2026-11-22T12:00:00+01:00", "by the end of the week", {"lte": "2026-11-22"}),
        ("2026-12-31T12:00:00+01:00", "in January", {"between": ["2027-01-01", "2027-01-31"]}),
        ("2026-12-31T12:00:00+01:00", "by the end of next month", {"lte": "2027-01-31"}),
        ("2026-12-31T12:00:00+01:00", "in Q4", {"between": ["2026-10-01", "2026-12-31"]}),
        ("2026-12-31T12:00:00+01:00", "in Q1", {"between": ["2027-01-01", "2027-03-31"]}),
    ],
)
def test_awkward_days(now: str, words: str, expected: object) -> None:
    assert deadline(words, now) == expected


def test_a_month_without_a_year_is_past_for_past_events_and_ahead_for_others() -> None:
    past = where("events founded in March")
    ahead = where("events with deadline in March")

    assert past == {"founded_on": {"between": ["2026-03-01", "2026-03-31"]}}
    assert ahead == {"deadline": {"between": ["2027-03-01", "2027-03-31"]}}


def test_numeric_dates_follow_the_locale_or_are_not_read() -> None:
    assert deadline("before 13/5/2027") == {"lt": "2027-05-13"}
    assert deadline("before 5/3/2027", locale="en-US") == {"lt": "2027-05-03"}
    assert deadline("before 5/3/2027", locale="en-GB") == {"lt": "2027-03-05"}
    assert isinstance(EVENTS.outcome("events with deadline before 5/3/2027", clockwork()), Abstain)


@pytest.mark.parametrize("words", ["before 31 February 2027", "9999999 years ago", "on 2026-13-45"])
def test_days_that_do_not_exist_are_not_searched_for(words: str) -> None:
    assert isinstance(EVENTS.outcome(f"events with deadline {words}", clockwork()), Abstain)


@pytest.mark.parametrize("words", ["in the last 24 hours", "in the last 30 minutes", "in the last 99999 days"])
def test_stretches_that_days_cannot_be_compared_with_are_not_searched_for(words: str) -> None:
    bill = understanding([thing("bill", "bills", column("name"), column("due_on", "date", "Due"))])

    assert not isinstance(EVENTS.outcome(f"events with deadline {words}", clockwork()), Answer)
    assert isinstance(bill.outcome(f"bills due {words}", clockwork()), Abstain)


def test_for_some_days_means_the_time_in_which_something_did_not_happen() -> None:
    assert where("events not updated for 30 days") == {"not": {"updated_at": {"within": "last_30_days"}}}
    assert isinstance(EVENTS.outcome("events updated for 30 days", clockwork()), Abstain)


def test_three_may_is_not_three_million() -> None:
    assert deadline("before 3 May") == {"lt": "2027-05-03"}


def test_the_only_own_date_is_meant_where_none_is_named_else_when_it_was_created() -> None:
    one = understanding([thing("bill", "bills", column("name"), column("due_on", "date", "Due"))])
    none = understanding([thing("badge", "badges", column("name"))])

    assert arguments(planned("bills this week", one).spec, title="name") == {
        "where": {"due_on": {"within": "this_week"}}
    }
    assert arguments(planned("badges this week", none).spec, title="name") == {
        "where": {"created_at": {"within": "this_week"}}
    }


def test_with_two_own_dates_the_planner_asks_which() -> None:
    outcome = EVENTS.outcome("events this week", clockwork())

    assert type(outcome).__name__ == "Unsure"
