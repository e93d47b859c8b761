"""Roles as values: flags by name and by kind, what an agent's chain leaves, and stored roles of any release."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from metier.actor import (
    ALL_FLAGS,
    FLAGS,
    SETTINGS_FLAGS,
    TOOL_FLAGS,
    Action,
    Actor,
    Principal,
    PrincipalKind,
    Role,
    RowRule,
    flag_name,
)

STORED = sorted((Path(__file__).parents[1] / "wire" / "roles").glob("*.json"))
ONE = UUID(int=7)


def role(**said: Any) -> Role:
    return Role(ONE, "clerk", "Clerk", **said)


def actor(*roles: Role) -> Actor:
    return Actor(ONE, Principal(PrincipalKind.MEMBER, ONE, "Mo"), roles)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_stored_role_reads_as_it_always_did(path: Path):
    stored = json.loads(path.read_text())

    read = Role.from_body(ONE, "clerk", "Clerk", stored["row"])

    assert read.to_json() == stored["reads"]
    assert Role.from_body(ONE, "clerk", "Clerk", read.body()) == read


def test_the_form_that_is_written_has_a_sample():
    assert set(role().body()) in [set(json.loads(path.read_text())["row"]) for path in STORED]


def test_a_flag_is_held_by_name_or_with_all_of_its_kind():
    assert [flag for flag in FLAGS if role(flags=frozenset({"AI"})).holds(flag)] == ["AI"]
    assert tuple(flag for flag in FLAGS if role(can_update_all_settings=True).holds(flag)) == SETTINGS_FLAGS
    assert tuple(flag for flag in FLAGS if role(can_access_all_tools=True).holds(flag)) == TOOL_FLAGS
    assert not role(can_update_all_settings=True, can_access_all_tools=True).holds("NO_FLAG")


def test_flags_have_the_names_of_twenty_and_their_fixed_ids():
    assert len(set(SETTINGS_FLAGS) - {"DATA_MODEL_PURGE"}) == 14  # that one is ours
    assert len(TOOL_FLAGS) == 12
    assert flag_name("1c7f09a7-367d-568b-a0e8-c274eccd6ee3") == "AI"
    assert flag_name("F0C08013-3C9A-5489-BD45-A641FE5F085D") == "DATA_MODEL"
    assert flag_name("layouts") == "LAYOUTS"
    assert flag_name("LAYOUT") is None
    assert all(flag.label and flag.description for flag in ALL_FLAGS)


def test_s02_an_agent_has_what_all_roles_of_its_chain_leave():
    mine = RowRule({"owner": "me"})
    first = role(
        all_objects=frozenset(Action),
        flags=frozenset({"AI", "ROLES"}),
        fields={"company": {"revenue": frozenset()}},
        rows={"deal": (mine,)},
    )
    second = role(
        objects={"company": frozenset({Action.READ}), "deal": frozenset({Action.READ})},
        can_access_all_tools=True,
        fields={"company": {"name": frozenset({Action.READ})}},
        rows={"deal": (RowRule({"owner": "me"}), RowRule({"stage": "new"}, frozenset({Action.UPDATE})))},
    )

    agent = actor(first).through("clerk", second)

    assert [one for one in Action if agent.may(one, "company")] == [Action.READ]
    assert [flag for flag in FLAGS if agent.holds(flag)] == ["AI"]
    assert not agent.may_field(Action.READ, "company", "revenue")
    assert not agent.may_field(Action.UPDATE, "company", "name")
    assert agent.may_field(Action.READ, "company", "name")
    assert agent.row_rules(Action.READ, "deal") == (mine,), "the same rule twice is one"
    assert [rule.where for rule in agent.row_rules(Action.UPDATE, "deal")] == [{"owner": "me"}, {"stage": "new"}]


def test_a_rule_for_reading_holds_for_all_that_is_done():
    reading = role(rows={"deal": (RowRule({"stage": "new"}, frozenset({Action.READ})),)})

    assert all(reading.row_rules(action, "deal") for action in Action)


def test_roles_that_allow_the_same_share_a_policy():
    rules = {"deal": (RowRule({"stage": "new", "owner": "me"}),)}
    same = {"deal": (RowRule({"owner": "me", "stage": "new"}, label="Mine"),)}
    other = {"deal": (RowRule({"owner": "me", "stage": "won"}),)}

    assert role(rows=rules).policy_key == role(rows=same).policy_key
    assert role(rows=rules).policy_key != role(rows=other).policy_key
    assert role().policy_key != role(fields={"deal": {"stage": frozenset()}}).policy_key
    assert hash(actor(role(rows=rules)).policy_key())
