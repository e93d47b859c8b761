"""A record list as its address says it: `/o/company?q=ac&f.stage=won&f.amount.gt=5000&sort=-amount`.

`f.<field>=` means is, `f.<field>.<operator>=` any other operator; `in`, `not_in` and `between` take values with commas
between them. A relation's own fields go on with a dot: `f.company.name.contains=acme`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

import orjson

from metier.errors import Invalid, Problem
from metier.filters import RESERVED
from metier.records.shape import Field, FieldType, ObjectType

FILTER = "f."
LISTS = frozenset({"in", "not_in", "between"})
KEYS = ("q", "sort", "deleted")  # beside filters
LAST_DELETED_FIRST = ("-updated_at",)
NUMBERS = frozenset({FieldType.NUMBER, FieldType.CURRENCY})
FALLING_FIRST = frozenset({*NUMBERS, FieldType.DATE, FieldType.DATE_TIME})  # the first click shows the most, the newest


@dataclass(frozen=True)
class Condition:
    """One filter: `path` as in the address, its operator, and the text of its value."""

    path: str
    op: str
    text: str

    @property
    def key(self) -> str:
        """Its name in the address."""
        return f"{FILTER}{self.path}" if self.op == "eq" else f"{FILTER}{self.path}.{self.op}"


@dataclass(frozen=True)
class View:
    """What a record list shows.

    Attributes:
        objects: Those the actor may read, by name.
        deleted: The records that are deleted, instead of those that are there.
    """

    kind: ObjectType
    objects: Mapping[str, ObjectType]
    q: str = ""
    conditions: tuple[Condition, ...] = ()
    sort: tuple[str, ...] = ()
    deleted: bool = False

    @classmethod
    def read(
        cls,
        kind: ObjectType,
        objects: Iterable[ObjectType],
        given: Iterable[tuple[str, str]],
        *,
        also: Sequence[str] = (),
    ) -> Self:
        """Read an address's query.

        Args:
            also: Names the page takes beside those of the view.

        Raises:
            Invalid: Names every part that is not known.
        """
        pairs = list(given)
        allowed = (*KEYS, *also)
        strays = [name for name, _ in pairs if name not in allowed and not name.startswith(FILTER)]
        if strays:
            problems = [Problem(s, f"{s!r} is not known here", allowed=(*allowed, "f.<field>")) for s in strays]
            raise Invalid.of(problems, what="The address")
        single = dict(pairs)
        return cls(
            kind=kind,
            objects={o.name: o for o in objects},
            q=single.get("q", "").strip(),
            conditions=tuple(_condition(name, text) for name, text in pairs if name.startswith(FILTER)),
            sort=tuple(part for part in single.get("sort", "").split(",") if part),
            deleted=single.get("deleted", "") not in ("", "0", "false"),
        )

    @property
    def url(self) -> str:
        """Where this view is."""
        return self.at()

    @property
    def title(self) -> Field:
        """The field that names a record."""
        return self.kind.by_name[self.kind.title]

    @property
    def order(self) -> tuple[str, ...]:
        """What to sort by: what was chosen, else the newest first, and of those that are deleted the last one."""
        return self.sort or (LAST_DELETED_FIRST if self.deleted else ())

    @property
    def narrowed(self) -> bool:
        """Whether anything but sorting is asked."""
        return bool(self.q or self.conditions)

    def pairs(self) -> list[tuple[str, str]]:
        """Give the query as names and values."""
        found = [("q", self.q)] if self.q else []
        found += [(c.key, c.text) for c in self.conditions]
        found += [("sort", ",".join(self.sort))] if self.sort else []
        return found + ([("deleted", "1")] if self.deleted else [])

    def at(self, suffix: str = "", **more: str | int) -> str:
        """Give the address of this view; `suffix` `.json` for its data."""
        query = urlencode([*self.pairs(), *((name, str(value)) for name, value in more.items())])
        return f"/o/{self.kind.name}{suffix}" + (f"?{query}" if query else "")

    def with_condition(self, condition: Condition) -> Self:
        """Give the view narrowed by one more filter."""
        return replace(self, conditions=(*self.conditions, condition))

    def without(self, condition: Condition) -> Self:
        """Give the view without a filter."""
        return replace(self, conditions=tuple(c for c in self.conditions if c is not condition))

    def cleared(self) -> Self:
        """Give the view with everything in it, in the same order."""
        return replace(self, q="", conditions=())

    def sorted_by(self, field: Field) -> Self:
        """Give the view that a click on a column's head leads to: one way, the other way, not at all."""
        name = sort_name(field, self.objects)
        first, second = (f"-{name}", name) if field.type in FALLING_FIRST else (name, f"-{name}")
        following = {first: (second,), second: ()}
        return replace(self, sort=following.get(",".join(self.sort), (first,)))

    def direction(self, field: Field) -> str | None:
        """Say how a column is sorted, in the words of `aria-sort`; None if it is not."""
        name = sort_name(field, self.objects)
        return {name: "ascending", f"-{name}": "descending"}.get(",".join(self.sort))

    def where(self) -> dict[str, Any]:
        """Give the filter tree."""
        trees = [self.tree(c) for c in self.conditions]
        if self.q:
            trees.append({self.kind.title: {"contains": self.q}} if self.kind.has_title else {"id": self.q})
        if len(trees) < 2:
            return trees[0] if trees else {}
        return {"and": trees}

    def tree(self, condition: Condition) -> dict[str, Any]:
        """Give one filter as a tree, its text turned into values of the field's type."""
        field = self.field(condition.path)
        parts = condition.text.split(",") if condition.op in LISTS else [condition.text]
        values = [_value(part.strip() if condition.op in LISTS else part, field) for part in parts]
        return {condition.path: {condition.op: values if condition.op in LISTS else values[0]}}

    def field(self, path: str) -> Field | None:
        """Give the field a path leads to (for a part of one, the whole), or None if there is none."""
        kind: ObjectType | None = self.kind
        found: Field | None = None
        for name in path.split("."):
            step = kind.by_name.get(name) if kind else None
            if step is None:
                return found if found and found.type is not FieldType.RELATION else None
            found = step
            kind = self.objects.get(step.target or "")
        return found

    @property
    def new_url(self) -> str:
        """Give where a record of this kind is made, with the values that the view asks for already in."""
        query = [(c.path, c.text) for c in self.conditions if c.op == "eq" and c.path in self.kind.by_name]
        return f"/o/{self.kind.name}/new" + (f"?{urlencode(query)}" if query else "")

    def api_url(self) -> str:
        """Give the API's address of the same data."""
        query: dict[str, str] = {}
        if where := self.where():
            query["where"] = orjson.dumps(where).decode()
        if self.sort:
            query["sort"] = ",".join(self.sort)
        if self.deleted:
            query["deleted"] = "true"
        return f"/api/v1/records/{self.kind.name}" + (f"?{urlencode(query)}" if query else "")


def sort_name(field: Field, objects: Mapping[str, ObjectType]) -> str:
    """Give what a field sorts by: a relation by the name of what it points to."""
    target = objects.get(field.target or "")
    return f"{field.name}.{target.title}" if field.type is FieldType.RELATION and target else field.name


def _condition(key: str, text: str) -> Condition:
    path, _, last = key.removeprefix(FILTER).rpartition(".")
    return Condition(path, last, text) if path and last in RESERVED else Condition(key.removeprefix(FILTER), "eq", text)


def _value(text: str, field: Field | None) -> str | int | float | bool:
    """Turn text into a value of the field's type where JSON has one; else the text, for the data door to judge."""
    if field and field.type in NUMBERS:
        return number_of(text)
    if field and field.type is FieldType.BOOLEAN and text in ("true", "false"):
        return text == "true"
    return text


def number_of(text: str) -> str | int | float:
    """Give the number that a text writes, or the text."""
    plain = text.replace(" ", "").replace("_", "")
    for read in (int, float):
        try:
            return read(plain)
        except ValueError:
            continue
    return text
