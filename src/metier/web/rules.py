"""Editing the row rules of a role: a filter tree as inputs of a form, and back. Pure, and no script is needed.

filter tree ──▶ groups and tests ◀──▶ inputs `n:0.1:field`, `n:0.1:op`, `n:0.1:value` ──▶ filter tree

A part's place is the way to it from the list of rules: `0.1` is the second part of the first rule. What the editor has
no controls for (paths along relations, `not`) stays as JSON, which can be written by hand too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from metier.actor import EVERY_ACTION, Action, RowRule
from metier.errors import Problem
from metier.records.shape import Field, FieldType, ObjectType
from metier.web.filtering import CHOICES, EMPTY, LINKED, TIMES, TRUTH, Operator
from metier.web.view import number_of
from metier.web.wording import is_list, is_object

MOST_PARTS = 200  # conditions and groups of one object, as many as a filter may have
DEEPEST = 4  # groups inside each other that can be made here

Place = tuple[int, ...]

MINE = tuple(
    Operator(f"eq:@{name}", f"is my {said}", "none")
    for name, said in {"email": "e-mail", "name": "name", "time_zone": "time zone"}.items()
)
WORDS = (
    Operator("eq", "is", "text"),
    Operator("neq", "is not", "text"),
    Operator("contains", "contains", "text"),
    Operator("starts_with", "starts with", "text"),
    Operator("ends_with", "ends with", "text"),
    Operator("in", "is one of", "list"),
    *EMPTY,
    *MINE,
)
AMOUNTS = (
    Operator("gte", "is at least", "number"),
    Operator("lte", "is at most", "number"),
    Operator("gt", "is more than", "number"),
    Operator("lt", "is less than", "number"),
    Operator("eq", "is", "number"),
    Operator("neq", "is not", "number"),
    Operator("between", "is between", "pair"),
    *EMPTY,
)
IDS = (Operator("in", "has one of the ids", "list"), Operator("not_in", "has none of the ids", "list"), *EMPTY)
MEMBERS = (Operator("eq:me", "is me", "none"), Operator("neq:me", "is not me", "none"), *IDS)

_OPERATORS: Mapping[FieldType, Sequence[Operator]] = {
    FieldType.TEXT: WORDS,
    FieldType.FULL_NAME: WORDS,
    FieldType.EMAILS: WORDS,
    FieldType.LINKS: WORDS,
    FieldType.NUMBER: AMOUNTS,
    FieldType.CURRENCY: AMOUNTS,
    FieldType.DATE: TIMES,
    FieldType.DATE_TIME: TIMES,
    FieldType.SELECT: CHOICES,
    FieldType.BOOLEAN: (*TRUTH, *EMPTY),
    FieldType.RELATION: (*(op for op in LINKED if op not in EMPTY), *IDS),
    FieldType.UUID: IDS,
}


@dataclass(frozen=True)
class Comparison:
    """A condition. `values` are the texts of its inputs."""

    field: str
    op: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """A part that is written as JSON."""

    text: str


@dataclass(frozen=True)
class Group:
    """Parts that must match all, or one of them at least."""

    join: Literal["and", "or"]
    parts: "tuple[Part, ...]" = ()


Part = Group | Comparison | Written


@dataclass(frozen=True)
class Draft:
    """A rule in the making."""

    root: Group
    actions: frozenset[Action] = EVERY_ACTION
    label: str = ""


def offered(field: Field) -> Sequence[Operator]:
    """Give the operators that a rule may compare a field with."""
    return MEMBERS if field.target == "member" else _OPERATORS[field.type]


# --- from what is stored ---------------------------------------------------------------------------------------------


def drafts_of(rules: Iterable[RowRule], kind: ObjectType, objects: Mapping[str, ObjectType]) -> list[Draft]:
    """Take up the rules of an object. `objects` are those the actor may read, by name."""
    reader = _Reader(kind, objects)
    return [Draft(reader.group(rule.where), rule.actions, rule.label) for rule in rules]


class _Reader:
    """Reads filter trees of one object."""

    def __init__(self, kind: ObjectType, objects: Mapping[str, ObjectType]) -> None:
        self._fields = kind.by_name
        self._paths = {
            f"{field.name}.{objects[field.target].title}": field.name
            for field in kind.fields
            if field.target and field.target in objects
        }

    def group(self, where: Mapping[str, Any]) -> Group:
        part = self._tree(where)
        return part if isinstance(part, Group) else Group("and", (part,))

    def _tree(self, tree: Any) -> Part:
        if not is_object(tree):
            return _written(tree)
        parts = [self._entry(name, value) for name, value in tree.items()]
        return parts[0] if len(parts) == 1 else Group("and", tuple(parts))

    def _entry(self, name: str, value: Any) -> Part:
        if name in ("and", "or") and is_list(value):
            return Group("and" if name == "and" else "or", tuple(map(self._tree, value)))
        given = value if is_object(value) and "me" not in value else {"eq": value}
        path = self._paths.get(name)
        field = self._fields.get(path or name)
        if field is None or len(given) != 1:
            return _written({name: value})
        ((op, operand),) = given.items()
        by_title = field.type is FieldType.RELATION and op == "contains"
        found = _test(field, op, operand) if by_title is (path is not None) else None
        return found or _written({name: value})


def _test(field: Field, op: str, operand: Any) -> Comparison | None:
    """Give the condition whose inputs say just this, if there is one; of one value `in` where `eq` is not offered."""
    several = {"eq": "in", "neq": "not_in"}.get(op, "")
    for wanted, value in ((op, operand), (several, [operand])):
        for operator in offered(field):
            test = Comparison(field.name, operator.key, _texts(operator, value))
            if operator.op == wanted and _operand(test, operator) == value:
                return test
    return None


def _texts(operator: Operator, operand: Any) -> tuple[str, ...]:
    if operator.control == "none":
        return ()
    values = list(operand) if is_list(operand) else [operand]
    texts = tuple(value if isinstance(value, str) else orjson.dumps(value).decode() for value in values)
    return (", ".join(texts),) if operator.control == "list" else texts


def _written(tree: Any) -> Written:
    return Written(orjson.dumps(tree).decode())


# --- to what is stored -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Built:
    """Rules as they are stored, and where each part of the form stands in them.

    Attributes:
        rules: `[{"where": …, "actions": […], "label": "…"}]`, as `metier.access` reads them.
        paths: The path of each part below `rows.<object>`, e.g. `0.where.and.1`; inner parts after those around them.
        problems: What could not be built, by the place of the part.
    """

    rules: Sequence[Mapping[str, Any]]
    paths: Mapping[Place, str]
    problems: Mapping[Place, str]

    def at(self, problems: Iterable[Problem], root: str) -> dict[Place, str]:
        """Give the problems that the room found, by the part that each is about; `()` for those about none."""
        found: dict[Place, str] = {}
        for problem in problems:
            inside = problem.path.removeprefix(f"{root}.") if problem.path.startswith(f"{root}.") else None
            places = [place for place, path in self.paths.items() if inside and f"{inside}.".startswith(f"{path}.")]
            found.setdefault(max(places, key=lambda p: (len(self.paths[p]), len(p)), default=()), problem.problem)
        return found


def build(drafts: Sequence[Draft], kind: ObjectType, objects: Mapping[str, ObjectType]) -> Built:
    """Give the rules that a form says."""
    builder = _Builder(kind, objects)
    rules = [
        {
            "where": builder.tree(draft.root, (n,), f"{n}.where"),
            "actions": [action.value for action in Action if action in draft.actions],
            "label": draft.label,
        }
        for n, draft in enumerate(drafts)
    ]
    return Built(rules, builder.paths, builder.problems)


class _Builder:
    def __init__(self, kind: ObjectType, objects: Mapping[str, ObjectType]) -> None:
        self._kind, self._objects = kind, objects
        self.paths: dict[Place, str] = {}
        self.problems: dict[Place, str] = {}

    def tree(self, part: Part, place: Place, path: str) -> Any:
        self.paths[place] = path
        match part:
            case Group(join, parts):
                return self._group(join, parts, place, path)
            case Comparison():
                return self._test(part, place)
            case Written(text):
                return self._read(text, place)

    def _group(self, join: str, parts: Sequence[Part], place: Place, path: str) -> Any:
        if not parts:
            self.problems[place] = "needs a condition"
            return {}
        if len(parts) == 1:
            return self.tree(parts[0], (*place, 0), path)
        return {join: [self.tree(part, (*place, n), f"{path}.{join}.{n}") for n, part in enumerate(parts)]}

    def _test(self, test: Comparison, place: Place) -> Any:
        field = self._kind.by_name.get(test.field)
        operator = next((o for o in offered(field) if o.key == test.op), None) if field else None
        if field is None or operator is None:
            self.problems[place] = "choose a field and how to compare it"
            return {}
        if operator.control != "none" and not any(value.strip() for value in test.values):
            self.problems[place] = "needs a value"
        target = self._objects.get(field.target or "")
        named = operator.control == "text" and field.type is FieldType.RELATION and target is not None
        path = f"{field.name}.{target.title}" if named and target else field.name
        return {path: {operator.op: _operand(test, operator)}}

    def _read(self, text: str, place: Place) -> Any:
        try:
            tree = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            self.problems[place] = f"is not JSON: {error}"
            return {}
        return tree


def _operand(test: Comparison, operator: Operator) -> Any:
    """Give the value of a condition as a filter has it."""
    values = [value.strip() for value in test.values]
    match operator.control:
        case "none":
            fixed = operator.fixed
            if fixed.startswith("@"):
                return {"me": fixed[1:]}
            return {"true": True, "false": False}.get(fixed, fixed)
        case "list":
            return [part.strip() for part in ",".join(values).split(",") if part.strip()]
        case "ticks":
            return [value for value in values if value]
        case "pair":
            return [number_of(value) for value in values]
        case "number":
            return number_of(values[0]) if values else ""
        case _:
            return values[0] if values else ""


# --- the form --------------------------------------------------------------------------------------------------------


def read_drafts(pairs: Sequence[tuple[str, str]]) -> list[Draft]:
    """Read the inputs of a form; what has no place is left out."""
    nodes: dict[Place, dict[str, list[str]]] = {}
    for name, value in pairs:
        mark, _, rest = name.partition(":")
        way, _, key = rest.rpartition(":")
        if mark == "n" and key and all(step.isdecimal() and len(step) < 4 for step in way.split(".")):
            nodes.setdefault(tuple(map(int, way.split("."))), {}).setdefault(key, []).append(value)
    if len(nodes) > MOST_PARTS:
        nodes = dict(list(nodes.items())[:MOST_PARTS])
    return [_draft(nodes, place) for place in sorted(nodes) if len(place) == 1]


def _draft(nodes: Mapping[Place, Mapping[str, Sequence[str]]], place: Place) -> Draft:
    known = {action.value: action for action in Action}
    actions = frozenset(known[name] for name in nodes[place].get("action", ()) if name in known)
    root = _part(nodes, place)
    return Draft(root if isinstance(root, Group) else Group("and"), actions, _first(nodes[place], "label"))


def _part(nodes: Mapping[Place, Mapping[str, Sequence[str]]], place: Place) -> Part:
    node = nodes[place]
    match _first(node, "kind"):
        case "and" | "or" as join:
            inner = sorted(p for p in nodes if len(p) == len(place) + 1 and p[:-1] == place)
            return Group(join, tuple(_part(nodes, p) for p in inner))
        case "written":
            return Written(_first(node, "text"))
        case _:
            return Comparison(_first(node, "field"), _first(node, "op"), tuple(node.get("value", ())))


def _first(node: Mapping[str, Sequence[str]], key: str) -> str:
    return next(iter(node.get(key, ())), "").strip()


def edit(drafts: Sequence[Draft], order: str, kind: ObjectType) -> list[Draft]:
    """Do what a button says: `rule`, `test:0.1`, `group:0.1`, `written:0.1` (add one there), `remove:0.1.0`."""
    verb, _, way = order.partition(":")
    place = tuple(int(step) for step in way.split(".") if step.isdecimal())
    first = Comparison(kind.fields[0].name, offered(kind.fields[0])[0].key)
    if verb == "rule":
        return [*drafts, Draft(Group("and", (first,)))]
    if verb == "remove" and len(place) == 1:
        return [draft for n, draft in enumerate(drafts) if n != place[0]]
    added: Mapping[str, Part] = {"test": first, "group": Group("or", (first, first)), "written": Written("{}")}
    change = added.get(verb)
    return [
        replace(draft, root=_changed(draft.root, place[1:], verb, change)) if place[:1] == (n,) else draft
        for n, draft in enumerate(drafts)
    ]


def _changed(group: Group, way: Place, verb: str, added: Part | None) -> Group:
    if not way and added is not None:
        return replace(group, parts=(*group.parts, added))
    if verb == "remove" and len(way) == 1:
        return replace(group, parts=tuple(part for n, part in enumerate(group.parts) if n != way[0]))
    parts = [
        _changed(part, way[1:], verb, added) if way[:1] == (n,) and isinstance(part, Group) else part
        for n, part in enumerate(group.parts)
    ]
    return replace(group, parts=tuple(parts))


# --- what a page shows -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A part as the page shows it, in reading order.

    Attributes:
        place: As in names of inputs: `0.1`.
        above: The place of the group it stands in; empty for a rule's own group.
        depth: How many groups are around it.
        part: The group, condition or JSON.
        field, operator: Of a condition: what is chosen, never what is not offered.
        problem: What is wrong with it.
    """

    place: str
    above: str
    depth: int
    part: Part
    field: Field | None = None
    operator: Operator | None = None
    problem: str = ""

    @property
    def may_nest(self) -> bool:
        """Whether a group can be made inside."""
        return self.depth < DEEPEST


def lines(draft: Draft, n: int, kind: ObjectType, problems: Mapping[Place, str]) -> list[Line]:
    """Give the parts of a rule."""
    return list(_lines(draft.root, (n,), kind, problems))


def _lines(part: Part, place: Place, kind: ObjectType, problems: Mapping[Place, str]) -> Iterator[Line]:
    shown = Line(_way(place), _way(place[:-1]), len(place) - 1, part, problem=problems.get(place, ""))
    if isinstance(part, Comparison):
        field = kind.by_name.get(part.field) or kind.fields[0]
        operator = next((o for o in offered(field) if o.key == part.op), offered(field)[0])
        kept = part.values if operator.key == part.op and field.name == part.field else ()
        shown = replace(shown, part=Comparison(field.name, operator.key, kept), field=field, operator=operator)
    yield shown
    if isinstance(part, Group):
        for n, inner in enumerate(part.parts):
            yield from _lines(inner, (*place, n), kind, problems)


def _way(place: Place) -> str:
    return ".".join(map(str, place))
