"""The one-time link, e-mail and password, and what members say of themselves."""

import asyncio

import pytest

from metier.access import Access, SignedIn, Welcome
from metier.errors import AlreadyExists, Forbidden, Invalid, NotFound, NotSignedIn, TooManyRequests
from metier.store import Database
from metier.testing import FrozenClock
from tests.access.conftest import PASSWORD, People

DAY_S = 24 * 3600


async def test_a_link_works_once(access: Access, elsewhere: Access, people: People):
    link = await access.admin_link(people.workspace_id)

    signed_in = await access.use_link(link)

    assert isinstance(signed_in, SignedIn)
    assert signed_in.actor == people.ada
    assert await elsewhere.actor_for_sign_in(signed_in.token) == people.ada
    with pytest.raises(NotSignedIn, match="used or expired"):
        await elsewhere.use_link(link)


async def test_of_many_who_use_a_link_at_once_one_gets_in(
    access: Access, elsewhere: Access, people: People, db: Database
):
    link = await access.admin_link(people.workspace_id)

    ends = await asyncio.gather(
        *(room.use_link(link) for _ in range(10) for room in (access, elsewhere)), return_exceptions=True
    )

    assert sum(isinstance(end, SignedIn) for end in ends) == 1
    assert sum(isinstance(end, NotSignedIn) for end in ends) == 19
    assert await db.value("select count(*) from core.sign_in") == 1


async def test_a_link_expires_after_a_day(access: Access, people: People, clock: FrozenClock):
    late = await access.admin_link(people.workspace_id)
    clock.forward(DAY_S)
    with pytest.raises(NotSignedIn):
        await access.use_link(late)

    in_time = await access.admin_link(people.workspace_id)
    clock.forward(DAY_S - 1)

    assert isinstance(await access.use_link(in_time), SignedIn)


async def test_a_link_leads_to_the_first_admin_of_a_workspace_that_exists(access: Access, people: People):
    with pytest.raises(NotFound):
        await access.admin_link(people.ada.principal.id)


async def test_tokens_are_stored_as_hashes(access: Access, people: People, db: Database):
    link = await access.admin_link(people.workspace_id)
    signed_in = await access.sign_in("ada@acme.test", PASSWORD)

    stored = await db.value(
        "select (select jsonb_agg(to_jsonb(l))::text from core.admin_link l)"
        " || (select jsonb_agg(to_jsonb(s))::text from core.sign_in s)"
    )

    assert link not in stored
    assert signed_in.token not in stored


async def test_an_empty_home_is_welcomed_by_link_and_each_form_has_its_own(access: Access):
    link = await access.admin_link()
    first = await access.use_link(link)
    assert isinstance(first, Welcome)

    with pytest.raises(NotSignedIn):
        await access.use_link(link)
    second = await access.use_link(first.token)

    assert isinstance(second, Welcome)


async def test_a_link_to_the_first_workspace_is_dead_once_there_is_one(access: Access):
    one, other = await access.admin_link(), await access.admin_link()
    assert isinstance(await access.use_link(one), Welcome)
    await access.create_workspace("Acme")

    with pytest.raises(NotSignedIn):
        await access.use_link(other)


async def test_a_wrong_password_and_an_unknown_email_get_one_answer(access: Access, people: People):
    await access.create_member(people.workspace_id, name="Linked", email="linked@acme.test")

    answers: set[str] = set()
    for email, password in [
        ("ada@acme.test", "wrong password"),
        ("who@acme.test", PASSWORD),
        ("linked@acme.test", PASSWORD),
        ("linked@acme.test", ""),
        ("ada@acme.test", ""),
        ("", ""),
        ("ada\0@acme.test", PASSWORD),
        ("\ud800", "\ud800"),
    ]:
        with pytest.raises(NotSignedIn) as caught:
            await access.sign_in(email, password)
        answers.add(str(caught.value))

    assert len(answers) == 1


async def test_an_unknown_email_costs_as_much_work_as_a_wrong_password(
    access: Access, people: People, monkeypatch: pytest.MonkeyPatch
):
    worked: list[str] = []
    monkeypatch.setattr("metier.access.passwords._hash", lambda *_: worked.append("hash") or "x")
    monkeypatch.setattr("metier.access.passwords._verify", lambda *_: bool(worked.append("verify")))

    for email in ("ada@acme.test", "who@acme.test"):
        with pytest.raises(NotSignedIn):
            await access.sign_in(email, "wrong password")

    assert worked == ["verify", "hash"]


async def test_signing_in_and_out(access: Access, elsewhere: Access, people: People, clock: FrozenClock):
    signed_in = await access.sign_in(" Ada@ACME.test ", PASSWORD)
    other_browser = await access.sign_in("ada@acme.test", PASSWORD)

    assert await elsewhere.actor_for_sign_in(signed_in.token) == people.ada
    await elsewhere.sign_out(signed_in.token)
    await elsewhere.sign_out("ms_unknown")

    with pytest.raises(NotSignedIn):
        await access.actor_for_sign_in(signed_in.token)
    assert await access.actor_for_sign_in(other_browser.token)


async def test_a_sign_in_ends_after_thirty_days(access: Access, people: People, clock: FrozenClock, db: Database):
    signed_in = await access.sign_in("ada@acme.test", PASSWORD)
    assert (signed_in.expires_at - clock.now()).days == 30

    clock.forward(30 * DAY_S - 1)
    assert await access.actor_for_sign_in(signed_in.token)
    clock.forward(1)

    with pytest.raises(NotSignedIn):
        await access.actor_for_sign_in(signed_in.token)
    await access.sign_in("ada@acme.test", PASSWORD)
    assert await db.value("select count(*) from core.sign_in") == 1


