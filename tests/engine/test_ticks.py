"""When something is due."""

from datetime import UTC, datetime

import pytest

from metier.engine import Cron, Every, When

MONDAYS = Cron("0 9 * * MON", zone="Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("when", "now", "latest", "next"),
    [
        (Every(60), "2026-11-21T09:00:00Z", "2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z"),
        (Every(60), "2026-11-21T09:59:59.999999Z", "2026-11-21T09:00:00Z", "2026-11-21T10:00:00Z"),
        (Every(15), "2026-11-21T09:16:00Z", "2026-11-21T09:15:00Z", "2026-11-21T09:30:00Z"),
        (Cron("30 3 * * *"), "2026-11-21T03:29:59.5Z", "2026-11-20T03:30:00Z", "2026-11-21T03:30:00Z"),
        (Cron("30 3 * * *"), "2026-11-21T03:30:00Z", "2026-11-21T03:30:00Z", "2026-11-22T03:30:00Z"),
        (Cron("30 3 * * *"), "2026-11-21T03:30:00.5Z", "2026-11-21T03:30:00Z", "2026-11-22T03:30:00Z"),
        (MONDAYS, "2026-11-21T09:00:00Z", "2026-11-16T08:00:00Z", "2026-11-23T08:00:00Z"),
    ],
)
def test_the_last_moment_may_be_now_and_the_next_is_behind_it(when: When, now: str, latest: str, next: str):
    assert (when.latest(at(now)), when.next(at(now))) == (at(latest), at(next))


def test_a_time_that_the_clocks_repeat_or_skip_comes_once():
    """The night of 25 October 2026 in Berlin has 02:30 twice, that of 29 March has none."""
    nightly = Cron("30 2 * * *", zone="Europe/Berlin")

    autumn = nightly.next(at("2026-10-24T12:00:00Z"))
    spring = nightly.next(at("2026-03-28T12:00:00Z"))

    assert nightly.next(autumn) == at("2026-10-26T01:30:00Z")
    assert nightly.next(spring) == at("2026-03-30T00:30:00Z")


def test_it_is_said_as_people_do():
    said = [str(one) for one in (Every(60), Every(5), Cron("30 3 * * *", "daily at 03:30"), Cron("1 2 * * *"))]
    assert said == ["every hour", "every 5 minutes", "daily at 03:30 (UTC)", "1 2 * * * (UTC)"]
