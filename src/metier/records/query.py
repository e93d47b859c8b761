"""What a caller asks for, read and checked: filter, sort, selection, limit, cursor → a shape and its values.

The shape is all that decides the SQL; two questions of one shape share one compiled query.
"""

import base64
import binascii
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal, TypedDict
from uuid import UUID

from metier.errors import Invalid, Problem, UnknownField
from metier.filters import Comparable, Here, Kind, Node, Scope, read_where, snake, storable_text
from metier.records.catalog import View
from metier.records.shape import FieldType, ObjectType

LARGEST_PAGE = 500
MOST_SORT_KEYS = 5
COUNT_CAP = 10_000  # a capped count says "more than" beyond
REMEMBERED = 1_000  # sorts and selections that were read
NEWEST_FIRST = "-created_at"

Count = Literal["no", "capped", "exact"]
Where = Mapping[str, Any]  # Any: checked by filters.read_where
Sort = str | Sequence[str]


class Question(TypedDict, total=False):
    """The arguments of `Records.find`."""

    where: Where | None
    sort: Sort
    limit: int
    cursor: str | None
    select: Sequence[str] | str | None
    count: Count
    deleted: bool


_NEVER_EMPTY = {"id", "created_at", "updated_at"}
_BIGGEST = 2**63 - 1


@dataclass(frozen=True)
class SortKey:
    """One step of an order.

    Attributes:
        path: Relations to follow, then the field.
        filled: No record lacks it.
    """

    path: tuple[str, ...]
    thing: Comparable
    descending: bool
    filled: bool


@dataclass(frozen=True)
class Shape:
    """A question without its values.

    Attributes:
        sort: Always ends with the id, so that no two records are equal.
        after: For each sort key whether the cursor's value is null; None for the first page.
        limit: Records of the page; 0 for none.
        deleted: Ask for the records that are deleted instead of those that are there.
    """

    object: str
    tree: Node
    sort: tuple[SortKey, ...]
    select: tuple[str, ...]
    after: tuple[bool, ...] | None
    limit: int
    count: Count
    deleted: bool = False


@dataclass(frozen=True)
class Query:
    """A question: its shape, and the values by parameter name."""

    shape: Shape
    parameters: dict[str, Any]

    @property
    def fingerprint(self) -> int:
        """A number that is the same for the pages of one walk."""
        return zlib.crc32(repr((self.shape.object, self.shape.sort, self.shape.deleted)).encode())


class Questions:
    """Reads questions; remembers the sorts and selections it has read."""

    def __init__(self) -> None:
        self._sort = lru_cache(REMEMBERED)(_read_sort)
        self._select = lru_cache(REMEMBERED)(_read_select)

    def read(self, view: View, object_type: ObjectType, here: Here, question: Question) -> Query:
        """Read a question about an object of the view.

        Raises:
            UnknownField, BadFilter, Invalid: What is wrong and where.
        """
        limit, cursor = question.get("limit", 50), question.get("cursor")
        if isinstance(limit, bool) or not 0 <= limit <= LARGEST_PAGE:
            problem = Problem("limit", f"expected a number from 0 to {LARGEST_PAGE}, not {limit!r}", example=50)
            raise Invalid.of([problem])
        name = object_type.name
        read = read_where(question.get("where"), view.names(name), here)
        sort = self._sort(_words(question.get("sort")), view, name)
        select = self._select(_words(question.get("select")), view, name)
        count, deleted = question.get("count", "no"), question.get("deleted", False)
        shape = Shape(name, read.tree, sort, select, None, limit, count, deleted)
        parameters: dict[str, Any] = {f"v{i}": value for i, value in enumerate(read.values)}
        query = Query(shape, parameters)
        return query if cursor is None else _after(query, cursor)


def write_cursor(query: Query, keys: str) -> str:
    """Make the cursor of the next page.

    Args:
        query: The question of this page.
        keys: The sort keys of its last record as a JSON array.
    """
    return base64.urlsafe_b64encode(f"[{query.fingerprint},{keys}]".encode()).decode().rstrip("=")


# --- sort ------------------------------------------------------------------------------------------------------------


def _words(given: Sequence[str] | str | None) -> tuple[str, ...]:
    """Take a list or a comma-separated text apart."""
    words = given.split(",") if isinstance(given, str) else given or ()
    return tuple(str(word).strip() for word in words)


