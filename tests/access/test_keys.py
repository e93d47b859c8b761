"""API keys: shown once, never wider than their maker, refused from the moment they are revoked."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from metier.access import Access
from metier.actor import Action, PrincipalKind
from metier.errors import Invalid, MissingPermission, NotFound, NotSignedIn
from metier.store import Database
from metier.testing import FrozenClock
from tests.access.conftest import People

KEYS = "API_KEYS_AND_WEBHOOKS"


async def test_without_the_flag_keys_are_neither_made_seen_nor_revoked(access: Access, people: People):
    key = await access.create_key(people.ada, role="member", name="k")

    for attempt in (
        access.create_key(people.mo, role="member", name="mine"),
        access.keys(people.mo),
        access.revoke_key(people.mo, key.id),
    ):
        with pytest.raises(MissingPermission, match=KEYS):
            await attempt
    assert await access.actor_for_key(key.token)


async def test_a_key_acts_with_its_own_role_and_its_makers_time_zone(access: Access, people: People):
    key = await access.create_key(people.ada, role="Member", name=" reporting ")

    actor = await access.actor_for_key(key.token)

    assert (actor.principal.kind, actor.principal.id, actor.label) == (PrincipalKind.KEY, key.id, "reporting")
    assert actor.principal.time_zone == "Europe/Berlin"
    assert [role.name for role in actor.roles] == ["member"]
    assert actor.may(Action.READ, "company")
    assert not actor.holds(KEYS)


async def test_only_the_hash_of_a_key_is_stored(access: Access, people: People, db: Database):
    key = await access.create_key(people.ada, role="member", name="k")

    stored = await db.value("select to_jsonb(k)::text from core.api_key k")

    assert key.token.startswith(key.prefix)
    assert key.token not in stored
    assert key.token[len(key.prefix) :] not in stored
    assert len(key.token) > len(key.prefix) + 30


@pytest.mark.parametrize(
    "wider",
    [
        {"all_objects": [Action.READ, Action.UPDATE]},
        {"objects": {"company": [Action.READ, Action.DESTROY]}},
        {"objects": {"salary": [Action.READ]}},
        {"flags": ["AI"]},
    ],
    ids=["an action on all", "an action on one object", "an object that is hidden from the maker", "a flag"],
)
async def test_a_key_never_gets_more_than_its_maker(access: Access, people: People, wider: dict[str, object]):
    narrow = {"all_objects": [Action.READ], "objects": {"salary": []}, "flags": [KEYS]}
    await access.create_role(people.ada, name="clerk", label="Clerk", **narrow)
    await access.create_role(people.ada, name="wider", label="Wider", **({**narrow, **wider}))
    await access.set_role(people.ada, people.mo.principal.id, role="clerk")
    clerk = await access.refresh(people.mo)

    with pytest.raises(MissingPermission, match="'wider'"):
        await access.create_key(clerk, role="wider", name="k")

    assert await access.create_key(clerk, role="clerk", name="k")


async def test_an_agent_acting_for_an_admin_makes_no_key_beyond_its_own_role(access: Access, people: People):
    role = await access.create_role(
        people.ada, name="agent", label="Agent", all_objects=[Action.READ], flags=[KEYS, "AI"]
    )

    with pytest.raises(MissingPermission):
        await access.create_key(people.ada.through("helper", role), role="member", name="k")


async def test_a_revoked_key_is_refused_at_the_next_look_up_of_another_process(
    access: Access, elsewhere: Access, people: People
):
    key = await access.create_key(people.ada, role="member", name="k")
    running = await elsewhere.actor_for_key(key.token)

    await access.revoke_key(people.ada, key.id)
    await access.revoke_key(people.ada, key.id)

    with pytest.raises(NotSignedIn):
        await elsewhere.actor_for_key(key.token)
    with pytest.raises(NotSignedIn):
        await elsewhere.refresh(running)


async def test_a_foreign_key_is_as_unknown_as_one_that_is_not(access: Access, people: People):
    key = await access.create_key(people.ada, role="member", name="k")
    other = await access.create_workspace("Other")
    boss = await access.actor_for_member(other, await access.create_member(other, name="Boss", role="admin"))

    answers: list[str] = []
    for key_id in (key.id, UUID(int=1)):
        with pytest.raises(NotFound) as caught:
            await access.revoke_key(boss, key_id)
        answers.append(str(caught.value).replace(str(key_id), "ID"))

    assert answers[0] == answers[1]
    assert await access.keys(boss) == []
    assert await access.actor_for_key(key.token)


async def test_a_misspelled_role_gets_a_suggestion(access: Access, people: People):
    with pytest.raises(NotFound, match="Did you mean 'member'"):
        await access.create_key(people.ada, role="membr", name="k")
    with pytest.raises(Invalid):
        await access.create_key(people.ada, role="member", name="\0")


async def test_the_list_tells_use_and_end(access: Access, people: People, clock: FrozenClock):
    key = await access.create_key(people.ada, role="member", name="k")
    (unused,) = await access.keys(people.ada)
    clock.forward(60)
    await access.actor_for_key(key.token)
    first_use = clock.now()
    clock.forward(59)
    await access.actor_for_key(key.token)
    (used,) = await access.keys(people.ada)
    clock.forward(1)
    await access.actor_for_key(key.token)
    await access.revoke_key(people.ada, key.id)
    (revoked,) = await access.keys(people.ada)

    assert (unused.last_used_at, unused.revoked_at) == (None, None)
    assert used.last_used_at == first_use
    assert (revoked.last_used_at, revoked.revoked_at) == (clock.now(), clock.now())
    assert key.token not in str(revoked.to_json())


async def test_a_key_is_refused_once_its_time_is_over(access: Access, people: People, clock: FrozenClock):
    ends = clock.now() + timedelta(days=1)
    key = await access.create_key(people.ada, role="member", name="k", expires_at=ends)
    actor = await access.actor_for_key(key.token)
    assert [one.state for one in await access.keys(people.ada)] == ["valid"]

    clock.forward(86_400)

    for look_up in (access.actor_for_key(key.token), access.refresh(actor)):
        with pytest.raises(NotSignedIn):
            await look_up
    assert [one.state for one in await access.keys(people.ada)] == ["expired"]


async def test_a_key_ends_in_time_to_come(access: Access, people: People, clock: FrozenClock):
    endless = datetime.fromisoformat("9999-12-31T23:59:59-12:00")
    for when in (clock.now(), endless, datetime(2030, 1, 1)):  # noqa: DTZ001 a time without offset is what is refused
        with pytest.raises(Invalid):
            await access.create_key(people.ada, role="member", name="k", expires_at=when)

    assert await access.keys(people.ada) == []
