"""Feature flags: changed by few, seen by all, and obeyed by the next look-up of an actor."""

import pytest

from metier.access import Access
from metier.access.features import FEATURES
from metier.actor import AI_FEATURE, check_flag
from metier.errors import FeatureOff, MissingPermission, NotFound
from metier.store import Database
from tests.access.conftest import People

IF_ELSE = "IS_IF_ELSE_ENABLED"


async def test_who_does_not_hold_workspace_changes_none(access: Access, people: People):
    with pytest.raises(MissingPermission, match="WORKSPACE"):
        await access.set_feature_flag(people.mo, AI_FEATURE, value=False)

    assert all(flag.value for flag in await access.feature_flags(people.mo))


async def test_an_unknown_flag_is_refused_with_the_nearest(access: Access, people: People, db: Database):
    with pytest.raises(NotFound) as caught:
        await access.set_feature_flag(people.ada, "IS_AI_ENABELD", value=False)

    assert caught.value.problems[0].did_you_mean == AI_FEATURE
    assert await db.value('select count(*) from core."featureFlag"') == len(FEATURES)


async def test_a_new_workspace_has_a_row_for_each_and_all_are_on(access: Access, people: People, db: Database):
    rows = await db.rows(
        'select "key", "value" from core."featureFlag" where "workspaceId" = %s', [people.workspace_id]
    )

    assert {row["key"]: row["value"] for row in rows} == dict.fromkeys(FEATURES, True)
    assert [flag.key for flag in await access.feature_flags(people.mo)] == list(FEATURES)


async def test_with_ai_off_nobody_holds_ai_in_this_workspace(access: Access, elsewhere: Access, people: People):
    """S-05: the next look-up says so, on every process; another workspace goes on."""
    other = await access.create_workspace("Other")
    boss = await access.actor_for_member(other, await access.create_member(other, name="Boss", role="admin"))
    key = await access.create_key(people.ada, role="admin", name="k")

    await access.set_feature_flag(people.ada, AI_FEATURE, value=False)

    for actor in (
        await elsewhere.refresh(people.ada),
        await elsewhere.actor_for_key(key.token),
        await elsewhere.actor_for_email(people.workspace_id, "mo@acme.test"),
        (await elsewhere.refresh(people.mo)).through("clerk", None),
    ):
        assert not actor.holds("AI")
        with pytest.raises(FeatureOff, match=AI_FEATURE) as caught:
            check_flag(actor, "AI")
        assert "WORKSPACE" in caught.value.cure
        assert f"metier flags set {AI_FEATURE} on" in caught.value.cure
    assert (await elsewhere.refresh(people.ada)).holds("WORKSPACE")
    assert (await elsewhere.refresh(boss)).holds("AI")

    await access.set_feature_flag(people.ada, AI_FEATURE, value=True)
    assert (await elsewhere.refresh(people.mo)).holds("AI")


async def test_without_a_row_a_feature_is_on(access: Access, people: People, db: Database):
    await db.execute('delete from core."featureFlag"')

    assert (await access.refresh(people.mo)).holds("AI")
    assert all(flag.value for flag in await access.feature_flags(people.mo))


async def test_a_flag_that_governs_nothing_yet_says_so_and_is_kept(access: Access, people: People):
    changed = await access.set_feature_flag(people.ada, IF_ELSE, value=False)

    assert (changed.value, changed.governs[:12]) == (False, "Nothing yet:")
    assert {flag.key for flag in await access.feature_flags(people.ada) if not flag.value} == {IF_ELSE}


async def test_a_key_that_only_the_table_knows_is_shown_as_unknown(access: Access, people: People, db: Database):
    sql = 'insert into core."featureFlag" values (gen_random_uuid(), %s, %s, false)'
    await db.execute(sql, ["IS_AI_ENABELD", people.workspace_id])

    *_, stray = await access.feature_flags(people.mo)

    assert (stray.key, stray.value, stray.known) == ("IS_AI_ENABELD", False, False)
    assert "does not know" in stray.governs
    assert (await access.refresh(people.mo)).holds("AI")