def _read_sort(words: tuple[str, ...], view: View, name: str) -> tuple[SortKey, ...]:
    object_type = view.objects[name]
    named = [word for word in words if word] or [NEWEST_FIRST if "created_at" in object_type.by_name else "-id"]
    if len(named) > MOST_SORT_KEYS:
        raise Invalid.of([Problem("sort", f"at most {MOST_SORT_KEYS} fields can be sorted by")])
    keys = [_sort_key(word, view, object_type, f"sort.{i}") for i, word in enumerate(named)]
    keys.append(_sort_key("-id" if keys[-1].descending else "id", view, object_type, "sort"))
    first = {(key.path, key.thing): key for key in reversed(keys)}
    keys = [key for key in keys if first[key.path, key.thing] is key]
    return tuple(keys)


def _sort_key(word: str, view: View, object_type: ObjectType, path: str) -> SortKey:
    """Read `-amount`. A relation sorts by its records' titles."""
    name = word.lstrip("+-")
    if len(word) - len(name) > 1 or len(name) > 200 or not storable_text(name):
        raise Invalid.of([Problem(path, f"{word[:60]!r} is no sort", example="-created_at")])
    scope = Scope(view.names(object_type.name))
    spot = scope.find(name, path)
    while spot.entry.relation:
        inner = scope.within(spot, path)
        spot = inner.find(view.object(inner.names.name).title, path)
    if spot.entry.thing is None:
        raise Invalid.of([Problem(path, f"{name!r} cannot be sorted by", example="-created_at")])
    filled = len(spot.path) == 1 and spot.path[0] in _NEVER_EMPTY
    return SortKey(spot.path, spot.entry.thing, word.startswith("-"), filled)


# --- selection -------------------------------------------------------------------------------------------------------


def _read_select(words: tuple[str, ...], view: View, name: str) -> tuple[str, ...]:
    """Give the names to show, the id first; `<relation>_id` for a relation's bare id."""
    object_type = view.objects[name]
    everything = [field.name for field in object_type.fields]
    names = [_selected(word, object_type, f"select.{i}") for i, word in enumerate(words) if word]
    if not names or "*" in names:
        names = [*everything, *(name for name in names if name != "*")]
    return tuple(dict.fromkeys(["id", *names]))


def _selected(name: str, object_type: ObjectType, path: str) -> str:
    fields = object_type.by_name
    ids = [f"{field.name}_id" for field in object_type.fields if field.type is FieldType.RELATION]
    for spelled in (name, snake(name)):
        if spelled == "*" or spelled in fields or spelled in ids:
            return spelled
    raise UnknownField(name[:200], object_type.name, fields, path=path)


# --- cursor ----------------------------------------------------------------------------------------------------------


def _after(query: Query, cursor: str) -> Query:
    """Continue behind the cursor.

    Raises:
        Invalid: It is no cursor of this question.
    """
    shape = query.shape
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        number, keys = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if number != query.fingerprint or len(keys) != len(shape.sort):
            raise ValueError
        values = [_cursor_value(raw, key) for raw, key in zip(keys, shape.sort, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        problem = Problem("cursor", "is no cursor of this query; leave it out to begin again")
        raise Invalid.of([problem], what="The cursor") from None
    nulls = tuple(value is None for value in values)
    parameters = {f"k{i}": value for i, value in enumerate(values) if value is not None}
    return Query(replace(shape, after=nulls), query.parameters | parameters)


def _cursor_value(raw: Any, key: SortKey) -> Any:
    """Check a sort key that came back from a client: `Any` JSON in, a value of the key's SQL type out."""
    kind = key.thing.kind
    if raw is None:
        if key.filled:
            raise ValueError
        return None
    if kind is Kind.BOOLEAN:
        return _typed(raw, bool)
    if kind is Kind.SELECT or (kind is Kind.NUMBER and key.thing.whole):
        return _number(raw, int)
    if kind is Kind.NUMBER:
        return float(_number(raw, int | float))
    return _from_text(_typed(raw, str), kind)


def _from_text(text: str, kind: Kind) -> Any:
    if kind is Kind.DATE:
        return date.fromisoformat(text)
    if kind is Kind.UUID:
        return UUID(text)
    if kind is Kind.DATE_TIME:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if not storable_text(text):
        raise ValueError
    return text


def _typed(raw: Any, kind: Any) -> Any:
    if not isinstance(raw, kind):
        raise TypeError
    return raw


def _number(raw: Any, kind: Any) -> Any:
    if isinstance(raw, bool) or (abs(_typed(raw, kind)) > _BIGGEST and kind is int) or not math.isfinite(raw):
        raise ValueError
    return raw
