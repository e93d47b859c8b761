"""Why somebody may or may not do something: the rule that decided, in the order in which the decision is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from metier.actor.acting import FEATURES_OF_FLAGS, READ_ONLY_OBJECTS, Actor
from metier.actor.role import Action, Role


class Rule(StrEnum):
    """What kind of rule decided."""

    HOUSE = "house"  # nobody does it here
    FEATURE = "feature"
    FLAG = "flag"
    OBJECT = "object"
    FIELD = "field"
    RELATION = "relation"  # what the field points to may not be read
    ROW = "row"
    DELETED = "deleted"
    NONE = "none"  # no rule forbids it


@dataclass(frozen=True)
class Reason:
    """A decision and the rule behind it.

    Attributes:
        rule: What decided; NONE if it is allowed.
        role: The name of the role whose rule it is.
        says: The same as a sentence.
        where: The filter of a row rule.
    """

    allowed: bool
    rule: Rule
    says: str
    role: str | None = None
    where: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the reason as data: `{"allowed", "rule", "role", "says"}`, with `where` for a row rule."""
        body = {"allowed": self.allowed, "rule": self.rule.value, "role": self.role, "says": self.says}
        return body if self.where is None else body | {"where": dict(self.where)}


def why_flag(actor: Actor, flag: str) -> Reason:
    """Say why somebody holds a flag or not."""
    feature = FEATURES_OF_FLAGS.get(flag)
    if feature in actor.features_off:
        return Reason(False, Rule.FEATURE, f"{feature} is off in the workspace, so nobody holds {flag}.")
    for role in actor.roles:
        if not role.holds(flag):
            return Reason(False, Rule.FLAG, f"The role {role.label!r} does not hold {flag}.", role.name)
    return _allowed(actor, f"hold {flag}")


def why_object(actor: Actor, action: Action, object_name: str) -> Reason:
    """Say why somebody may do something with an object's records at all, or not."""
    if object_name in READ_ONLY_OBJECTS and action is not Action.READ:
        return Reason(False, Rule.HOUSE, f"Nobody may {action} a {object_name} here.")
    for role in actor.roles:
        for needed in dict.fromkeys((Action.READ, action)):
            if not role.allows(needed, object_name):
                return Reason(False, Rule.OBJECT, _of_object(role, needed, object_name), role.name)
    return _allowed(actor, f"{action} {object_name} records")


def why_field(actor: Actor, action: Action, object_name: str, field_name: str) -> Reason:
    """Say why somebody may read (READ) or write (any other action) a field, or not."""
    for role in actor.roles:
        left = role.field_actions(object_name, field_name)
        if Action.READ not in left:
            says = f"The role {role.label!r} hides {object_name}.{field_name}."
            return Reason(False, Rule.FIELD, says, role.name)
        if action is not Action.READ and Action.UPDATE not in left:
            says = f"The role {role.label!r} shows {object_name}.{field_name} and keeps it as it is."
            return Reason(False, Rule.FIELD, says, role.name)
    return _allowed(actor, f"{action} {object_name}.{field_name}")


def _of_object(role: Role, action: Action, object_name: str) -> str:
    where = f"its rule for {object_name}" if object_name in role.objects else "its actions for all objects"
    allowed = ", ".join(sorted(role.actions(object_name))) or "nothing"
    return f"The role {role.label!r} does not allow to {action} {object_name} records: {where} allow {allowed}."


def _allowed(actor: Actor, what: str) -> Reason:
    roles = " and ".join(repr(role.label) for role in actor.roles)
    return Reason(True, Rule.NONE, f"{actor.label} may {what}: allowed by {roles}.", actor.roles[0].name)
