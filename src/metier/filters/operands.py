"""What can be compared, with which operators, and how an operand becomes a value of the right type.

Everything is converted and checked here, in Python, so that no operator can fail inside the database (S-11).
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeGuard
from uuid import UUID
from zoneinfo import ZoneInfo

from metier.errors import BadFilter
from metier.filters.times import DAY_WORDS, day_start, fold_word
from metier.filters.times import time_range as range_of

BIGGEST = 2**63 - 1  # a bigint column's
BIGGEST_FLOAT = 1e300
LONGEST_TEXT = 10_000  # characters of one operand
LONGEST_LIST = 1_000  # values of one `in`
MICROS = 1_000_000  # of one whole unit of money


class Kind(StrEnum):
    """How values compare. Every field type, and every part of a composite one, has one kind."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATE_TIME = "date_time"
    SELECT = "select"
    UUID = "uuid"


_ORDERED = ("eq", "neq", "gt", "gte", "lt", "lte", "between", "in", "not_in", "is")

#: The operators of each kind.
OPERATORS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("eq", "neq", "in", "not_in", "like", "ilike", "contains", "starts_with", "ends_with", "is"),
    Kind.NUMBER: _ORDERED,
    Kind.BOOLEAN: ("eq", "neq", "is"),
    Kind.DATE: (*_ORDERED, "within"),
    Kind.DATE_TIME: (*_ORDERED, "within"),
    Kind.SELECT: ("eq", "neq", "in", "not_in", "is"),
    Kind.UUID: ("eq", "neq", "in", "not_in", "is"),
}

#: Names that mean something inside a filter, so that no field may be called so.
RESERVED = frozenset({"and", "or", "not"}.union(*OPERATORS.values()))


@dataclass(frozen=True)
class Choice:
    """One value of a select, and the other words for it."""

    value: str
    label: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Comparable:
    """A field, or a part of one, that can be compared. Only `kind` and `part` decide the query.

    Attributes:
        part: Which part of a composite field; empty for the field itself.
        label: What people call it.
        whole: Numbers are stored as whole ones.
        micros: Numbers are given in whole units and stored in millionths (money).
        choices: The values of a select.
        target: The object whose id this is, e.g. `company`.
    """

    kind: Kind
    part: str = ""
    label: str = field(default="", compare=False)
    whole: bool = False
    micros: bool = False
    choices: tuple[Choice, ...] = field(default=(), compare=False)
    target: str | None = field(default=None, compare=False)
    unit: str = field(default="", compare=False)


@dataclass(frozen=True)
class Here:
    """Where and when a filter is read.

    Attributes:
        now: Now, aware, in the time zone of the person who asks.
        me: The member that `"me"` stands for; None where nobody is signed in (a key).
        my: Fields of that member which a rule may compare with, by name; None where that is no rule. A missing member
            has the names too, without values.
        week_start: The day a week begins with, Monday being 0.
    """

    now: datetime
    me: UUID | None = None
    my: Mapping[str, Any] | None = None  # Any: as JSON
    week_start: int = 0

    @classmethod
    def at(
        cls,
        moment: datetime,
        time_zone: str,
        me: UUID | None = None,
        my: Mapping[str, Any] | None = None,
        *,
        week_start: int = 0,
    ) -> "Here":
        """Stand at an instant in a time zone (IANA name)."""
        return cls(moment.astimezone(ZoneInfo(time_zone)), me, my, week_start)


Value = str | int | float | bool | date | datetime | UUID  # a date where a day of a date_time is meant


def read_value(raw: Any, thing: Comparable, here: Here, path: str) -> Value:
    """Turn one operand into a value of the thing's kind. `raw` is any JSON value, or the Python value itself.

    Raises:
        BadFilter: It is none; names the path, what was expected and an example.
    """
    return _READERS[thing.kind](raw, thing, here, path)


def read_list(raw: Any, thing: Comparable, here: Here, path: str) -> list[Value]:
    """Turn the operand of `in` and `not_in` into values.

    Raises:
        BadFilter: It is no list, too long, or one of it is no value of the kind; names its place.
    """
    if not is_list(raw):
        raise expected(path, raw, "a list of values", [example(thing)])
    if len(raw) > LONGEST_LIST:
        raise BadFilter(path, f"a list of {len(raw)} values is too long; at most {LONGEST_LIST} are allowed.")
    return [read_value(value, thing, here, f"{path}.{i}") for i, value in enumerate(raw)]


