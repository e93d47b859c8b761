"""What was understood, in words that read back as the same: the heading of an answer and the labels of its chips.

Companies created in the last 7 days where city is “Berlin” and employees > 200, sorted by name, A to Z, first 5
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metier.builtin.providers.offline import moments
from metier.builtin.providers.offline.lexicon import parts_of
from metier.builtin.providers.offline.reader import NUMERIC, TEMPORAL
from metier.builtin.providers.offline.schema import Schema
from metier.builtin.providers.offline.spec import AnyOf, Condition, Node, Not, Order, Path, Spec
from metier.builtin.providers.offline.stretches import Clockwork
from metier.records.shape import Field, FieldType, ObjectType

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TEXT_WORDS = {
    "contains": "contains",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "like": "exactly like",
    "ilike": "like",
}


@dataclass(frozen=True)
class Teller:
    """Puts specs about one object into words."""

    type: ObjectType
    schema: Schema
    clock: Clockwork

    # fields ----------------------------------------------------------------------------------------

    def field(self, path: Path) -> Field:
        """Give the field at the end of a path."""
        first = self.type.by_name[path[0]]
        if len(path) == 1:
            return first
        if part := parts_of(first).get(path[1]):
            return part
        target = self.schema.object(first.target or "")
        if target is None:
            raise KeyError(path)
        return Teller(target, self.schema, self.clock).field(path[1:])

    def name(self, path: Path) -> str:
        """Say a field: `close date`, `company's city`."""
        first = self.type.by_name[path[0]]
        own = small(self.field(path).label)
        if len(path) == 1 or parts_of(first).get(path[1]):
            return own
        target = self.schema.object(first.target or "")
        inner = Teller(target, self.schema, self.clock).name(path[1:]) if target else own
        return f"{small(first.label)}'s {inner}"

    # conditions ------------------------------------------------------------------------------------

    def condition(self, node: Node) -> str:
        """Say a part of a filter: `employees > 200`, `stage is neither Won nor Lost`."""
        match node:
            case AnyOf():
                return "either " + " or ".join(self.condition(part) for part in node.parts)
            case Not():
                return f"not {self.condition(node.part)}"
            case Condition():
                return self._plain(node)

    def _plain(self, node: Condition) -> str:
        field, name = self.field(node.path), self.name(node.path)
        if node.op == "is":
            return f"{name} is {'empty' if node.value == 'null' else 'not empty'}"
        if node.op in ("eq", "neq", "in", "not_in") and not (field.type in TEMPORAL and node.op == "eq"):
            return f"{name} {_equality(node.op, self._values(node, field))}"
        if field.type in TEMPORAL:
            verb = "" if reads_as_verb(name) else "is "
            return f"{name} {verb}{moments.say(node, field.type, self.clock)}"
        if node.op == "between":
            low, high = (number(value) for value in node.value)
            return f"{name} between {low} and {high}"
        if node.op in _SIGNS:
            return f"{name} {_SIGNS[node.op]} {number(node.value)}"
        return f"{name} {_TEXT_WORDS[node.op]} {quoted(node.value)}"

    def following(self, node: Node) -> str:
        """Say a condition as it may follow a noun: `created in the last 7 days`, `without owner`; else nothing."""
        if not isinstance(node, Condition) or len(node.path) > 1:
            return ""
        field, name = self.field(node.path), self.name(node.path)
        if node.op == "is" and node.value == "null" and field.type is not FieldType.BOOLEAN:
            return f"without {name}"
        if field.type in TEMPORAL and reads_as_verb(name) and node.op not in ("neq", "in", "not_in", "is"):
            return self._plain(node)
        return ""

    def _values(self, node: Condition, field: Field) -> list[str]:
        values = node.value if node.op in ("in", "not_in") else [node.value]
        shown = node.shown or ("",) * len(values)
        return [self._value(value, field, text) for value, text in zip(values, shown, strict=True)]

    def _value(self, value: Any, field: Field, shown: str) -> str:
        if field.type is FieldType.RELATION:
            return "me" if value == "me" else quoted(shown or value)
        if field.type is FieldType.SELECT:
            return next((o.label for o in field.options if o.value == value), str(value))
        if field.type is FieldType.BOOLEAN:
            return "yes" if value else "no"
        if field.type in NUMERIC:
            return number(value)
        if field.type in TEMPORAL:
            return moments.say_moment(value, field.type, self.clock, literal=True)
        return str(value) if field.type is FieldType.UUID else quoted(value)

    # the rest --------------------------------------------------------------------------------------

    def order(self, orders: Sequence[Order]) -> str:
        """Say a sorting: `sorted by amount, highest first, then by name, A to Z`."""
        return "sorted by " + ", then by ".join(f"{self._sort_name(o.path)}, {self._direction(o)}" for o in orders)

    def _sort_name(self, path: Path) -> str:
        first = self.type.by_name[path[0]]
        target = self.schema.object(first.target or "") if first.target else None
        if target is not None and path[1:] == (target.title,):
            return self.name(path[:1])
        return self.name(path)

    def _direction(self, order: Order) -> str:
        kind = self.field(order.path).type
        if kind in NUMERIC:
            return "highest first" if order.descending else "lowest first"
        if kind in TEMPORAL:
            return "newest first" if order.descending else "oldest first"
        return "Z to A" if order.descending else "A to Z"

    def fields(self, paths: Sequence[Path]) -> str:
        """Say which fields are shown: `showing name and city`."""
        return "showing " + listing([self.name(path) for path in paths], "and")

    def noun(self, spec: Spec) -> str:
        """Say the object: `Companies`, `Number of companies`, `Company “Acme”`."""
        if spec.one is not None:
            return f"{capital(self.type.label)} {quoted(spec.one.label)}"
        return f"Number of {small(self.type.label_plural)}" if spec.count else capital(self.type.label_plural)


def restate(spec: Spec, teller: Teller) -> str:
    """Say a spec as one sentence that plans back to it."""
    said = teller.noun(spec)
    direct, clauses = _clauses(spec, teller)
    if direct:
        said += " " + " and ".join(direct)
    if clauses:
        said += " where " + " and ".join(clauses)
    if spec.sort:
        said += ", " + teller.order(spec.sort)
    if spec.limit is not None:
        said += f", first {spec.limit}"
    if spec.select:
        said += ", " + teller.fields(spec.select)
    return said


def _clauses(spec: Spec, teller: Teller) -> tuple[list[str], list[str]]:
    """Split conditions into the first ones that follow a noun ("created …", "without …") and the others ("where …")."""
    direct: list[str] = []
    rest = list(spec.where)
    while rest and (said := teller.following(rest[0])):
        direct.append(said)
        rest.pop(0)
    return direct, [teller.condition(node) for node in rest]


def filter_words(spec: Spec, teller: Teller) -> str:
    """Say only the filter: `created in the last 7 days; employees > 200`."""
    return "; ".join(teller.condition(node) for node in spec.where)


def reads_as_verb(name: str) -> bool:
    """Whether a date's label needs no "is": `created in …`, `due today`."""
    return name.endswith("ed") or name == "due"


# words ---------------------------------------------------------------------------------------------


def _equality(op: str, values: Sequence[str]) -> str:
    if op == "eq":
        return f"is {values[0]}"
    if op == "neq":
        return f"is not {values[0]}"
    if op == "in":
        return f"is {listing(values, 'or')}"
    if len(values) == 1:
        return f"is neither {values[0]}"
    return f"is neither {' nor '.join(values)}"


def listing(words: Sequence[str], last: str) -> str:
    """Join words: `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def quoted(value: Any) -> str:
    """Put a value into quotes that the planner reads back."""
    return "“" + str(value).replace("“", "'").replace("”", "'") + "”"


def number(value: Any) -> str:
    """Write a number with thousands separators: `52,000`, `1,234.5`."""
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:,.9f}".rstrip("0")
    return text.rstrip(".")


def small(label: str) -> str:
    """Write a label inside a sentence: `Close date` → `close date`, `ARR` stays."""
    return " ".join(
        word.lower() if (word[:1].isupper() and word[1:].islower()) or len(word) == 1 else word
        for word in label.split()
    )


def capital(label: str) -> str:
    """Write a label at the start of a sentence."""
    return label[:1].upper() + label[1:]
