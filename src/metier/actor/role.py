"""What a role allows: actions on objects, fields, rows, and flags. Stored as data, read back whatever release wrote it.

an object's own actions, else `all_objects`  →  less what `fields` withholds  →  of the rows that all `rows` let through
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Self
from uuid import UUID

import orjson

from metier.actor.flags import FlagKind, kind_of
from metier.actor.principal import Principal


class Action(StrEnum):
    """What can be done with the records of an object. DELETE can be undone, DESTROY cannot."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    DESTROY = "destroy"


class Holder(StrEnum):
    """Who can be given a role."""

    USERS = "users"
    AGENTS = "agents"
    API_KEYS = "api_keys"


EVERY_ACTION = frozenset(Action)
FIELD_ACTIONS = frozenset({Action.READ, Action.UPDATE})  # updating stands for all writing of a field
EVERY_HOLDER = frozenset(Holder)

Actions = frozenset[Action]


@dataclass(frozen=True)
class RowRule:
    """Which records of an object a role's holder has to do with: those that match, nothing else.

    Attributes:
        where: Filter tree as in `Records.find`. `"me"` is the member who acts, `{"me": "time_zone"}` a field of theirs.
            What compares with a member that is not there (a key's) or a field that is empty lets nothing through.
        actions: What the rule restricts. Who may not read a record may do nothing else with it either.
        label: What people call the rule.
        me: Who `me` is in it; None: whoever acts. Never stored.
    """

    where: Mapping[str, Any]  # Any: JSON, read against the object's fields by `records`
    actions: Actions = EVERY_ACTION
    label: str = ""
    me: Principal | None = None

    @cached_property
    def text(self) -> str:
        """The filter as a text that is equal for equal filters."""
        return orjson.dumps(self.where, option=orjson.OPT_SORT_KEYS).decode()

    @property
    def key(self) -> tuple[str, Actions, Principal | None]:
        """What the rule does; its label aside."""
        return self.text, self.actions, self.me

    def to_json(self) -> dict[str, Any]:
        """Give the rule as data: `{"where": {"owner": "me"}, "actions": ["read", …], "label": "Own deals"}`."""
        body = {"where": dict(self.where), "actions": listed(self.actions)}
        return body | ({"label": self.label} if self.label else {})


FieldRules = Mapping[str, Actions]  # by field name


