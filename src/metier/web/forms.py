"""Reading what a form sends, and saying what is wrong with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from starlette.requests import Request

from metier.errors import MetierError
from metier.filters import storable_text

LONGEST = 2_000  # characters of one field
LONGEST_INPUT = 20_000  # characters of an input of a form with many, its name included
MOST_INPUTS = 10_000


async def read_form(request: Request, *names: str) -> dict[str, str]:
    """Give the named fields as text, without space around them; empty where one is missing or unreadable.

    Passwords (`password`, `current`) keep their spaces.
    """
    given = await request.form()
    return {name: _text(given.get(name), keep=name in ("password", "current")) for name in names}


@dataclass(frozen=True)
class Inputs:
    """What a form with many inputs sent, in order; names may come again."""

    pairs: Sequence[tuple[str, str]]

    def first(self, name: str) -> str:
        """Give the first value of a name; empty if there is none."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Give all values of a name."""
        return [value for key, value in self.pairs if key == name]


async def read_inputs(request: Request) -> Inputs:
    """Give all that a form sent, without what is too long or cannot be stored."""
    given = await request.form(max_fields=MOST_INPUTS)
    pairs = [(name, value) for name, value in given.multi_items() if isinstance(value, str)]
    return Inputs([(n, v) for n, v in pairs if len(n) + len(v) <= LONGEST_INPUT and storable_text(n + v)])


def own_path(url: str, otherwise: str = "/") -> str:
    """Give `url` if it is a path of this server, so that nobody is sent elsewhere after signing in."""
    safe = url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable() and "\\" not in url
    return url if safe else otherwise


def wrong(error: MetierError | None, *fields: str) -> dict[str, Any]:
    """Give what a form shows of an error: sentences beside their fields, the rest above.

    Shape: `{"wrong": {"name": None, "email": "…"}, "problem": None}`.
    """
    at = {name: next((p.problem for p in error.problems if p.path == name), None) if error else None for name in fields}
    return {"wrong": at, "problem": error.message if error and not any(at.values()) else None}


def time_zones() -> Sequence[str]:
    """Give the IANA names people choose from: places, and UTC."""
    return (
        "UTC",
        *sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "posix/", "right/"))),
    )


def _text(value: object, *, keep: bool) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or not storable_text(value):
        return ""
    return value if keep else value.strip()
