"""How values read: numbers, money, days, moments. Pure; the person's now and time zone are given.

>>> from datetime import UTC, datetime
>>> fmt = Reading(datetime(2026, 11, 21, 9, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
>>> fmt.money({"amount_micros": 52_000_000_000, "currency_code": "EUR"})
'€52,000'
>>> fmt.ago("2026-11-18T09:00:00+00:00")
'3 days ago'
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹", "CHF": "CHF ", "CAD": "CA$", "AUD": "A$"}
STEPS = (  # (seconds in one, seconds up to which it is used, its name)
    (60, 3_600, "minute"),
    (3_600, 86_400, "hour"),
    (86_400, 14 * 86_400, "day"),
    (7 * 86_400, 60 * 86_400, "week"),
    (30.44 * 86_400, 730 * 86_400, "month"),
    (365.25 * 86_400, float("inf"), "year"),
)


@dataclass(frozen=True)
class Reading:
    """The forms in which values read for one person, now."""

    now: datetime
    zone: ZoneInfo

    def number(self, value: float | None, decimals: int | None = None) -> str:
        """Write a number with thousands apart: `12,500` or `12.5`."""
        if value is None:
            return ""
        if decimals is None:
            decimals = 0 if float(value).is_integer() else 2
        return f"{value:,.{decimals}f}"

    def money(self, value: Mapping[str, Any] | None) -> str:
        """Write `{"amount_micros": 52000000000, "currency_code": "EUR"}` as `€52,000`."""
        if not value or value.get("amount_micros") is None:
            return ""
        amount = value["amount_micros"] / 1_000_000
        code = value.get("currency_code") or ""
        digits = self.number(abs(amount), 0 if amount.is_integer() else 2)
        return f"{'-' if amount < 0 else ''}{SYMBOLS.get(code, f'{code} ' if code else '')}{digits}"

    def price(self, micros: int | None) -> str:
        """Write micro-dollars as `$2.50`; empty for an unknown price."""
        return "" if micros is None else f"${micros / 1_000_000:,.2f}"

    def day(self, value: str | date) -> str:
        """Write a day: `1 Mar 2026`."""
        day = date.fromisoformat(value[:10]) if isinstance(value, str) else value
        return f"{day.day} {day:%b} {day.year}"

    def moment(self, value: str | datetime) -> str:
        """Write a moment where the person is: `21 Nov 2026, 10:00`."""
        there = _moment(value).astimezone(self.zone)
        return f"{self.day(there.date())}, {there:%H:%M}"

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

    def host(self, url: str) -> str:
        """Write where a link leads: `acme.example`, with the path if it has one."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return url
        shown = f"{parts.netloc.rpartition('@')[2].removeprefix('www.')}{parts.path.rstrip('/')}"
        return shown or url

    def web_address(self, url: str | None) -> str | None:
        """Give an address that is safe to link to (http or https), or None."""
        return web_address(url)

    def initials(self, name: str) -> str:
        """Give the one or two letters that stand for a name: `AP`."""
        words = [w for w in name.split() if w[0].isalnum()]
        picked = words[:1] + words[-1:] if len(words) > 1 else words
        return "".join(w[0] for w in picked).upper() or "?"


def web_address(url: str | None) -> str | None:
    """Give an address that is safe to link to (http or https), or None."""
    if not url:
        return None
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return None
    if not scheme and "." in url and not url.startswith("/"):
        return f"https://{url}"
    return url if scheme in ("http", "https") else None


def _moment(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value
