"""Who acts, and what that one may do: pure values, no look-ups.

Only `metier.access` makes an Actor from credentials (S-01). A role is looked up live for every request, model call
and tool call; an Actor is never stored, only its ids are.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

from metier.actor.principal import Principal
from metier.actor.role import Action, Role, RowRule
from metier.errors import FeatureOff, MissingPermission, OnlyViewing

AI_FEATURE = "IS_AI_ENABLED"
ROW_RULES_FEATURE = "IS_ROW_LEVEL_PERMISSION_PREDICATES_ENABLED"

#: Flags that nobody holds while a feature of the workspace is off.
FEATURES_OF_FLAGS = {"AI": AI_FEATURE}

#: Objects that nobody writes through `records`.
READ_ONLY_OBJECTS = frozenset({"member"})


NOBODY = UUID(int=0)  # whose things nobody has


@dataclass(frozen=True)
class Viewing:
    """Whose sight somebody has taken on, to look and not to touch: a role's, or a member's.

    Attributes:
        name: The role's name, or the member's id.
        label: What people call it.
        me: Whom `me` stands for then, and in whose forms values are shown.
        viewer: Who looks, as they are.
    """

    kind: Literal["role", "member"]
    name: str
    label: str
    me: Principal
    viewer: "Actor"

    def to_json(self) -> dict[str, str]:
        """Give whose sight it is: `{"kind": "role", "name": "sales-rep", "label": "Sales rep"}`."""
        return {"kind": self.kind, "name": self.name, "label": self.label}


@dataclass(frozen=True)
class Actor:
    """Somebody acting in a workspace, with the roles that hold right now.

    `roles` is the chain: the principal's role, then the role of each agent acting for it. What is allowed is what
    all of them allow (S-02). There is no default actor and no bypass. Who is `viewing` has the viewed role first and
    the own ones behind it, sees what both show, and changes nothing.
    """

    workspace_id: UUID
    principal: Principal
    roles: tuple[Role, ...]
    chain: tuple[str, ...] = ()  # agents acting for the principal, outermost first, e.g. ("agent:crm-assistant",)
    features_off: frozenset[str] = frozenset()  # feature flags that are off in the workspace
    schema_epoch: int = field(default=0, compare=False)  # the newest known when the actor was looked up; 0: none
    viewing: Viewing | None = None

    @property
    def label(self) -> str:
        """Who this is, for messages: `Ada Park`, `Ada Park (through crm-assistant)`, `Ada Park (as Sales rep)`."""
        if self.viewing:
            return f"{self.principal.label} (as {self.viewing.label})"
        if not self.chain:
            return self.principal.label
        return f"{self.principal.label} (through {', '.join(link.partition(':')[2] for link in self.chain)})"

    @property
    def me(self) -> Principal:
        """Whom `me` stands for, and in whose time zone and forms values are shown."""
        return self.viewing.me if self.viewing else self.principal

    @property
    def own_id(self) -> UUID:
        """Whose chats, requests and runs are one's own: nobody's while one looks as another member."""
        return NOBODY if self.viewing and self.viewing.kind == "member" else self.principal.id

    @property
    def own_roles(self) -> tuple[Role, ...]:
        """The principal's role, agents' aside; while viewing only if both have it."""
        own = self.roles[:1]
        return own if self.viewing is None or own == self.viewing.viewer.roles[:1] else ()

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


def check_acts(actor: Actor) -> None:
    """Let pass whoever acts, and does not only look as another role or member.

    Raises:
        OnlyViewing: The actor only looks.
    """
    if actor.viewing:
        raise OnlyViewing(actor.viewing.label)


def check(actor: Actor, action: Action, object_name: str) -> None:
    """Let the action pass or refuse it; the one decision for every kind of principal (S-03).

    Raises:
        MissingPermission: A role in the chain does not allow it.
        OnlyViewing: It is no reading, and the actor only looks.
    """
    if action is not Action.READ:
        check_acts(actor)
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
