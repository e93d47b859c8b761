"""Actors come from credentials, live: what changed a moment ago holds for the next look-up, on every process."""

import pytest

from metier.access import Access
from metier.actor import Action, Actor, PrincipalKind, Role
from metier.errors import Conflict, MissingPermission, NotFound, NotSignedIn
from metier.store import Database
from metier.testing import FrozenClock
from tests.access.conftest import People


async def remove(db: Database, actor: Actor) -> None:
    await db.execute("update core.member set deleted_at = now() where id = %s", [actor.principal.id])


@pytest.mark.parametrize("token", ["", "mk_", "mk_unknown", "\0", "\ud800", "x" * 100_000])
async def test_unknown_tokens_are_refused(access: Access, people: People, token: str):
    for look_up in (access.actor_for_key, access.actor_for_sign_in, access.use_link):
        with pytest.raises(NotSignedIn):
            await look_up(token)


async def test_without_a_workspace_there_is_no_operator(access: Access):
    with pytest.raises(Conflict):
        await access.operator()


async def test_a_member_acts_with_name_zone_and_role(access: Access, people: People):
    principal = people.ada.principal

    assert (principal.kind, principal.label, principal.time_zone) == (PrincipalKind.MEMBER, "Ada Park", "Europe/Berlin")
    assert people.ada.may(Action.DESTROY, "company")
    assert not people.mo.may(Action.DESTROY, "company")


async def test_one_kind_of_token_is_not_taken_for_another(access: Access, people: People):
    key = (await access.create_key(people.ada, role="member", name="k")).token
    link = await access.admin_link(people.workspace_id)

    for look_up, token in [
        (access.actor_for_sign_in, key),
        (access.use_link, key),
        (access.actor_for_key, link),
        (access.actor_for_sign_in, link),
    ]:
        with pytest.raises(NotSignedIn):
            await look_up(token)


async def test_a_changed_role_holds_at_the_next_look_up_of_another_process(
    access: Access, elsewhere: Access, people: People
):
    await access.set_role(people.ada, people.mo.principal.id, role="admin")

    assert (await elsewhere.refresh(people.mo)).may(Action.DESTROY, "company")


async def test_a_narrowed_role_holds_at_the_next_look_up(access: Access, elsewhere: Access, people: People):
    await access.update_role(people.ada, "member", all_objects=[Action.READ], flags=[])

    mo = await elsewhere.refresh(people.mo)

    assert mo.may(Action.READ, "company")
    assert not mo.may(Action.UPDATE, "company")
    assert not mo.holds("AI")


async def test_who_is_gone_is_refused(access: Access, elsewhere: Access, people: People, db: Database):
    operator = await access.operator()
    link = await access.admin_link(people.workspace_id)
    signed_in = await access.sign_in("ada@acme.test", "correct horse")
    await remove(db, people.ada)

    for attempt in (
        elsewhere.refresh(people.ada),
        elsewhere.refresh(operator),
        elsewhere.actor_for_sign_in(signed_in.token),
        elsewhere.sign_in("ada@acme.test", "correct horse"),
        elsewhere.use_link(link),
    ):
        with pytest.raises(NotSignedIn):
            await attempt
    with pytest.raises(NotFound):
        await elsewhere.actor_for_member(people.workspace_id, people.ada.principal.id)


async def test_all_of_a_deleted_workspace_are_refused(access: Access, people: People, db: Database):
    key = await access.create_key(people.ada, role="member", name="k")
    signed_in = await access.sign_in("ada@acme.test", "correct horse")
    await db.execute("update core.workspace set deleted_at = now()")

    for attempt in (
        access.refresh(people.ada),
        access.actor_for_key(key.token),
        access.actor_for_sign_in(signed_in.token),
        access.sign_in("ada@acme.test", "correct horse"),
    ):
        with pytest.raises(NotSignedIn):
            await attempt
    assert await access.workspaces() == []


async def test_who_began_a_run_is_recalled_with_the_authority_of_now(
    access: Access, elsewhere: Access, people: People, db: Database
):
    key = await access.create_key(people.ada, role="admin", name="nightly")
    of_key = await access.actor_for_key(key.token)
    acting = people.mo.through("crm-assistant", None)
    await remove(db, people.ada)
    await db.execute("update core.api_key set revoked_at = now()")

    for gone in (people.ada, of_key):
        with pytest.raises(NotSignedIn):
            await elsewhere.recall(people.workspace_id, gone.to_json())
    recalled = await elsewhere.recall(people.workspace_id, acting.to_json())
    assert (recalled, recalled.chain) == (people.mo, ())


async def test_refreshing_keeps_the_chain_and_each_agents_role(access: Access, people: People):
    reader = await access.create_role(people.ada, name="reader", label="Reader", all_objects=[Action.READ])
    in_code = Role(id=people.workspace_id, name="code", label="Code", all_objects=frozenset({Action.READ}))
    through = people.ada.through("crm-assistant", reader).through("scout", in_code)

    again = await access.refresh(through)

    assert again.chain == ("agent:crm-assistant", "agent:scout")
    assert [role.name for role in again.roles] == ["admin", "reader", "code"]
    assert not again.may(Action.UPDATE, "company")


async def test_an_agents_role_is_live_too(access: Access, people: People):
    reader = await access.create_role(people.ada, name="reader", label="Reader", all_objects=[Action.READ])
    through = people.ada.through("crm-assistant", reader)
    await access.update_role(people.ada, "reader", all_objects=[])

    assert not (await access.refresh(through)).may(Action.READ, "company")


async def test_a_stale_wide_actor_cannot_be_used_to_widen_again(access: Access, people: People):
    """Who keeps an old Actor gets no old rights through refresh."""
    await access.set_role(people.ada, people.mo.principal.id, role="admin")
    wide = await access.refresh(people.mo)
    await access.set_role(people.ada, people.mo.principal.id, role="member")

    with pytest.raises(MissingPermission):
        await access.create_key(await access.refresh(wide), role="member", name="k")


async def test_a_look_up_is_one_statement(
    access: Access, people: People, db: Database, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
):
    key = await access.create_key(people.ada, role="member", name="k")
    signed_in = await access.sign_in("ada@acme.test", "correct horse")
    await access.actor_for_key(key.token)  # notes the first use
    asked: list[str] = []
    run = db._run
    monkeypatch.setattr(db, "_run", lambda ask, sql, params: (asked.append(sql), run(ask, sql, params))[1])

    await access.actor_for_key(key.token)
    await access.actor_for_sign_in(signed_in.token)
    await access.refresh(people.mo)

    assert len(asked) == 3


async def test_a_member_is_found_by_email_for_the_operators_commands(access: Access, people: People):
    assert (await access.actor_for_email(people.workspace_id, "MO@acme.test")).principal == people.mo.principal

    with pytest.raises(NotFound, match=r"Did you mean 'mo@acme\.test'"):
        await access.actor_for_email(people.workspace_id, "moo@acme.test")
