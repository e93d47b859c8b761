"""Who acts, and what that one may do: pure values, no look-ups.

Only `metier.access` makes an Actor from credentials (S-01). A role is looked up live for every request, model call
and tool call; an Actor is never stored, only its ids are.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from metier.actor.role import Action, Role, RowRule
from metier.errors import FeatureOff, MissingPermission


class PrincipalKind(StrEnum):
    """What kind of one acts."""

    MEMBER = "member"
    KEY = "key"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True)
class Principal:
    """One that acts. `id` is the member's or key's id; `label` is what people read: a member's name."""

    kind: PrincipalKind
    id: UUID
    label: str
    time_zone: str = "UTC"  # IANA name; time words roll in it
    locale: str = "en"
    email: str | None = None

    @property
    def is_member(self) -> bool:
        """Whether a member acts, so that `"me"` means somebody."""
        return self.kind in (PrincipalKind.MEMBER, PrincipalKind.OPERATOR)


AI_FEATURE = "IS_AI_ENABLED"
ROW_RULES_FEATURE = "IS_ROW_LEVEL_PERMISSION_PREDICATES_ENABLED"

#: Flags that nobody holds while a feature of the workspace is off.
FEATURES_OF_FLAGS = {"AI": AI_FEATURE}

#: Objects that nobody writes through `records`.
READ_ONLY_OBJECTS = frozenset({"member"})


@dataclass(frozen=True)
class Actor:
    """Somebody acting in a workspace, with the roles that hold right now.

    `roles` is the chain: the principal's role, then the role of each agent acting for it. What is allowed is what
    all of them allow (S-02). There is no default actor and no bypass.
    """

    workspace_id: UUID
    principal: Principal
    roles: tuple[Role, ...]
    chain: tuple[str, ...] = ()  # agents acting for the principal, outermost first, e.g. ("agent:crm-assistant",)
    features_off: frozenset[str] = frozenset()  # feature flags that are off in the workspace
    schema_epoch: int = field(default=0, compare=False)  # the newest known when the actor was looked up; 0: none

    @property
    def label(self) -> str:
        """Who this is, for messages: `Ada Park` or `Ada Park (through crm-assistant)`."""
        if not self.chain:
            return self.principal.label
        return f"{self.principal.label} (through {', '.join(link.partition(':')[2] for link in self.chain)})"

    def may(self, action: Action, object_name: str) -> bool:
        """Say whether every role in the chain allows it."""
        if object_name in READ_ONLY_OBJECTS and action is not Action.READ:
            return False
        return bool(self.roles) and all(role.allows(action, object_name) for role in self.roles)

    def holds(self, flag: str) -> bool:
        """Say whether every role in the chain holds the flag, and its feature is on."""
        if FEATURES_OF_FLAGS.get(flag) in self.features_off:
            return False
        return bool(self.roles) and all(role.holds(flag) for role in self.roles)

    @property
    def reads_everything(self) -> bool:
        """Whether no object, field or record is hidden from this one."""
        return bool(self.roles) and all(role.reads_everything for role in self.roles)

    def may_field(self, action: Action, object_name: str, field_name: str) -> bool:
        """Say whether every role in the chain allows reading (READ) or writing (UPDATE) the field, its object aside."""
        return all(action in role.field_actions(object_name, field_name) for role in self.roles)

    def row_rules(self, action: Action, object_name: str) -> tuple[RowRule, ...]:
        """Give the rules of all roles in the chain that a record must match for the action, each once."""
        found = {rule.key: rule for role in self.roles for rule in role.row_rules(action, object_name)}
        return tuple(found.values())

    def through(self, agent: str, role: Role | None) -> "Actor":
        """Give the actor that `agent` is when it acts for this one: never more than either may."""
        roles = self.roles if role is None else (*self.roles, role)
        return replace(self, roles=roles, chain=(*self.chain, f"agent:{agent}"))

    def policy_key(self) -> tuple[Any, ...]:
        """Give a hashable value that is equal for actors who may do the same; keys every cache of what one may see."""
        return tuple(role.policy_key for role in self.roles)

    def view_key(self) -> tuple[Any, ...]:
        """Give a hashable value that is equal for actors who see the same objects and fields, if not the same rows."""
        return tuple(role.view_key for role in self.roles)

    def to_json(self) -> dict[str, Any]:
        """Give the ids that are stored with runs: never roles."""
        return {
            "kind": self.principal.kind.value,
            "id": str(self.principal.id),
            "label": self.principal.label,
            "chain": list(self.chain),
        }


def check(actor: Actor, action: Action, object_name: str) -> None:
    """Let the action pass or refuse it; the one decision for every kind of principal (S-03).

    Raises:
        MissingPermission: A role in the chain does not allow it.
    """
    if not actor.may(action, object_name):
        raise MissingPermission(actor.label, action.value, object_name)


def check_flag(actor: Actor, flag: str) -> None:
    """Let pass whoever holds the flag.

    Raises:
        FeatureOff: The feature it belongs to is off in the workspace.
        MissingPermission: A role in the chain does not hold it.
    """
    if feature := FEATURES_OF_FLAGS.get(flag):
        check_feature(actor, feature)
    if not actor.holds(flag):
        raise MissingPermission(actor.label, "use", flag)


def check_any_flag(actor: Actor, *flags: str) -> None:
    """Let pass whoever holds one of the flags.

    Raises:
        MissingPermission: The actor holds none of them.
    """
    if not any(actor.holds(flag) for flag in flags):
        raise MissingPermission(actor.label, "use", " or ".join(flags))


def check_feature(actor: Actor, feature: str) -> None:
    """Let pass if a feature is on in the actor's workspace.

    Raises:
        FeatureOff: It is off.
    """
    if feature in actor.features_off:
        raise FeatureOff(feature)
