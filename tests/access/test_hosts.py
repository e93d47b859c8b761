"""S-16: the list of hosts that agents may reach by themselves, each workspace's own."""

import pytest

from metier.access import Access, AllowedHosts
from metier.access import hosts as room
from metier.errors import Conflict, Invalid, MissingPermission, NotFound
from metier.store import Database
from metier.testing import FrozenClock
from tests.access.conftest import People


@pytest.fixture
def hosts(db: Database, clock: FrozenClock) -> AllowedHosts:
    return AllowedHosts(db, clock)


async def test_without_the_flag_the_list_is_neither_seen_nor_changed(hosts: AllowedHosts, people: People):
    await hosts.allow(people.ada, "api.example.com")

    for attempt in (
        hosts.hosts(people.mo),
        hosts.allow(people.mo, "evil.example"),
        hosts.disallow(people.mo, "api.example.com"),
    ):
        with pytest.raises(MissingPermission, match="API_KEYS_AND_WEBHOOKS"):
            await attempt
    assert [host.host for host in await hosts.hosts(people.ada)] == ["api.example.com"]


async def test_what_is_on_the_list_is_allowed_and_nothing_beside_it(hosts: AllowedHosts, people: People):
    await hosts.allow(people.ada, "API.Example.com.", note=" Invoices ")
    await hosts.allow(people.ada, "*.example.org")

    allows = await hosts.allows(people.workspace_id)

    assert [host for host in ("api.example.com", "a.example.org", "a.b.example.org") if not allows(host)] == []
    beside = ("example.com", "xapi.example.com", "api.example.com.evil.test", "example.org", "", "evil.test")
    assert [host for host in beside if allows(host)] == []
    assert (await hosts.hosts(people.ada))[1].to_json() == {
        "host": "api.example.com",
        "note": "Invoices",
        "created_at": "2026-11-21T09:00:00+00:00",
    }


async def test_a_host_stands_once_and_keeps_its_note_unless_another_is_given(hosts: AllowedHosts, people: People):
    await hosts.allow(people.ada, "a.example", note="One")
    kept = await hosts.allow(people.ada, "A.example")
    changed = await hosts.allow(people.ada, "a.example.", note="")

    assert (kept.note, changed.note) == ("One", "")
    assert len(await hosts.hosts(people.ada)) == 1


async def test_a_change_holds_at_once(hosts: AllowedHosts, people: People, db: Database, clock: FrozenClock):
    """S-05: on every process."""
    elsewhere = AllowedHosts(db, clock)
    await hosts.allow(people.ada, "a.example")
    assert (await elsewhere.allows(people.workspace_id))("a.example")

    await hosts.disallow(people.ada, "A.Example.")

    assert not (await elsewhere.allows(people.workspace_id))("a.example")
    for gone in ("a.example", "not a host"):
        with pytest.raises(NotFound):
            await hosts.disallow(people.ada, gone)


async def test_another_workspace_has_its_own(hosts: AllowedHosts, people: People, access: Access):
    await hosts.allow(people.ada, "a.example")
    other = await access.create_workspace("Other")
    eve = await access.actor_for_member(other, await access.create_member(other, name="Eve", role="admin"))

    assert not (await hosts.allows(other))("a.example")
    assert await hosts.hosts(eve) == []
    with pytest.raises(NotFound):
        await hosts.disallow(eve, "a.example")


async def test_what_is_no_host_or_too_much_is_told(
    hosts: AllowedHosts, people: People, monkeypatch: pytest.MonkeyPatch
):
    for host, note, path in (
        ("*", None, "host"),
        ("https://a.example/", None, "host"),
        ("a.example", "x" * 201, "note"),
    ):
        with pytest.raises(Invalid) as caught:
            await hosts.allow(people.ada, host, note=note)
        assert caught.value.problems[0].path == path
    monkeypatch.setattr(room, "MOST", 1)
    await hosts.allow(people.ada, "a.example")
    with pytest.raises(Conflict):
        await hosts.allow(people.ada, "b.example")
    await hosts.allow(people.ada, "a.example", note="again")
