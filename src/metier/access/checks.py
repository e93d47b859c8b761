"""Checks of what people type about themselves and their house."""

import re
import unicodedata
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from metier.errors import Invalid, Problem, nearest

NAME_MAX = 200  # characters
EMAIL_MAX = 254  # characters; RFC 5321, section 4.5.3.1.3

_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)+")
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def clean_email(email: str) -> str:
    """Give the address as it is stored: without spaces around, in lower case.

    Raises:
        Invalid: It does not look like one.
    """
    found = email.strip().lower()
    if len(found) > EMAIL_MAX or not _EMAIL.fullmatch(found):
        raise Invalid.of([Problem("email", f"{email!r} is not an e-mail address", example="ada@example.com")])
    return found


def clean_name(name: str, path: str = "name") -> str:
    """Give a name as it is stored: without spaces around.

    Raises:
        Invalid: It is empty, too long, or has control characters.
    """
    found = name.strip()
    if not 0 < len(found) <= NAME_MAX or any(unicodedata.category(char) in ("Cc", "Cs") for char in found):
        raise Invalid.of([Problem(path, f"must have 1 to {NAME_MAX} characters and no control characters")])
    return found


def check_time_zone(name: str) -> str:
    """Let the name of a time zone pass.

    Raises:
        Invalid: The IANA database has no such zone.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        problem = Problem(
            "time_zone",
            f"there is no time zone {name!r}",
            example="Europe/Berlin",
            did_you_mean=nearest(name, available_timezones()),
        )
        raise Invalid.of([problem]) from None
    return name


def check_locale(name: str) -> str:
    """Let a language tag such as `en` or `de-AT` pass.

    Raises:
        Invalid: It does not look like one.
    """
    if not _LOCALE.fullmatch(name):
        raise Invalid.of([Problem("locale", f"{name!r} is not a language tag", example="en")])
    return name