def read_pair(raw: Any, thing: Comparable, here: Here, path: str) -> tuple[Value, Value]:
    """Turn the operand of `between` into its two ends.

    Raises:
        BadFilter: It is no list of two values of the kind.
    """
    if not is_list(raw) or len(raw) != 2:
        raise expected(path, raw, "a list of two values, the lower and the upper end", [example(thing), example(thing)])
    return read_value(raw[0], thing, here, f"{path}.0"), read_value(raw[1], thing, here, f"{path}.1")


def mine(op: str, raw: Any, thing: Comparable, here: Here, path: str) -> Any:
    """Give the operand of a rule: `{"me": "email"}` as the member's e-mail, `"me"` as their id, others as they are.

    Returns:
        `ABSENT` if the member or the value is not there, or can be no value of the thing.

    Raises:
        BadFilter: The member has no such field, or one that does not compare so.
    """
    if raw == "me" and thing.target == "member":
        return ABSENT if here.me is None else here.me
    if not is_object(raw) or here.my is None or set(raw) != {"me"}:
        return raw
    name = raw["me"]
    if not isinstance(name, str) or name not in here.my:
        given = name if isinstance(name, str) else None
        problem = f"a member has no field {_show(name)} to compare with."
        raise BadFilter(path, problem, allowed=tuple(here.my), given=given)
    if op not in MINE_OPERATORS or thing.kind not in ((Kind.UUID,) if name == "id" else (Kind.TEXT, Kind.SELECT)):
        what = f"{thing.kind.value.replace('_', ' ')} fields"
        raise BadFilter(
            path, f"{what} do not compare by {op!r} with the member's {name}.", example={"eq": {"me": "id"}}
        )
    value = here.my[name]
    if value is None or (thing.kind is Kind.SELECT and value not in {choice.value for choice in thing.choices}):
        return ABSENT
    return value


#: How a field can be compared with one of the member who acts.
MINE_OPERATORS = ("eq", "neq", "in", "not_in", "contains", "starts_with", "ends_with")

#: What a rule compares with is not there.
ABSENT = object()


def read_is(raw: Any, thing: Comparable, path: str) -> str:
    """Turn the operand of `is` into `null`, `not_null`, `true` or `false`.

    Raises:
        BadFilter: It is none of those the kind knows.
    """
    allowed = ("null", "not_null", *(("true", "false") if thing.kind is Kind.BOOLEAN else ()))
    word = "null" if raw is None else str(raw).strip().casefold().replace(" ", "_")
    if word not in allowed or (isinstance(raw, int) and not isinstance(raw, bool)):
        problem = f"expected {_either(allowed)}, not {_show(raw)}."
        raise BadFilter(path, problem, allowed=allowed, example="null", given=word)
    return word


def is_list(raw: Any) -> TypeGuard[Sequence[Any]]:
    """Say whether a JSON value is a list."""
    return isinstance(raw, Sequence) and not isinstance(raw, str | bytes)


def is_object(raw: Any) -> TypeGuard[Mapping[Any, Any]]:
    """Say whether a JSON value is an object."""
    return isinstance(raw, Mapping)


def example(thing: Comparable) -> Any:
    """Give a right operand, as JSON."""
    if thing.choices:
        return thing.choices[0].value
    return _EXAMPLES[thing.kind]


def expected(path: str, raw: Any, what: str, right: Any) -> BadFilter:
    """Make the error for an operand of the wrong form."""
    return BadFilter(path, f"expected {what}, not {_show(raw)}.", example=right)