async def test_an_email_can_be_tried_ten_times_in_ten_minutes(access: Access, people: People, clock: FrozenClock):
    for _ in range(10):
        with pytest.raises(NotSignedIn):
            await access.sign_in("ada@acme.test", "wrong password")
    clock.forward(200)

    with pytest.raises(TooManyRequests, match="400 s") as caught:
        await access.sign_in("ADA@acme.test", PASSWORD)
    assert caught.value.status == 429
    await access.sign_in("mo@acme.test", PASSWORD)
    clock.forward(400)

    assert await access.sign_in("ada@acme.test", PASSWORD)


async def test_tries_at_once_count_as_tries_one_after_the_other(access: Access, people: People):
    ends = await asyncio.gather(
        *(access.sign_in("ada@acme.test", "wrong password") for _ in range(30)), return_exceptions=True
    )

    assert sum(isinstance(end, NotSignedIn) for end in ends) == 10
    assert sum(isinstance(end, TooManyRequests) for end in ends) == 20


async def test_a_right_password_begins_the_count_again(access: Access, people: People):
    for _ in range(3):
        for _ in range(9):
            with pytest.raises(NotSignedIn):
                await access.sign_in("ada@acme.test", "wrong password")
        await access.sign_in("ada@acme.test", PASSWORD)


async def test_the_same_letters_typed_otherwise_are_the_same_password(access: Access, people: People):
    await access.create_member(people.workspace_id, name="Zoë", email="z@acme.test", password="Zoe\u0308 and me")

    assert await access.sign_in("z@acme.test", "Zo\u00eb and me")


async def test_someone_in_two_workspaces_gets_where_the_password_fits(access: Access, people: People):
    other = await access.create_workspace("Other")
    await access.create_member(other, name="Ada", email="ada@acme.test", password="another password")

    assert (await access.sign_in("ada@acme.test", "another password")).actor.workspace_id == other
    assert (await access.sign_in("ada@acme.test", PASSWORD)).actor == people.ada


async def test_a_first_password_needs_none_before(access: Access):
    workspace_id = await access.create_workspace("Acme")
    await access.create_member(workspace_id, name="Admin", role="admin")
    signed_in = await access.use_link(await access.admin_link(workspace_id))
    assert isinstance(signed_in, SignedIn)

    await access.set_password(signed_in.actor, email="Admin@acme.test", password="long enough")

    assert await access.actor_for_sign_in(signed_in.token)
    assert await access.sign_in("admin@acme.test", "long enough")


async def test_changing_a_password_needs_the_one_before(access: Access, people: People):
    with pytest.raises(Invalid) as missing:
        await access.set_password(people.mo, email="mo@acme.test", password="long enough")
    with pytest.raises(Forbidden):
        await access.set_password(people.mo, email="mo@acme.test", password="long enough", current="wrong one")

    assert missing.value.problems[0].path == "current"
    assert await access.sign_in("mo@acme.test", PASSWORD)


async def test_the_password_before_cannot_be_guessed_at_leisure(access: Access, people: People):
    for _ in range(10):
        with pytest.raises(Forbidden):
            await access.set_password(people.mo, email="mo@acme.test", password="long enough", current="wrong one")

    with pytest.raises(TooManyRequests):
        await access.set_password(people.mo, email="mo@acme.test", password="long enough", current=PASSWORD)


async def test_a_changed_password_ends_the_members_other_sign_ins(access: Access, elsewhere: Access, people: People):
    here = await access.sign_in("mo@acme.test", PASSWORD)
    there = await access.sign_in("mo@acme.test", PASSWORD)
    adas = await access.sign_in("ada@acme.test", PASSWORD)

    await access.set_password(
        here.actor, email="mo@acme.test", password="long enough", current=PASSWORD, keep=here.token
    )

    assert await elsewhere.actor_for_sign_in(here.token)
    assert await elsewhere.actor_for_sign_in(adas.token)
    with pytest.raises(NotSignedIn):
        await elsewhere.actor_for_sign_in(there.token)
    with pytest.raises(NotSignedIn):
        await elsewhere.sign_in("mo@acme.test", PASSWORD)


async def test_the_operator_sets_a_password_without_knowing_it(access: Access, people: People):
    await access.set_password(await access.operator(), email="ada@acme.test", password="long enough")

    assert await access.sign_in("ada@acme.test", "long enough")


async def test_a_taken_email_and_a_short_password_change_nothing(access: Access, people: People):
    with pytest.raises(AlreadyExists):
        await access.set_password(people.mo, email="ADA@acme.test", password="long enough", current=PASSWORD)
    with pytest.raises(Invalid):
        await access.set_password(people.mo, email="mo@acme.test", password="short", current=PASSWORD)

    assert await access.sign_in("mo@acme.test", PASSWORD)


async def test_a_key_is_no_person(access: Access, people: People):
    key = await access.create_key(people.ada, role="admin", name="k")
    actor = await access.actor_for_key(key.token)

    for attempt in (
        access.profile(actor),
        access.update_profile(actor, name="x"),
        access.set_password(actor, email="x@acme.test", password="long enough"),
    ):
        with pytest.raises(Forbidden):
            await attempt


async def test_a_profile_changes_what_is_given_and_nothing_else(access: Access, elsewhere: Access, people: People):
    changed = await access.update_profile(people.ada, time_zone="America/New_York")
    with pytest.raises(Invalid):
        await access.update_profile(people.ada, name="Other", locale="?")

    assert (changed.name, changed.email, changed.role, changed.has_password) == (
        "Ada Park",
        "ada@acme.test",
        "Admin",
        True,
    )
    assert await elsewhere.profile(people.ada) == changed
    assert (await elsewhere.refresh(people.ada)).principal.time_zone == "America/New_York"
    assert (await access.profile(people.mo)).time_zone == "UTC"
