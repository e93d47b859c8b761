"""Roles in our spelling and in Twenty's, and every slip told at its place."""

from typing import Any
from uuid import UUID

import pytest

from metier.access.forms import changed
from metier.actor import EVERY_ACTION, Action, Holder, Role, RowRule
from metier.errors import Invalid, Problem
from metier.filters import OPERANDS

EMPTY = Role(UUID(int=1), "rep", "Rep")
READ, CREATE, UPDATE, DELETE = Action.READ, Action.CREATE, Action.UPDATE, Action.DELETE


def read(form: dict[str, Any], role: Role = EMPTY) -> Role:
    return changed(role, form)


def slips(form: dict[str, Any]) -> list[Problem]:
    with pytest.raises(Invalid) as caught:
        read(form)
    return list(caught.value.problems)


def test_what_is_not_said_stays():
    role = read({"all_objects": ["read"], "flags": ["AI"], "fields": {"company": {"revenue": []}}})

    assert read({}, role) == role
    assert read({"flags": None}, role) == role
    assert read({"label": "Sales"}, role).flags == {"AI"}
    assert read({"flags": []}, role).flags == frozenset()


def test_everything_is_read_in_our_spelling():
    role = read(
        {
            "description": "Works on deals.",
            "can_be_assigned_to": ["users"],
            "can_access_all_tools": True,
            "all_objects": {READ, UPDATE},
            "objects": {"note": [], "company": ["read", "soft_delete"]},
            "fields": {"company": {"revenue": [], "name": ["read"], "city": ["read", "update"]}},
            "rows": {"deal": [{"where": {"owner": "me"}, "actions": ["update"], "label": "Own"}]},
            "flags": ["AI", "layouts", "f0c08013-3c9a-5489-bd45-a641fe5f085d"],
        }
    )

    assert role.can_be_assigned_to == {Holder.USERS}
    assert (role.can_access_all_tools, role.can_update_all_settings) == (True, False)
    assert role.all_objects == {READ, UPDATE}
    assert role.objects == {"note": frozenset(), "company": {READ, DELETE}}
    assert role.fields == {"company": {"revenue": frozenset(), "name": {READ}}}, "what withholds nothing is no rule"
    assert role.rows == {"deal": (RowRule({"owner": "me"}, frozenset({UPDATE}), "Own"),)}
    assert role.flags == {"AI", "LAYOUTS", "DATA_MODEL"}


def test_a_role_that_was_given_can_be_sent_back():
    role = read({"all_objects": ["read"], "rows": {"deal": [{"where": {"owner": "me"}}]}, "flags": ["AI"]})
    body = {key: value for key, value in role.to_json().items() if key not in ("id", "name", "is_editable")}

    assert read(body) == role


def test_everything_is_read_in_twentys_spelling():
    role = read(
        {
            "canAccessAllTools": True,
            "canReadAllObjectRecords": True,
            "canUpdateAllObjectRecords": True,
            "canBeAssignedToAgents": False,
            "objectPermissions": [
                {"objectNameSingular": "note", "canReadObjectRecords": False},
                {"object": "company", "canUpdateObjectRecords": False, "canSoftDeleteObjectRecords": True},
            ],
            "fieldPermissions": [
                {"objectNameSingular": "company", "fieldName": "revenue", "canReadFieldValue": False},
                {"object": "company", "field": "name", "canReadFieldValue": None, "canUpdateFieldValue": False},
            ],
            "permissionFlagUniversalIdentifiers": ["1c7f09a7-367d-568b-a0e8-c274eccd6ee3"],
            "permissionFlags": [{"flag": "WORKFLOWS"}],
        }
    )

    assert role.can_access_all_tools
    assert role.can_be_assigned_to == {Holder.USERS, Holder.API_KEYS}
    assert role.all_objects == {READ, CREATE, UPDATE}, "creating is updating there"
    assert role.objects == {"note": {CREATE, UPDATE}, "company": {READ, DELETE}}, "what is not said is inherited"
    assert role.fields == {"company": {"revenue": frozenset(), "name": {READ}}}
    assert role.flags == {"AI", "WORKFLOWS"}


def test_a_switch_of_twenty_changes_what_it_names_only():
    role = read({"all_objects": ["read", "destroy"]})

    assert read({"canDestroyAllObjectRecords": False}, role).all_objects == {READ}


