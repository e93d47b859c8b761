"""Who acts and what that one may do: actors, roles, flags, and the one decision. Pure values, no look-ups."""

from metier.actor.acting import (
    AI_FEATURE,
    FEATURES_OF_FLAGS,
    READ_ONLY_OBJECTS,
    ROW_RULES_FEATURE,
    Actor,
    Viewing,
    check,
    check_acts,
    check_any_flag,
    check_feature,
    check_flag,
)
from metier.actor.flags import ALL_FLAGS, FLAGS, SETTINGS_FLAGS, TOOL_FLAGS, Flag, FlagKind, flag_name
from metier.actor.principal import Principal, PrincipalKind
from metier.actor.role import EVERY_ACTION, EVERY_HOLDER, FIELD_ACTIONS, Action, Holder, Role, RowRule

__all__ = [
    "AI_FEATURE",
    "ALL_FLAGS",
    "EVERY_ACTION",
    "EVERY_HOLDER",
    "FEATURES_OF_FLAGS",
    "FIELD_ACTIONS",
    "FLAGS",
    "READ_ONLY_OBJECTS",
    "ROW_RULES_FEATURE",
    "SETTINGS_FLAGS",
    "TOOL_FLAGS",
    "Action",
    "Actor",
    "Flag",
    "FlagKind",
    "Holder",
    "Principal",
    "PrincipalKind",
    "Role",
    "RowRule",
    "Viewing",
    "check",
    "check_acts",
    "check_any_flag",
    "check_feature",
    "check_flag",
    "flag_name",
]