@dataclass(frozen=True)
class Role:
    """Permissions under a name.

    Attributes:
        all_objects: Actions allowed on every object that `objects` does not name.
        objects: Actions allowed per object name, e.g. `{"opportunity": {"read"}}`; wins over `all_objects`.
        inherits: Of objects that `objects` names, the actions that follow `all_objects` when that changes.
        flags: Settings and tool flags the role holds, e.g. `AI`; see `metier.actor.FLAGS`.
        fields: What is left of reading and updating a field, e.g. `{"company": {"revenue": {"read"}, "margin": {}}}`.
            A field that is not named can be read and updated with its object.
        rows: Rules per object that all must let a record through, e.g. `{"opportunity": (RowRule({"owner": "me"}),)}`.
        can_update_all_settings: Holds every settings flag, those of later releases too.
        can_access_all_tools: Holds every tool flag.
        can_be_assigned_to: Who can be given the role.
        is_editable: Whether it can be changed; the role `admin` cannot.
    """

    id: UUID
    name: str
    label: str
    all_objects: Actions = frozenset()
    objects: Mapping[str, Actions] = field(default_factory=dict[str, Actions])
    flags: frozenset[str] = frozenset()
    fields: Mapping[str, FieldRules] = field(default_factory=dict[str, FieldRules])
    rows: Mapping[str, tuple[RowRule, ...]] = field(default_factory=dict[str, tuple[RowRule, ...]])
    can_update_all_settings: bool = False
    can_access_all_tools: bool = False
    can_be_assigned_to: frozenset[Holder] = EVERY_HOLDER
    description: str = ""
    icon: str = ""
    is_editable: bool = True
    inherits: Mapping[str, Actions] = field(default_factory=dict[str, Actions])

    def actions(self, object_name: str) -> Actions:
        """Give what the role allows on the object."""
        return self.objects.get(object_name, self.all_objects)

    def allows(self, action: Action, object_name: str) -> bool:
        """Say whether the role lets `action` happen on the object."""
        return action in self.objects.get(object_name, self.all_objects)

    def field_actions(self, object_name: str, field_name: str) -> Actions:
        """Give what the role's field rules leave of READ and UPDATE."""
        return self.fields.get(object_name, {}).get(field_name, FIELD_ACTIONS)

    def row_rules(self, action: Action, object_name: str) -> tuple[RowRule, ...]:
        """Give the rules that a record must match for the action: those for it, and those for reading."""
        wanted = {Action.READ, action}
        return tuple(rule for rule in self.rows.get(object_name, ()) if rule.actions & wanted)

    def bound(self, me: Principal) -> "Role":
        """Give the role with rules in which `me` stays this one, whoever acts."""
        rows = {name: tuple(replace(rule, me=me) for rule in rules) for name, rules in self.rows.items()}
        return replace(self, rows=rows)

    @property
    def reads_everything(self) -> bool:
        """Whether the role hides no object, field or record."""
        objects = [self.all_objects, *self.objects.values()]
        fields = [left for rules in self.fields.values() for left in rules.values()]
        rules = [rule for rows in self.rows.values() for rule in rows]
        return all(Action.READ in left for left in (*objects, *fields)) and not any(
            Action.READ in rule.actions for rule in rules
        )

    def holds(self, flag: str) -> bool:
        """Say whether the role holds a flag: by its name, or with all of its kind."""
        if flag in self.flags:
            return True
        if not (self.can_update_all_settings or self.can_access_all_tools):
            return False
        kind = kind_of(flag)
        return self.can_access_all_tools if kind is FlagKind.TOOL else self.can_update_all_settings and kind is not None

    @cached_property
    def view_key(self) -> tuple[Any, ...]:
        """A hashable value that is equal for roles that show the same objects and fields."""
        return (
            self.all_objects,
            tuple(sorted(self.objects.items())),
            tuple((name, tuple(sorted(rules.items()))) for name, rules in sorted(self.fields.items())),
        )

    @cached_property
    def policy_key(self) -> tuple[Any, ...]:
        """A hashable value that is equal for roles that allow the same."""
        return (
            self.view_key,
            self.flags,
            tuple((name, tuple(rule.key for rule in rules)) for name, rules in sorted(self.rows.items())),
            self.can_update_all_settings,
            self.can_access_all_tools,
        )

    def body(self) -> dict[str, Any]:
        """Give what the role is, without its id, name and label; this is what is stored."""
        inherits = {name: listed(actions) for name, actions in sorted(self.inherits.items())}
        return ({"inherits": inherits} if inherits else {}) | {
            "description": self.description,
            "icon": self.icon,
            "is_editable": self.is_editable,
            "can_be_assigned_to": [one.value for one in Holder if one in self.can_be_assigned_to],
            "can_update_all_settings": self.can_update_all_settings,
            "can_access_all_tools": self.can_access_all_tools,
            "all_objects": listed(self.all_objects),
            "objects": {name: listed(actions) for name, actions in sorted(self.objects.items())},
            "fields": {
                name: {known: listed(actions) for known, actions in sorted(rules.items())}
                for name, rules in sorted(self.fields.items())
            },
            "rows": {name: [rule.to_json() for rule in rules] for name, rules in sorted(self.rows.items())},
            "flags": sorted(self.flags),
        }

    def to_json(self) -> dict[str, Any]:
        """Give the role as data, see docs/reference/rest.md."""
        return {"id": str(self.id), "name": self.name, "label": self.label} | self.body()

    @classmethod
    def from_body(cls, id: UUID, name: str, label: str, body: Mapping[str, Any]) -> Self:
        """Read a stored role. What an older release did not know has its default, what it wrote means what it meant."""
        return cls(
            id=id,
            name=name,
            label=label,
            all_objects=_actions(body.get("all_objects", ())),
            objects={thing: _actions(actions) for thing, actions in body.get("objects", {}).items()},
            flags=frozenset(body.get("flags", ())),
            fields={
                thing: {known: _actions(actions) for known, actions in rules.items()}
                for thing, rules in body.get("fields", {}).items()
            },
            rows={thing: tuple(map(_rule, rules)) for thing, rules in body.get("rows", {}).items()},
            can_update_all_settings=body.get("can_update_all_settings", False),
            can_access_all_tools=body.get("can_access_all_tools", False),
            can_be_assigned_to=frozenset(map(Holder, body.get("can_be_assigned_to", EVERY_HOLDER))),
            description=body.get("description", ""),
            icon=body.get("icon", ""),
            is_editable=body.get("is_editable", True),
            inherits={thing: _actions(actions) for thing, actions in body.get("inherits", {}).items()},
        )


def listed(actions: Collection[Action]) -> list[str]:
    """Give actions in the order of their names."""
    return sorted(action.value for action in actions)


def _actions(names: Collection[str]) -> Actions:
    return frozenset(map(Action, names))


def _rule(body: Mapping[str, Any]) -> RowRule:
    return RowRule(body["where"], _actions(body["actions"]), body.get("label", ""))
