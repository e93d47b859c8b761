"""How values read on pages: as the person wants them written (`metier.formats`), and names and addresses. Pure.

>>> from datetime import UTC, datetime
>>> from zoneinfo import ZoneInfo
>>> fmt = Reading(datetime(2026, 11, 21, 9, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
>>> fmt.money({"amount_micros": 52_000_000_000, "currency_code": "EUR"})
'€52,000'
>>> fmt.ago("2026-11-18T09:00:00+00:00")
'3 days ago'
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from metier.formats.writing import Writing
from metier.records.text import host


@dataclass(frozen=True)
class Reading(Writing):
    """The forms in which values read for one person, now."""

    def host(self, url: str) -> str:
        """Write where a link leads: `acme.example`, with the path if it has one."""
        return host(url)

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
