"""Times of day beside a day: "tomorrow at 17:00", "Friday 5pm", "3 May at noon"."""

from dataclasses import dataclass

from metier.builtin.providers.offline.tokens import Token
from metier.builtin.providers.offline.writes.words import Words

_HALVES = {"am": 0, "pm": 12}
_NAMED = {"noon": 12, "midnight": 0}


@dataclass(frozen=True)
class Hour:
    """A time of day; `start` and `end` are the words that say it, "at" before them included."""

    hour: int
    minute: int
    start: int
    end: int


def time_in(words: Words) -> Hour | None:
    """Give the first time of day that these words hold."""
    for i in range(len(words)):
        found = _clock(words, i) or _half(words, i) or _named(words, i)
        if found is not None:
            hour, minute, end = found
            start = i - 1 if i and words[i - 1].low in ("at", "@", "by") else i
            return Hour(hour, minute, start, end)
    return None


def _clock(words: Words, i: int) -> tuple[int, int, int] | None:
    if i + 2 >= len(words) or words[i + 1].low != ":":
        return None
    hour, minute = _number(words[i], 24), _number(words[i + 2], 60)
    if hour is None or minute is None:
        return None
    if i + 3 < len(words) and words[i + 3].low in _HALVES and 1 <= hour <= 12:
        return hour % 12 + _HALVES[words[i + 3].low], minute, i + 4
    return hour, minute, i + 3


def _half(words: Words, i: int) -> tuple[int, int, int] | None:
    hour = _number(words[i], 13)
    if not hour or i + 1 >= len(words) or words[i + 1].low not in _HALVES:
        return None
    return hour % 12 + _HALVES[words[i + 1].low], 0, i + 2


def _named(words: Words, i: int) -> tuple[int, int, int] | None:
    hour = _NAMED.get(words[i].low) if words[i].kind == "word" else None
    return None if hour is None else (hour, 0, i + 1)


def _number(word: Token, below: int) -> int | None:
    if word.kind != "number" or not word.low.isdecimal() or len(word.low) > 2:
        return None
    return int(word.low) if int(word.low) < below else None
