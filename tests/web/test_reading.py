"""How values read."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from metier.web.reading import Reading, web_address

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
FMT = Reading(NOW, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("micros", "code", "read"),
    [
        (52_000_000_000, "EUR", "€52,000"),
        (1_500_000, "USD", "$1.50"),
        (-2_000_000, "GBP", "-£2"),
        (3_000_000, "SEK", "SEK\xa03"),
        (0, "EUR", "€0"),
        (None, "EUR", ""),
    ],
)
def test_money(micros, code, read):
    assert FMT.money({"amount_micros": micros, "currency_code": code}) == read


@pytest.mark.parametrize(
    ("ago", "read"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=5), "5 hours ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=20), "2 weeks ago"),
        (timedelta(days=100), "3 months ago"),
        (timedelta(days=800), "2 years ago"),
        (-timedelta(hours=2), "in 2 hours"),
    ],
)
def test_how_long_ago(ago, read):
    assert FMT.ago((NOW - ago).isoformat()) == read


def test_moments_are_where_the_person_is():
    assert FMT.moment("2026-11-21T23:30:00+00:00") == "22 Nov 2026, 00:30"


def test_numbers_keep_only_digits_that_say_something():
    assert [FMT.number(n) for n in (12500, 12500.0, 0.5, None)] == ["12,500", "12,500", "0.50", ""]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "//evil.example", "http://[", "", None]
)
def test_only_web_addresses_become_links(url):
    assert web_address(url) is None


def test_an_address_without_scheme_is_taken_as_https():
    assert web_address("acme.example/a") == "https://acme.example/a"


def test_initials():
    assert [FMT.initials(name) for name in ("Ada Park", "acme", "Ada van Berg", "– –", "")] == [
        "AP",
        "A",
        "AB",
        "?",
        "?",
    ]
