"""How runs read: arguments in one line, durations, costs, what a turn used. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import orjson

from metier.formats.writing import Writing
from metier.runs import Run

MAX_LINE = 140  # characters of a call's arguments in one line

_FIRST = ("where", "sort", "limit")  # stored JSON forgets the order in which arguments came
_JOINED = {"and": " and ", "or": " or "}
_OPERATORS = {"eq": "=", "neq": "≠", "gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "not_in": "not in"}


def arguments_line(arguments: Mapping[str, Any]) -> str:
    """Write a call's arguments in one line.

    >>> arguments_line({"where": {"created_at": {"within": "last_7_days"}}, "sort": "-amount", "limit": 5})
    'created_at within last_7_days, sort -amount, limit 5'
    """
    names = sorted(arguments, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))
    parts = [where_line(arguments[n]) if n == "where" else f"{n} {_value(arguments[n])}" for n in names]
    return shorten(", ".join(part for part in parts if part))


def where_line(where: Any, path: str = "") -> str:
    """Write a filter tree in one line: `stage = won and amount > 100`."""
    if not is_object(where):
        return f"{path} = {_value(where)}" if path else ""
    return " and ".join(part for key, value in where.items() if (part := _condition(key, value, path)))


def _condition(key: str, value: Any, path: str) -> str:
    if key in _JOINED and is_list(value):
        return f"({_JOINED[key].join(where_line(branch, path) for branch in value)})"
    if key == "not":
        return f"not ({where_line(value, path)})"
    if is_object(value):
        return where_line(value, f"{path}.{key}" if path else key)
    if path:
        return f"{path} {_OPERATORS.get(key, key)} {_value(value)}"
    return f"{key} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    if is_list(value):
        return ", ".join(_value(item) for item in value)
    return orjson.dumps(value, default=str).decode()


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Say whether a JSON value is an object."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[Any]]:
    """Say whether a JSON value is a list."""
    return isinstance(value, list | tuple)


def shorten(line: str) -> str:
    """Cut a line at its longest."""
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"


def duration(ms: float | None) -> str:
    """Write how long something took: `871 ms`, `4.2 s`, `2 min 5 s`; nothing if it is not known."""
    if ms is None:
        return ""
    if ms < 1:
        return "< 1 ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 59_950:
        return f"{ms / 1_000:.1f} s"
    minutes, seconds = divmod(round(ms / 1_000), 60)
    return f"{minutes} min {seconds} s"


def cost(micros: int, writing: Writing) -> str:
    """Write micro-dollars: `$0.0042`; nothing for what costs nothing."""
    return writing.price(micros, 2 if micros >= 1_000_000 else 4) if micros else ""


def used(model: str, usage: Mapping[str, Any], cost_micros: int, ms: float | None, writing: Writing) -> list[str]:
    """Give the facts of a turn's foot: model, tokens, cost, time; those that are known."""
    tokens = int(usage.get("input_tokens") or 0) + int(usage.get("output_tokens") or 0)
    facts = [model, f"{writing.number(tokens)} tokens" if tokens else "", cost(cost_micros, writing), duration(ms)]
    return [fact for fact in facts if fact]


def run_ms(run: Run) -> float | None:
    """Give how long a run took, in milliseconds; None while it is at work."""
    if run.ended_at is None:
        return None
    return (run.ended_at - (run.started_at or run.created_at)).total_seconds() * 1000


def first_line(text: object, most: int = 160) -> str:
    """Give the first line of a text, shortened; of other JSON its beginning."""
    words = text if isinstance(text, str) else "" if text is None else orjson.dumps(text, default=str).decode()
    line = next((line.strip() for line in words.splitlines() if line.strip()), "")
    return line if len(line) <= most else f"{line[: most - 1]}…"
