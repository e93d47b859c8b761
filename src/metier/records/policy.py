"""What an actor may see: what is hidden does not exist (S-08). `scope` puts it beneath every query.

`visible` cuts the object types down to what the actor may read; every name is looked up in the outcome, so a hidden
object, field or relation is unknown to filters, sorts, selections, labels and search. `read_rules` reads the row rules
of all roles in the chain: trees, which decide the SQL, and values, which are parameters.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from metier.actor import Action, Actor, Principal, RowRule
from metier.errors import Invalid
from metier.filters import And, Here, Kind, Node, Not, Or, Test, read_where
from metier.formats.writing import first_weekday
from metier.records.names import ObjectNames
from metier.records.shape import SYSTEM_FIELDS, Field, FieldType, ObjectType

WORKSPACE = "workspace"  # the parameter that keeps shared tables apart

#: The members of the workspace, as an object that nobody writes here. Never the password.
MEMBER = ObjectType(
    name="member",
    plural="members",
    label="Member",
    label_plural="Members",
    title="name",
    fields=(
        Field("name", "Name", FieldType.TEXT),
        Field("email", "E-mail", FieldType.TEXT, aliases=("mail", "address")),
        Field("time_zone", "Time zone", FieldType.TEXT),
        *SYSTEM_FIELDS,
    ),
    icon="people",
    description="People who can sign in to this workspace.",
    aliases=("user", "colleague", "teammate"),
    read_only=True,
)


def visible(objects: Iterable[ObjectType], actor: Actor) -> dict[str, ObjectType]:
    """Give the object types the actor may read, by name, each with the fields it may read."""
    readable = {thing.name: thing for thing in objects if actor.may(Action.READ, thing.name)}
    return {name: _cut(thing, visible_fields(thing, readable, actor)) for name, thing in readable.items()}


def visible_fields(object_type: ObjectType, readable: Mapping[str, ObjectType], actor: Actor) -> tuple[Field, ...]:
    """Give the fields that may be read: the id, and a relation only where its target may be read too."""
    return tuple(
        field
        for field in object_type.fields
        if (field.type is not FieldType.RELATION or field.target in readable)
        and (field.name == "id" or actor.may_field(Action.READ, object_type.name, field.name))
    )


def settable_fields(object_type: ObjectType, actor: Actor) -> frozenset[str]:
    """Give the names of the fields whose values the actor may set when it creates or changes records.

    Args:
        object_type: Cut down to what the actor may see.
        actor: Allowed to create or update records of the object; checked elsewhere.
    """
    if object_type.read_only:
        return frozenset()
    own = [field.name for field in object_type.fields if not field.system]
    return frozenset(name for name in own if actor.may_field(Action.UPDATE, object_type.name, name))


def _cut(object_type: ObjectType, fields: tuple[Field, ...]) -> ObjectType:
    named = any(field.name == object_type.title for field in fields)
    return replace(object_type, fields=fields, title=object_type.title if named else "id")


# --- rows ------------------------------------------------------------------------------------------------------------

#: What of the member who acts a row rule may compare with.
MY_FIELDS = ("id", "name", "email", "time_zone")

NOTHING = Or(())


@dataclass(frozen=True)
class Guard:
    """A row rule that was read: what every row of an object must match for some actions.

    Attributes:
        slots: What the names of its parameters begin with.
    """

    object: str
    tree: Node
    actions: frozenset[Action]
    slots: str

    @property
    def is_steady(self) -> bool:
        """Whether its values are the same at any time."""
        return all(test.thing.kind not in (Kind.DATE, Kind.DATE_TIME) for test in tests(self.tree))


@dataclass(frozen=True)
class Rules:
    """The row rules of an actor, read for one moment.

    Attributes:
        guards: They decide the SQL; equal ones share it.
        values: The parameters.
    """

    guards: tuple[Guard, ...]
    values: Mapping[str, Any]

    @property
    def are_steady(self) -> bool:
        """Whether the values are the same at any time."""
        return all(guard.is_steady for guard in self.guards)


def my_fields(who: Principal) -> dict[str, Any]:
    """Give the fields of the member whom `me` means, each None for who is no member."""
    if not who.is_member:
        return dict.fromkeys(MY_FIELDS)
    return {"id": who.id, "name": who.label, "email": who.email, "time_zone": who.time_zone}


def rules_of(actor: Actor) -> Iterator[tuple[str, RowRule]]:
    """Give the row rules of all roles in the chain, with their objects, each once and in a fixed order."""
    names = sorted({name for role in actor.roles for name in role.rows})
    for name in names:
        found = {rule.key: rule for role in actor.roles for rule in role.rows.get(name, ())}
        for rule in found.values():
            yield name, rule


def read_rules(actor: Actor, whole: Mapping[str, ObjectNames], here: Here) -> Rules:
    """Read the row rules of all roles in the chain. One that cannot be read, as its field is gone, lets nothing by.

    Args:
        whole: The names of every object, hidden ones too.
        here: When, where, and the member's fields.
    """
    guards: list[Guard] = []
    values: dict[str, Any] = {}
    for name, rule in rules_of(actor):
        if name not in whole:
            continue
        slots = f"p{len(guards)}_"
        try:
            read = read_where(rule.where, whole[name], _place(here, rule))
        except Invalid:
            guards.append(Guard(name, NOTHING, rule.actions, slots))
            continue
        guards.append(Guard(name, read.tree, rule.actions, slots))
        values |= {f"{slots}{i}": value for i, value in enumerate(read.values)}
    return Rules(tuple(guards), values)


def _place(here: Here, rule: RowRule) -> Here:
    """Give where a rule is read: for whoever acts, or for the one it is bound to."""
    who = rule.me
    return here if who is None else here_of(here.now, who, rules=True)


def here_of(moment: datetime, who: Principal, *, rules: bool = False) -> Here:
    """Say when and where somebody asks, and who `me` is: a key is no member.

    Args:
        rules: It is for row rules, which may compare with fields of the member.
    """
    my = my_fields(who) if rules else None
    week_start = first_weekday(who.locale, who.formats)
    return Here.at(moment, who.time_zone, who.id if who.is_member else None, my, week_start=week_start)


def tests(node: Node) -> Iterator[Test]:
    """Give the comparisons of a filter."""
    match node:
        case Test():
            yield node
        case Not(part):
            yield from tests(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from tests(part)