def test_predicates_come_as_a_tree():
    where = {
        "logicalOperator": "AND",
        "predicates": [{"field": "stage", "operand": "IS_NOT", "value": "lost"}],
        "groups": [
            {
                "logicalOperator": "OR",
                "predicates": [
                    {"field": "owner", "operand": "IS", "value": {"isCurrentWorkspaceMemberSelected": True}},
                    {"field": "amount", "subFieldName": "amountMicros", "operand": "LESS_THAN_OR_EQUAL", "value": 5},
                ],
            }
        ],
    }

    role = read({"rows": {"deal": [{"where": where}, {"field": "name", "operand": "IS_NOT_EMPTY"}]}})

    assert [rule.where for rule in role.rows["deal"]] == [
        {"and": [{"stage": {"neq": "lost"}}, {"or": [{"owner": "me"}, {"amount.amountMicros": {"lte": 5}}]}]},
        {"name": {"is": "not_null"}},
    ]
    assert role.rows["deal"][0].actions == EVERY_ACTION


def test_predicates_come_as_two_flat_lists():
    def predicate(field: str, group: str | None, position: int) -> dict[str, Any]:
        return {
            "objectMetadataId": "deal",
            "fieldMetadataId": field,
            "operand": "IS_EMPTY",
            "rowLevelPermissionPredicateGroupId": group,
            "positionInRowLevelPermissionPredicateGroup": position,
        }

    role = read(
        {
            "rowLevelPermissionPredicates": [
                predicate("c", "inner", 2),
                predicate("b", "inner", 1),
                predicate("a", None, 0),
            ],
            "rowLevelPermissionPredicateGroups": [
                {"id": "outer", "objectMetadataId": "deal", "logicalOperator": "AND", "position": 1},
                {
                    "id": "inner",
                    "objectMetadataId": "deal",
                    "logicalOperator": "OR",
                    "parentRowLevelPermissionPredicateGroupId": "outer",
                },
            ],
        }
    )

    empty = {"is": "null"}
    assert [rule.where for rule in role.rows["deal"]] == [{"and": [{"a": empty}, {"or": [{"b": empty}, {"c": empty}]}]}]


@pytest.mark.parametrize(
    ("operand", "value", "where"),
    [
        ("IS", "won", {"eq": "won"}),
        ("IS", ["new", "won"], {"in": ["new", "won"]}),
        ("IS_NOT", ["new", "won"], {"not_in": ["new", "won"]}),
        ("IS_NOT", "won", {"neq": "won"}),
        ("IS_NOT_NULL", None, {"is": "not_null"}),
        ("LESS_THAN_OR_EQUAL", 5, {"lte": 5}),
        ("GREATER_THAN_OR_EQUAL", 5, {"gte": 5}),
        ("IS_BEFORE", "2026-03-01", {"lt": "2026-03-01"}),
        ("IS_AFTER", "2026-03-01", {"gt": "2026-03-01"}),
        ("CONTAINS", "ac", {"contains": "ac"}),
        ("IS_EMPTY", None, {"is": "null"}),
        ("IS_NOT_EMPTY", None, {"is": "not_null"}),
        ("IS_RELATIVE", {"direction": "PAST", "amount": 7, "unit": "DAY"}, {"within": "last_7_days"}),
        ("IS_RELATIVE", "NEXT_2_MONTH", {"within": "next_2_months"}),
        ("IS_RELATIVE", {"direction": "THIS", "unit": "WEEK"}, {"within": "this_week"}),
        ("IS_IN_PAST", None, {"lt": "now"}),
        ("IS_IN_FUTURE", None, {"gt": "now"}),
        ("IS_TODAY", None, {"within": "today"}),
        ("is_today", None, {"within": "today"}),
        ("IS", {"selectedRecordIds": ["a", "b"]}, {"in": ["a", "b"]}),
        ("IS_NOT", {"isCurrentWorkspaceMemberSelected": True, "selectedRecordIds": ["a"]}, {"not_in": ["me", "a"]}),
    ],
)
def test_each_operand_has_its_operator(operand: str, value: Any, where: dict[str, Any]):
    role = read({"rows": {"deal": {"field": "x", "operand": operand, "value": value}}})

    assert [rule.where for rule in role.rows["deal"]] == [{"x": where}]


def test_operands_of_more_than_one_word_and_those_with_the_member():
    role = read(
        {
            "rows": {
                "deal": [
                    {"field": "x", "operand": "DOES_NOT_CONTAIN", "value": "ac"},
                    {"field": "x", "operand": "CONTAINS", "value": ["a", "b"]},
                    {"field": "x", "operand": "IS", "workspaceMemberFieldMetadataId": "email"},
                    {"field": "x", "operand": "IS", "value": {"isCurrentWorkspaceMemberSelected": True}},
                ]
            }
        }
    )

    assert [rule.where for rule in role.rows["deal"]] == [
        {"not": {"x": {"contains": "ac"}}},
        {"or": [{"x": {"contains": "a"}}, {"x": {"contains": "b"}}]},
        {"x": {"eq": {"me": "email"}}},
        {"x": "me"},
    ]


