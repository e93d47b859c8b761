"""Workspaces and members."""

from dataclasses import replace
from uuid import UUID

import pytest

from metier.access import Access
from metier.actor import FLAGS, TOOL_FLAGS, Action, Holder
from metier.errors import AlreadyExists, Invalid, NotFound
from metier.store import Database
from tests.access.conftest import People


async def test_a_workspace_has_a_schema_and_two_roles(access: Access, db: Database, people: People):
    (workspace,) = await access.workspaces()

    assert (workspace.id, workspace.name, workspace.schema_epoch) == (people.workspace_id, "Acme", 1)
    assert await db.value("select to_regnamespace(%s)::text", [workspace.schema_name]) == workspace.schema_name
    admin, member = await access.roles(people.ada)
    assert (admin.name, admin.all_objects, admin.flags) == ("admin", frozenset(Action), frozenset(FLAGS))
    assert (admin.is_editable, Holder.AGENTS in admin.can_be_assigned_to) == (False, False)
    assert all(replace(admin, flags=frozenset()).holds(flag) for flag in FLAGS), "those of later releases too"
    assert (member.name, member.all_objects) == ("member", frozenset(Action) - {Action.DESTROY})
    assert member.flags < frozenset(TOOL_FLAGS)
    assert member.flags.isdisjoint({"SEND_EMAIL_TOOL", "HTTP_REQUEST_TOOL", "CODE_INTERPRETER_TOOL"})
    assert not member.allows(Action.DESTROY, "company")


async def test_a_workspace_that_cannot_be_made_leaves_nothing(access: Access, db: Database):
    with pytest.raises(Invalid):
        await access.create_workspace("  ")

    assert await access.workspaces() == []
    assert await db.value("select count(*) from pg_namespace where nspname like 'w\\_%'") == 0


async def test_emails_are_stored_in_lower_case_and_are_unique_per_workspace(access: Access, people: People):
    with pytest.raises(AlreadyExists, match=r"ada@acme\.test"):
        await access.create_member(people.workspace_id, name="Another Ada", email=" ADA@acme.TEST ")

    other = await access.create_workspace("Other")
    await access.create_member(other, name="Ada", email="ada@acme.test")


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"email": "nobody"}, "email"),
        ({"email": "a b@c.d"}, "email"),
        ({"email": "a@b"}, "email"),
        ({"email": f"{'a' * 250}@b.test"}, "email"),
        ({"password": "too short"}, "password"),
        ({"password": "x" * 1001}, "password"),
        ({"time_zone": "Europe/Berln"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"locale": "English!"}, "locale"),
    ],
)
async def test_what_does_not_have_its_form_is_refused(
    access: Access, people: People, values: dict[str, str], path: str
):
    with pytest.raises(Invalid) as caught:
        await access.create_member(people.workspace_id, **({"name": "Jo"} | values))

    assert caught.value.problems[0].path == path


async def test_a_misspelled_time_zone_gets_a_suggestion(access: Access, people: People):
    with pytest.raises(Invalid) as caught:
        await access.create_member(people.workspace_id, name="Jo", time_zone="Europe/Berln")

    assert caught.value.problems[0].did_you_mean == "Europe/Berlin"


async def test_an_unknown_role_gets_a_suggestion(access: Access, people: People):
    with pytest.raises(NotFound, match="Did you mean 'admin'"):
        await access.create_member(people.workspace_id, name="Jo", role="admn")


async def test_a_role_of_another_workspace_is_unknown(access: Access, people: People):
    other = await access.create_workspace("Other")
    boss = await access.actor_for_member(other, await access.create_member(other, name="Boss", role="admin"))
    await access.create_role(boss, name="secret", label="Secret")

    with pytest.raises(NotFound) as caught:
        await access.create_member(people.workspace_id, name="Jo", role="secret")

    assert caught.value.problems[0].allowed == ("admin", "member")


async def test_a_house_can_be_signed_in_to_once_an_admin_has_a_password(access: Access):
    workspace_id = await access.create_workspace("Acme")
    await access.create_member(workspace_id, name="Admin", role="admin")
    await access.create_member(workspace_id, name="Mo", email="mo@acme.test", password="long enough")
    assert not await access.can_sign_in()

    await access.create_member(workspace_id, name="Ada", email="ada@acme.test", password="long enough", role="admin")

    assert await access.can_sign_in()


async def test_the_operator_is_the_first_admin_of_the_first_workspace(access: Access, people: People):
    other = await access.create_workspace("Other")
    await access.create_member(other, name="Boss", role="admin")
    await access.create_member(people.workspace_id, name="Second", role="admin")

    operator = await access.operator()

    assert (operator.workspace_id, operator.principal.id) == (people.workspace_id, people.ada.principal.id)
    assert (operator.principal.kind, operator.label) == ("operator", "Ada Park")
    assert isinstance(operator.principal.id, UUID)
