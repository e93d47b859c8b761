"""Plays thrown by dice: objects, members, rows with gaps everywhere, roles of every shape, and who asks what of them.

A seed gives the same play for ever. Values come from small pools, so that conditions often hold for some rows only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from metier.records import Field, FieldType, ObjectType
from metier.records.policy import MEMBER
from tests.records.brute import DAYS, PARTS, ROLLING
from tests.records.invent import NOW, OPERATORS, OPTIONS, ORDERED, TEXTUAL, Place, Question
from tests.records.sight import cut
from tests.records.world import object_type

ACTIONS = ("read", "create", "update", "delete", "destroy")
MEMBERS = (
    {"name": "Ada", "email": "ada@x.io", "time_zone": "UTC"},
    {"name": "a", "email": None, "time_zone": "UTC"},
    {"name": "aA b", "email": "a@x.io", "time_zone": "UTC"},
)
SCALARS = [kind for kind in FieldType if kind is not FieldType.RELATION]

T = TypeVar("T")


@dataclass(frozen=True)
class Policy:
    """Who asks: the place of a member, or None for a key; the roles of the chain; and what is asked."""

    member: int | None
    roles: list[dict[str, Any]]
    questions: list[Question]


@dataclass(frozen=True)
class Play:
    """Two object types, members, rows, and several who ask about them. Relations name the places of records."""

    types: Mapping[str, ObjectType]
    rows: Mapping[str, list[dict[str, Any]]]
    policies: list[Policy]


def play(seed: int, *, policies: int, questions: int) -> Play:
    """Throw a play."""
    return _Dice(seed).play(policies, questions)


class _Dice:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def one(self, things: Sequence[T]) -> T:
        return self._random.choice(things)

    def some(self, throw: Callable[[], T], least: int, most: int) -> list[T]:
        return [throw() for _ in range(self._random.randint(least, most))]

    def by_chance(self, share: float) -> bool:
        return self._random.random() < share

    # --- objects and rows --------------------------------------------------------------------------------------------

    def play(self, policies: int, questions: int) -> Play:
        relations = [("rel", "other"), ("up", "thing"), ("owner", "member")]
        thing = object_type("thing", *self.fields("t", 4), *(_relation(*pair) for pair in relations))
        other = object_type("other", *self.fields("o", 2), _relation("keeper", "member"))
        types = {"other": other, "thing": thing, "member": MEMBER}
        sizes = {"member": len(MEMBERS), "other": 5, "thing": 12}
        self._rows = {"member": [dict(member) for member in MEMBERS]}
        self._rows |= {name: [self.row(types[name], sizes) for _ in range(sizes[name])] for name in ("other", "thing")}
        return Play(types, self._rows, [self.policy(types, questions) for _ in range(policies)])

    def fields(self, prefix: str, count: int) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for place in range(count):
            kind = self.one(SCALARS)
            field: dict[str, Any] = {"name": f"{prefix}{place}", "type": kind.value}
            if kind is FieldType.SELECT:
                field["options"] = [{"value": value, "label": value.upper()} for value in OPTIONS]
            if kind is FieldType.NUMBER:
                field["decimals"] = self.one([0, 2])
            made.append(field)
        return made

    def row(self, kind: ObjectType, sizes: Mapping[str, int]) -> dict[str, Any]:
        row: dict[str, Any] = {"deleted": self.by_chance(0.1), "created_at": self.moment()}
        for field in kind.fields:
            if field.type is FieldType.RELATION:
                row[field.name] = self._random.randrange(sizes[field.target or ""])
            elif not field.system:
                row[field.name] = self.value(field)
            if not field.system and self.by_chance(0.25):
                row[field.name] = None
        return row

    def value(self, field: Field) -> Any:
        """Throw a JSON value as it is inserted."""
        match field.type:
            case FieldType.TEXT:
                return self.one(["a", "A", "ab", "ada@x.io", "B_", "é%", "ßa", "\\"])
            case FieldType.NUMBER:
                return self.one([-1.5, 0.0, 0.1, 2.0, 2.5e17]) if field.decimals else self.one([-3, 0, 1, 2, 2**53])
            case FieldType.BOOLEAN:
                return self.by_chance(0.5)
            case FieldType.DATE:
                return (NOW + timedelta(days=self.one([-400, -15, -7, -1, 0, 1, 7, 30]))).date().isoformat()
            case FieldType.DATE_TIME:
                return self.moment().isoformat()
            case FieldType.SELECT:
                return self.one(OPTIONS)
            case FieldType.CURRENCY:
                return {
                    "amount_micros": self.one([-2_000_001, 0, 1_000_000]),
                    "currency_code": self.one(["EUR", "USD"]),
                }
            case FieldType.EMAILS:
                return {"primary_email": self.one(["a@x.io", "A@x.io", "zoe@é.example"])}
            case FieldType.LINKS:
                return {
                    "primary_link_url": self.one(["https://a.example", "http://b.example/_"]),
                    "primary_link_label": self.one([None, "a"]),
                }
            case FieldType.FULL_NAME:
                return {"first_name": self.one(["a", "Ä"]), "last_name": self.one([None, "b"])}
            case _:
                return str(UUID(int=self.one([1, 2, 3])))

    def moment(self) -> Any:
        return NOW + timedelta(days=self.one([-60, -15, -7, -1, 0, 1, 9]), minutes=self.one([-1, 0, 1]))

    # --- filters -----------------------------------------------------------------------------------------------------

    def tree(
        self, kind: ObjectType, types: Mapping[str, ObjectType], depth: int, *, rule: bool, hops: int = 0
    ) -> dict[str, Any]:
        """Throw a where tree; in a rule the member who acts may stand in it."""
        if depth == 0 or self.by_chance(0.3):
            return self.leaf(kind, types, rule=rule, hops=hops)

        def inner() -> dict[str, Any]:
            return self.tree(kind, types, depth - 1, rule=rule, hops=hops)

        word = self.one(["and", "or", "or", "not", "keys"])
        if word == "not":
            return {"not": inner()}
        return inner() | inner() if word == "keys" else {word: self.some(inner, 1, 3)}

    def leaf(self, kind: ObjectType, types: Mapping[str, ObjectType], *, rule: bool, hops: int) -> dict[str, Any]:
        field = self.one([f for f in kind.fields if f.name != "updated_at"])
        if rule and self.by_chance(0.4) and (mine := self.mine(kind)):
            return mine
        if field.name == "id":
            return self.ids("id", kind.name)
        if field.type is FieldType.RELATION:
            return self.relation(field, types, rule=rule, hops=hops)
        parts = PARTS.get(field.type, ())
        part = self.one(["", *parts]) if parts else ""
        test = self.condition(field, part)
        if part:
            return self.one([{f"{field.name}.{part}": test}, {field.name: {part: test}}])
        return {field.name: test["eq"]} if "eq" in test and self.by_chance(0.5) else {field.name: test}

    def condition(self, field: Field, part: str) -> dict[str, Any]:
        """Throw `{operator: operand}`."""
        kind = field.type
        if part:
            kind = FieldType.NUMBER if part == "amount_micros" else FieldType.TEXT
        elif kind in PARTS:
            kind = FieldType.NUMBER if kind is FieldType.CURRENCY else FieldType.TEXT
        op = self.one(OPERATORS[kind])
        if op == "is":
            return {op: self.one(["null", "not_null", *([True, False] if kind is FieldType.BOOLEAN else [])])}
        if op == "within":
            return {op: self.one([*DAYS, *ROLLING])}
        if op in TEXTUAL:
            return {op: self.one(["a", "A", "%a%", "_", "é", "b"])}
        if op in ("in", "not_in"):
            return {op: self.some(lambda: self.operand(field, part), 0, 3)}
        if op == "between":
            return {op: [self.operand(field, part), self.operand(field, part)]}
        half = kind is FieldType.NUMBER and op in ORDERED and self.by_chance(0.2)
        return {op: 0.5 if half else self.operand(field, part)}

    def operand(self, field: Field, part: str) -> Any:
        value = self.value(field)
        if part:
            return value[part] if value[part] is not None else "a"
        if field.type is FieldType.CURRENCY:
            return value["amount_micros"] / 1_000_000
        if field.type is FieldType.FULL_NAME:
            return self.one(["a b", "Ä", "a"])
        if field.type in PARTS:
            return value[PARTS[field.type][0]]
        return value[:10] if field.type is FieldType.DATE_TIME and self.by_chance(0.5) else value

    def relation(self, field: Field, types: Mapping[str, ObjectType], *, rule: bool, hops: int) -> dict[str, Any]:
        if hops < 2 and self.by_chance(0.6):
            there = self.tree(types[field.target or ""], types, 1, rule=rule, hops=hops + 1)
            name = next(iter(there))
            if len(there) == 1 and "." not in name and name not in ("and", "or", "not"):
                return self.one([{f"{field.name}.{name}": there[name]}, {field.name: there}])
            return {field.name: there}
        return self.ids(self.one([field.name, f"{field.name}_id"]), field.target or "")

    def ids(self, name: str, target: str) -> dict[str, Any]:
        """Throw a condition on ids, often one that holds for about half of the records."""
        op = self.one(["eq", "neq", "in", "in", "not_in", "not_in", "is"])
        if op == "is":
            return {name: {"is": self.one(["null", "not_null"])}}
        count = len(self._rows[target])
        places = [Place(target, place) for place in range(count) if self.by_chance(0.5)]
        return {name: {op: places if op.endswith("in") else Place(target, self._random.randrange(count))}}

    def mine(self, kind: ObjectType) -> dict[str, Any] | None:
        """Throw a comparison with the member who acts."""
        fields = [f for f in kind.fields if f.type in (FieldType.TEXT, FieldType.UUID) or f.target == "member"]
        field = self.one(fields)
        if field.type is FieldType.TEXT:
            value: Any = {"me": self.one(["name", "email", "time_zone"])}
            op = self.one(["eq", "neq", "contains", "starts_with", "ends_with", "in", "not_in"])
            return {field.name: {op: [value, "a"] if op.endswith("in") else value}}
        to_member = field.target == "member" or (kind.name, field.name) == ("member", "id")
        value = self.one(["me", {"me": "id"}]) if to_member else {"me": "id"}
        op = self.one(["eq", "eq", "neq", "in", "not_in"])
        others = [Place("member", 0)] if to_member and self.by_chance(0.3) else []
        return {field.name: {op: [value, *others] if op.endswith("in") else value}}

    # --- roles -------------------------------------------------------------------------------------------------------

    def policy(self, types: Mapping[str, ObjectType], questions: int) -> Policy:
        """Throw who asks, and questions that name what that one sees."""
        roles = self.some(lambda: self.role(types), 1, self.one([1, 1, 1, 2, 3]))
        readable = {n for n in types if all("read" in r["objects"].get(n, r["all_objects"]) for r in roles)}
        left = {name: cut(types[name], roles, readable) for name in readable}
        asked = [self.question(left) for _ in range(questions)] if "thing" in left else []
        return Policy(self.one([None, 0, 1, 2]), roles, asked)

    def role(self, types: Mapping[str, ObjectType]) -> dict[str, Any]:
        often = {"thing": 0.8, "other": 0.5, "member": 0.15}
        return {
            "all_objects": self.actions(1),
            "objects": {name: self.actions(0.85) for name in types if self.by_chance(0.4)},
            "fields": {name: self.hidden(kind) for name, kind in types.items()},
            "rows": {
                n: self.some(lambda k=k: self.rule(k, types), 1, 2)
                for n, k in types.items()
                if self.by_chance(often[n])
            },
        }

    def actions(self, reading: float) -> list[str]:
        found = [action for action in ACTIONS if self.by_chance(0.5) and action != "read"]
        return [*found, *(["read"] if self.by_chance(reading) else [])]

    def hidden(self, kind: ObjectType) -> dict[str, list[str]]:
        names = [field.name for field in kind.fields if field.name != "id" and self.by_chance(0.15)]
        return {name: self.one([[], [], ["read"]]) for name in names}

    def rule(self, kind: ObjectType, types: Mapping[str, ObjectType]) -> dict[str, Any]:
        made: dict[str, Any] = {"where": self.tree(kind, types, self.one([0, 1, 2, 3]), rule=True)}
        if self.by_chance(0.5):
            made["where"] = {"or": [made["where"], self.ids("id", kind.name)]}
        if self.by_chance(0.25):
            made["actions"] = [action for action in ACTIONS if self.by_chance(0.4)] or ["update"]
        return made

    # --- questions ---------------------------------------------------------------------------------------------------

    def question(self, types: Mapping[str, ObjectType]) -> Question:
        where = {} if self.by_chance(0.15) else self.tree(types["thing"], types, self.one([0, 1, 2]), rule=False)
        return Question(where, self.sort(types), self.one([1, 3, 5, 50]))

    def sort(self, types: Mapping[str, ObjectType]) -> list[str]:
        kind = types["thing"]
        names = [field.name for field in kind.fields if field.name != "updated_at"]
        for field in kind.fields:
            if field.type is FieldType.RELATION:
                inner = types[field.target or ""].fields
                names += [
                    f"{field.name}_id",
                    *(
                        f"{field.name}.{f.name}"
                        for f in inner
                        if not f.system and f.type not in PARTS and f.type is not FieldType.RELATION
                    ),
                ]
            names += [f"{field.name}.{part}" for part in PARTS.get(field.type, ())]
        chosen = dict.fromkeys(self.some(lambda: self.one(names), 0, 3))
        return [("-" if self.by_chance(0.5) else "") + name for name in chosen]


def _relation(name: str, target: str) -> dict[str, Any]:
    return {"name": name, "type": "relation", "target": target}