@pytest.mark.parametrize(
    ("form", "path", "words"),
    [
        ({"flag": []}, "flag", "a role has no 'flag'"),
        ({"flags": ["IA"]}, "flags", "there is no flag 'IA'"),
        ({"flags": "AI"}, "flags", "expected a list"),
        ({"all_objects": ["raed"]}, "all_objects", "there is no 'raed'"),
        ({"objects": ["company"]}, "objects", "expected an object"),
        ({"objects": {"company": "read"}}, "objects.company", "expected a list"),
        ({"objectPermissions": [{"canReadObjectRecords": True}]}, "object_permissions.0.object", "name of an object"),
        ({"fields": {"company": []}}, "fields.company", "expected an object"),
        ({"fields": {"company": {"x": ["create"]}}}, "fields.company.x", "there is no 'create'"),
        ({"fields": {"company": {"x": ["update"]}}}, "fields.company.x", "may be read too"),
        ({"fieldPermissions": [{"object": "company"}]}, "field_permissions.0.field", "name of a field"),
        ({"can_access_all_tools": "yes"}, "can_access_all_tools", "expected true or false"),
        ({"canBeAssignedToUsers": 1}, "can_be_assigned_to_users", "expected true or false"),
        ({"can_be_assigned_to": ["user"]}, "can_be_assigned_to", "there is no 'user'"),
        ({"description": "a\nb"}, "description", "expected a text"),
        ({"rows": {"deal": [{"where": {}, "wher": {}}]}}, "rows.deal.0.wher", "a rule has no 'wher'"),
        ({"rows": {"deal": [{}]}}, "rows.deal.0.where", "expected a filter"),
        ({"rows": {"deal": [{"where": {}, "actions": []}]}}, "rows.deal.0.actions", "at least one action"),
        ({"rows": {"deal": [{"where": {}}] * 51}}, "rows.deal", "at most 50 rules"),
        ({"rows": {"deal": {"field": "x", "operand": "IZ"}}}, "rows.deal.0.operand", "there is no operand 'IZ'"),
        ({"rows": {"deal": {"field": "x", "operand": "VECTOR_SEARCH"}}}, "rows.deal.0.operand", "no full-text search"),
        ({"rows": {"deal": {"operand": "IS"}}}, "rows.deal.0.field", "expected the name of a field"),
        ({"rows": {"deal": {"logicalOperator": "XOR"}}}, "rows.deal.0.logicalOperator", "'xor' joins nothing"),
        ({"rows": {"deal": {"logicalOperator": "OR"}}}, "rows.deal.0", "at least one predicate"),
        ({"rows": {"deal": {"field": "x", "operand": "IS_RELATIVE", "value": "soon"}}}, "rows.deal.0.value", "stretch"),
        (
            {"rowLevelPermissionPredicates": [{"object": "deal", "field": "x", "operand": "IS", "groupId": "no"}]},
            "row_level_permission_predicates.0",
            "there is no group 'no'",
        ),
        (
            {"rowLevelPermissionPredicateGroups": [{"object": "deal", "id": "a", "parentGroupId": "a"}]},
            "row_level_permission_predicates.groups",
            "inside itself",
        ),
    ],
)
def test_a_slip_is_told_at_its_place(form: dict[str, Any], path: str, words: str):
    (problem,) = slips(form)

    assert problem.path == path
    assert words in problem.problem


def test_all_slips_are_told_at_once_with_the_nearest_names():
    found = {problem.path: problem.did_you_mean for problem in slips({"flags": ["ROLE"], "all_object": [], "rows": 5})}

    assert found == {"flags": "ROLES", "all_object": "all_objects", "rows": None}


def test_the_operands_of_twenty_are_all_there():
    assert set(OPERANDS) == {
        *("IS", "IS_NOT", "IS_NOT_NULL", "LESS_THAN_OR_EQUAL", "GREATER_THAN_OR_EQUAL", "IS_BEFORE", "IS_AFTER"),
        *("CONTAINS", "DOES_NOT_CONTAIN", "IS_EMPTY", "IS_NOT_EMPTY", "IS_RELATIVE", "IS_IN_PAST", "IS_IN_FUTURE"),
        "IS_TODAY",
    }


@pytest.mark.parametrize("depth", [5, 12])
def test_groups_end_somewhere(depth: int):
    where: dict[str, Any] = {"field": "x", "operand": "IS_EMPTY"}
    for _ in range(depth):
        where = {"logicalOperator": "AND", "groups": [where, where] if depth == 5 else [where]}

    if depth == 5:
        assert read({"rows": {"deal": where}}).rows
    else:
        assert "nested too deep" in slips({"rows": {"deal": where}})[0].problem