def storable_text(text: str) -> bool:
    """Say whether the database can hold the text: no NUL, no half of a surrogate pair."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


# --- one reader per kind ---------------------------------------------------------------------------------------------


def _text(raw: Any, thing: Comparable, here: Here, path: str) -> str:
    if not isinstance(raw, str):
        raise expected(path, raw, "a text", example(thing))
    if len(raw) > LONGEST_TEXT:
        raise BadFilter(path, f"the text is too long; at most {LONGEST_TEXT:,} characters are allowed.")
    if not storable_text(raw):
        raise BadFilter(path, "the text holds a character that no record can hold.", example=example(thing))
    return str(raw)


def _number(raw: Any, thing: Comparable, here: Here, path: str) -> int | float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise expected(path, raw, "a number", example(thing))
    limit = BIGGEST // MICROS if thing.micros else BIGGEST if thing.whole else BIGGEST_FLOAT
    if abs(raw) > limit or not math.isfinite(raw):
        raise BadFilter(path, f"expected a number between -{limit:g} and {limit:g}.", example=example(thing))
    return raw


def _boolean(raw: Any, thing: Comparable, here: Here, path: str) -> bool:
    if not isinstance(raw, bool):
        raise expected(path, raw, "true or false", True)
    return raw


def _select(raw: Any, thing: Comparable, here: Here, path: str) -> str:
    """Take an option by its value; else by its label or another word for it, if only one option has that."""
    allowed = tuple(choice.value for choice in thing.choices)
    if isinstance(raw, str):
        if raw in allowed:
            return str(raw)
        word = raw.strip().casefold()
        named = [c.value for c in thing.choices if word in {w.casefold() for w in (c.value, c.label, *c.aliases)}]
        if len(named) == 1:
            return named[0]
    given = raw if isinstance(raw, str) else None
    problem = f"{_show(raw)} is no option of {thing.label or 'the field'}; expected {_either(allowed)}."
    raise BadFilter(path, problem, allowed=allowed, example=example(thing), given=given)


def _uuid(raw: Any, thing: Comparable, here: Here, path: str) -> UUID:
    if isinstance(raw, UUID):
        return raw
    if raw == "me" and thing.target == "member":
        if here.me is None:
            raise BadFilter(path, "'me' stands for the signed-in member, and a key is no member.")
        return here.me
    try:
        return UUID(raw)
    except (ValueError, AttributeError, TypeError):
        me = ' or "me"' if thing.target == "member" else ""
        hint = f" To compare its own fields, name them: {thing.target}.name." if thing.part == "id" else ""
        what = f"the id of a {thing.target}{me}" if thing.target else "an id (a UUID)"
        raise BadFilter(path, f"expected {what}, not {_show(raw)}.{hint}", example=example(thing)) from None


def _date(raw: Any, thing: Comparable, here: Here, path: str) -> date:
    found = _day_or_instant(raw, here)
    if found is None:
        raise expected(path, raw, "a date like '2026-03-01', 'today', 'yesterday' or 'tomorrow'", example(thing))
    try:
        return found.astimezone(here.now.tzinfo).date() if isinstance(found, datetime) else found
    except OverflowError:
        raise _beyond(path, thing) from None


def _date_time(raw: Any, thing: Comparable, here: Here, path: str) -> date | datetime:
    """Give an instant in UTC, or a date where a whole day is meant."""
    found = _day_or_instant(raw, here)
    if found is None:
        what = "a time like '2026-03-01T09:30:00Z', a date like '2026-03-01', 'now' or 'today'"
        raise expected(path, raw, what, example(thing))
    try:
        if isinstance(found, datetime):
            return found.astimezone(UTC)
        day_start(found, here.now).astimezone(UTC)
        day_start(date.fromordinal(found.toordinal() + 1), here.now).astimezone(UTC)
        return found
    except (OverflowError, ValueError):
        raise _beyond(path, thing) from None


def _day_or_instant(raw: Any, here: Here) -> date | datetime | None:
    """Read a date, a time (without offset: where the person is), `now`, `today`, `yesterday`, `tomorrow`."""
    if isinstance(raw, datetime):
        return raw if raw.tzinfo else raw.replace(tzinfo=here.now.tzinfo)
    if isinstance(raw, date):
        return raw
    if not isinstance(raw, str):
        return None
    word = fold_word(raw)
    if word == "now":
        return here.now
    if word in DAY_WORDS:
        return range_of(word, "date", here.now)[0]
    try:
        if _DAY.match(text := raw.strip()):
            return date.fromisoformat(text)
        return _day_or_instant(datetime.fromisoformat(text), here) if _TIME.match(text) else None
    except ValueError:
        return None


def _beyond(path: str, thing: Comparable) -> BadFilter:
    return BadFilter(path, "the time lies beyond the years 1 to 9999.", example=example(thing))


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")

_READERS: Mapping[Kind, Callable[[Any, Comparable, Here, str], Value]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.DATE_TIME: _date_time,
    Kind.SELECT: _select,
    Kind.UUID: _uuid,
}

_EXAMPLES: Mapping[Kind, Any] = {
    Kind.TEXT: "Acme",
    Kind.NUMBER: 100,
    Kind.BOOLEAN: True,
    Kind.DATE: "2026-03-01",
    Kind.DATE_TIME: "2026-03-01T09:30:00Z",
    Kind.SELECT: "won",
    Kind.UUID: "01890a5d-ac96-774b-bcce-b302099a8057",
}


def _show(raw: Any) -> str:
    """Show what was given, shortened."""
    if raw is None:
        return "null"
    text = ("true" if raw else "false") if isinstance(raw, bool) else repr(raw)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _either(words: Sequence[str]) -> str:
    shown = [repr(word) for word in words[:12]]
    return f"one of {', '.join(shown)}{', …' if len(words) > len(shown) else ''}"
