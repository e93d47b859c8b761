"""Roles, flags and chats under the names of seed 001 say what the house itself says of them."""

import pytest

from metier.actor import FLAGS
from metier.actor.flags import ALL_FLAGS
from metier.store import Database
from metier.testing import House, Script

SWITCHES = {
    "canUpdateAllSettings": "can_update_all_settings",
    "canAccessAllTools": "can_access_all_tools",
}


async def held(db: Database, role_id) -> dict[str, bool]:
    """Give a role's flags as the plan's query does."""
    rows = await db.rows('select pf.key, pf.value from metadata."permissionFlag" pf where pf."roleId" = %s', [role_id])
    return {row["key"]: row["value"] for row in rows}


async def test_the_table_of_flags_is_the_list_of_flags(db: Database):
    rows = await db.rows("select key, kind from core.permission_flag")

    assert {row["key"]: row["kind"] for row in rows} == {flag.name: flag.kind.value for flag in ALL_FLAGS}


async def test_a_role_holds_there_what_it_holds_here(house: House):
    access, db = house.metier.access, house.metier.db
    for name, form in {
        "bare": {},
        "named": {"flags": ["AI", "ROLES"], "all_objects": ["read", "update"], "can_be_assigned_to": ["agents"]},
        "tools": {"can_access_all_tools": True, "all_objects": ["read", "delete", "destroy"]},
        "settings": {"can_update_all_settings": True, "flags": ["AI"]},
    }.items():
        await access.create_role(house.actor, name=name, **form)

    roles = await access.roles(house.actor)
    rows = {row["name"]: row for row in await db.rows('select * from metadata."role"')}

    assert rows.keys() == {role.name for role in roles}
    for role in roles:
        row = rows[role.name]
        assert await held(db, role.id) == {flag: role.holds(flag) for flag in FLAGS}
        assert (row["id"], row["label"], row["description"]) == (role.id, role.label, role.description)
        assert row["workspaceId"] == house.actor.workspace_id
        assert {key: row[key] for key in SWITCHES} == {key: getattr(role, name) for key, name in SWITCHES.items()}
        for word, action in (("Read", "read"), ("Update", "update"), ("SoftDelete", "delete"), ("Destroy", "destroy")):
            assert row[f"can{word}AllObjectRecords"] is (action in role.all_objects)
        for word, holder in (("Users", "users"), ("Agents", "agents"), ("ApiKeys", "api_keys")):
            assert row[f"canBeAssignedTo{word}"] is (holder in role.can_be_assigned_to)
        assert row["isEditable"] is role.is_editable


async def test_a_role_of_an_older_release_holds_there_what_it_holds_here(house: House):
    """What it did not store has its default, and `admin` holds everything."""
    db = house.metier.db
    await db.execute("""update core.role set body = '{"all_objects": ["read"], "objects": {}, "flags": ["AI"]}'""")

    for role in await house.metier.access.roles(house.actor):
        assert await held(db, role.id) == {flag: role.holds(flag) for flag in FLAGS}, role.name


async def test_a_chat_counts_its_tokens_and_credits(house: House):
    """A credit is a micro-dollar; the scripted model takes 1 for a token in and 2 for one out."""
    db, sql = house.metier.db, 'select * from metadata."agentChatThread"'
    first = await house.metier.chat.create_thread(house.actor, model="scripted/model")
    empty = await house.metier.chat.create_thread(house.actor, model="scripted/model")
    for words in ("Hello there, Ada.", "Good-bye."):
        await house.ask("Hi", thread_id=first.id, model=Script().calls("find_companies").then_says(words))

    rows = {row["id"]: row for row in await db.rows(sql)}
    calls = await db.row(
        "select sum(input_tokens) as i, sum(output_tokens) as o, sum(cost_micros) as c from core.model_call"
    )

    one = rows[first.id]
    assert (one["totalInputTokens"], one["totalOutputTokens"]) == (calls["i"], calls["o"]) == (40, 8)
    assert (one["totalInputCredits"], one["totalOutputCredits"]) == (40, 16)
    assert one["totalInputCredits"] + one["totalOutputCredits"] == calls["c"]
    assert (one["title"], one["workspaceId"]) == ("Hi", house.actor.workspace_id)
    assert [rows[empty.id][key] for key in rows[empty.id] if key.startswith("total")] == [0, 0, 0, 0]


@pytest.mark.parametrize("name", ["role", "permissionFlag", "agentChatThread"])
async def test_workspaces_are_told_apart(house: House, name: str):
    other = await house.metier.access.create_workspace("Other")

    rows = await house.metier.db.rows(f'select * from metadata."{name}" where "workspaceId" = %s', [other])

    assert all(row["workspaceId"] == other for row in rows)
    assert bool(rows) is (name != "agentChatThread")
