"""A role as a form: the matrix of objects and actions, the flags, and what one object's panel says. Pure.

A cell inherits from the row of all objects, allows or denies, each by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from metier.actor import ALL_FLAGS, EVERY_ACTION, FIELD_ACTIONS, Action, Flag, FlagKind, Holder, Role
from metier.errors import Problem
from metier.records.shape import Field, ObjectType
from metier.web.forms import Inputs

INHERIT, ALLOW, DENY = "", "allow", "deny"

HOLDERS: Mapping[Holder, str] = {Holder.USERS: "Members", Holder.AGENTS: "Agents", Holder.API_KEYS: "API keys"}

GROUPS: Sequence[tuple[str, str, Sequence[Flag]]] = (
    ("can_update_all_settings", "Settings", [flag for flag in ALL_FLAGS if flag.kind is FlagKind.SETTINGS]),
    ("can_access_all_tools", "Tools", [flag for flag in ALL_FLAGS if flag.kind is FlagKind.TOOL]),
)


@dataclass(frozen=True)
class Sheet:
    """What a role's page shows and sends.

    Attributes:
        cells: State per object and action; what is missing inherits.
        holders: Kinds of holders it can be given to, by name.
        switches: Kinds of flags it holds all of: `can_update_all_settings`, `can_access_all_tools`.
    """

    label: str
    description: str
    holders: frozenset[str]
    all_objects: frozenset[str]
    cells: Mapping[tuple[str, str], str]
    flags: frozenset[str]
    switches: frozenset[str]

    @classmethod
    def of(cls, role: Role) -> "Sheet":
        """Show a role."""
        return cls(
            label=role.label,
            description=role.description,
            holders=frozenset(holder.value for holder in role.can_be_assigned_to),
            all_objects=frozenset(action.value for action in role.all_objects),
            cells={
                (name, action.value): ALLOW if action in actions else DENY
                for name, actions in role.objects.items()
                for action in Action
                if action not in role.inherits.get(name, ())
            },
            flags=role.flags,
            switches=frozenset(key for key, _, _ in GROUPS if getattr(role, key)),
        )

    @classmethod
    def read(cls, sent: Inputs, role: Role, objects: Iterable[ObjectType]) -> "Sheet":
        """Read a form; what the role says of objects that the form does not show stays."""
        shown = [kind.name for kind in objects]
        kept = {key: state for key, state in cls.of(role).cells.items() if key[0] not in shown}
        cells = {(name, action.value): sent.first(f"o:{name}:{action}") for name in shown for action in Action}
        return cls(
            label=sent.first("label").strip(),
            description=" ".join(sent.first("description").split()),
            holders=frozenset(sent.all("holder")),
            all_objects=frozenset(sent.all("all")),
            cells=kept | {key: state for key, state in cells.items() if state in (ALLOW, DENY)},
            flags=frozenset(sent.all("flag")),
            switches=frozenset(sent.all("switch")),
        )

    def state(self, name: str, action: str) -> str:
        """Give the state of a cell."""
        return self.cells.get((name, action), INHERIT)

    def form(self) -> dict[str, Any]:
        """Give what `update_role` takes."""
        named = dict.fromkeys(name for name, _ in self.cells)
        return {
            "label": self.label,
            "description": self.description,
            "can_be_assigned_to": sorted(self.holders),
            "all_objects": sorted(self.all_objects),
            "objects": {name: self._allowed(name) for name in named},
            "inherits": {name: [a.value for a in Action if self.state(name, a) == INHERIT] for name in named},
            "flags": sorted(self.flags),
            **{key: key in self.switches for key, _, _ in GROUPS},
        }

    def _allowed(self, name: str) -> list[str]:
        states = {action.value: self.state(name, action) for action in Action}
        return [a for a, state in states.items() if state == ALLOW or (state == INHERIT and a in self.all_objects)]


@dataclass(frozen=True)
class FieldSheet:
    """What is left of reading and changing each field of an object; what is missing has both."""

    fields: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    @classmethod
    def of(cls, role: Role, kind: ObjectType) -> "FieldSheet":
        """Show a role's rules for an object's fields."""
        rules = role.fields.get(kind.name, {})
        return cls({name: frozenset(action.value for action in actions) for name, actions in rules.items()})

    @classmethod
    def read(cls, sent: Inputs, kind: ObjectType) -> "FieldSheet":
        """Read a form: what cannot be read cannot be changed either."""
        given = {known.name: frozenset(sent.all(f"f:{known.name}")) for known in rulable(kind)}
        return cls({name: actions if "read" in actions else frozenset() for name, actions in given.items()})

    def has(self, name: str, action: str) -> bool:
        """Say whether something is left."""
        return action in self.fields.get(name, FIELD_ACTIONS)

    def form(self, role: Role, kind: ObjectType) -> dict[str, Any]:
        """Give what `update_role` takes as `fields`."""
        others = {name: rules for name, rules in role.fields.items() if name != kind.name}
        hidden = {n: rule for n, rule in role.fields.get(kind.name, {}).items() if n not in kind.by_name}
        own = {name: sorted(actions) for name, actions in self.fields.items() if actions != FIELD_ACTIONS}
        return others | {kind.name: hidden | own}


def rulable(kind: ObjectType) -> list[Field]:
    """Give the fields of an object that a role can hide or keep as they are."""
    return [known for known in kind.fields if known.name != "id"]


def summary(role: Role, name: str) -> str:
    """Say what a role has for an object besides actions: `2 fields, 1 rule`."""
    counts = ((len(role.fields.get(name, ())), "field"), (len(role.rows.get(name, ())), "rule"))
    return ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts if count)


def actions_for(kind: ObjectType) -> frozenset[Action]:
    """Give the actions that can be allowed on an object at all."""
    return frozenset({Action.READ}) if kind.read_only else EVERY_ACTION


def problems_at(problems: Iterable[Problem], *roots: str) -> dict[str, str]:
    """Give the first problem of each of the places, e.g. of `objects.company`; the rest under the empty name."""
    found: dict[str, str] = {}
    for problem in problems:
        path = problem.path
        at = next((root for root in roots if path == root or path.startswith(f"{root}.")), "")
        found.setdefault(at, problem.problem)
    return found
