"""Adding a filter: which operators a field offers, and what kind of control asks for the value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from metier.records.shape import Field, FieldType, ObjectType
from metier.web.view import Condition, View

Control = Literal["text", "list", "number", "pair", "day", "word", "ticks", "none"]


@dataclass(frozen=True)
class Operator:
    """A way to compare, as people read it.

    Attributes:
        key: Its name in the form; `is:null` for one whose value is fixed.
        control: What asks for the value; `none` if nothing is asked.
    """

    key: str
    label: str
    control: Control

    @property
    def op(self) -> str:
        """The operator of the filter tree."""
        return self.key.partition(":")[0]

    @property
    def fixed(self) -> str:
        """The value that goes without asking."""
        return self.key.partition(":")[2]


EMPTY = (Operator("is:null", "is empty", "none"), Operator("is:not_null", "is not empty", "none"))
WORDS = (
    Operator("contains", "contains", "text"),
    Operator("eq", "is", "text"),
    Operator("starts_with", "starts with", "text"),
    *EMPTY,
)
AMOUNTS = (
    Operator("gte", "is at least", "number"),
    Operator("lte", "is at most", "number"),
    Operator("eq", "is", "number"),
    Operator("between", "is between", "pair"),
    *EMPTY,
)
TIMES = (
    Operator("within", "is within", "word"),
    Operator("gte", "is on or after", "day"),
    Operator("lt", "is before", "day"),
    *EMPTY,
)
CHOICES = (Operator("in", "is any of", "ticks"), Operator("not_in", "is none of", "ticks"), *EMPTY)
TRUTH = (Operator("eq:true", "is yes", "none"), Operator("eq:false", "is no", "none"))
MINE = (Operator("eq:me", "is me", "none"),)
LINKED = (Operator("contains", "has a name with", "text"), *EMPTY)

OPERATORS: Mapping[FieldType, Sequence[Operator]] = {
    FieldType.TEXT: WORDS,
    FieldType.FULL_NAME: WORDS,
    FieldType.EMAILS: WORDS,
    FieldType.LINKS: WORDS,
    FieldType.NUMBER: AMOUNTS,
    FieldType.CURRENCY: AMOUNTS,
    FieldType.DATE: TIMES,
    FieldType.DATE_TIME: TIMES,
    FieldType.SELECT: CHOICES,
    FieldType.BOOLEAN: TRUTH,
    FieldType.RELATION: LINKED,
}

TIME_WORDS: Mapping[str, str] = {
    "today": "today",
    "yesterday": "yesterday",
    "last_7_days": "the last 7 days",
    "last_30_days": "the last 30 days",
    "last_90_days": "the last 90 days",
    "this_week": "this week",
    "this_month": "this month",
    "previous_month": "the month before",
    "this_quarter": "this quarter",
    "this_year": "this year",
    "next_7_days": "the next 7 days",
    "next_30_days": "the next 30 days",
    "next_90_days": "the next 90 days",
}
LOOKING_BACK = frozenset({"created_at", "updated_at"})  # these never lie ahead


def offered(field: Field, target: ObjectType | None = None) -> Sequence[Operator]:
    """Give the operators a field offers; none for one that people do not filter by.

    Args:
        target: What a relation points to, as the actor sees it.
    """
    mine = MINE if field.target == "member" else ()
    nameless = target is not None and not target.has_title
    return (*mine, *(EMPTY if nameless else OPERATORS.get(field.type, ())))


def time_words(field: Field) -> Mapping[str, str]:
    """Give the time words a field offers, and how they read."""
    return {
        word: said
        for word, said in TIME_WORDS.items()
        if field.name not in LOOKING_BACK or not word.startswith("next_")
    }


@dataclass(frozen=True)
class Picking:
    """A filter in the making.

    Attributes:
        view: The list without this filter.
        values: What was given so far.
        problem: What is wrong with it, as a sentence.
    """

    view: View
    field: Field
    operator: Operator
    values: tuple[str, ...] = ()
    problem: str = ""

    @property
    def operators(self) -> Sequence[Operator]:
        """The ways to compare this field."""
        return offered(self.field, self.view.objects.get(self.field.target or ""))

    @property
    def words(self) -> Mapping[str, str]:
        """The time words to choose from."""
        return time_words(self.field)

    def given(self, place: int) -> str:
        """Give one of the values given so far; empty if there is none."""
        return self.values[place] if place < len(self.values) else ""

    def condition(self) -> Condition | None:
        """Give the filter, or None as long as its value is missing."""
        if self.operator.control == "none":
            return Condition(self._path(), self.operator.op, self.operator.fixed)
        given = [value.strip() for value in self.values if value.strip()]
        if not given or (self.operator.control == "pair" and len(given) != 2):
            return None
        return Condition(self._path(), self.operator.op, ",".join(given))

    def _path(self) -> str:
        target = self.view.objects.get(self.field.target or "")
        if self.operator.control == "text" and self.field.type is FieldType.RELATION and target:
            return f"{self.field.name}.{target.title}"
        return self.field.name


def pick(view: View, name: str, key: str = "", values: Sequence[str] = ()) -> Picking | None:
    """Begin a filter on a field, with its first operator unless one is named; None for a field without any."""
    field = view.kind.by_name.get(name)
    operators = offered(field, view.objects.get(field.target or "")) if field else ()
    if field is None or not operators:
        return None
    chosen = next((o for o in operators if o.key == key), operators[0])
    return Picking(view, field, chosen, tuple(values))


def edit(view: View, condition: Condition) -> Picking | None:
    """Take up a filter again; None if the form has no control for it."""
    name, _, rest = condition.path.partition(".")
    keys = (condition.op, f"{condition.op}:{condition.text}")
    picking = pick(view.without(condition), name)
    known = next((o for o in picking.operators if o.key in keys), None) if picking else None
    if picking is None or known is None or bool(rest) != (picking.field.type is FieldType.RELATION and not known.fixed):
        return None
    values = condition.text.split(",") if known.control in ("ticks", "pair") else [condition.text]
    return Picking(picking.view, picking.field, known, tuple(values))
