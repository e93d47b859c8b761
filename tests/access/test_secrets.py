"""S-32, S-33: secrets go in, are sent to the hosts they are for, and come out nowhere."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from metier.access import Access, Secrets, keyring_of
from metier.access.sealing import KeyFile
from metier.access.secrets import secret_name
from metier.errors import Forbidden, Invalid, MissingPermission, NotFound, Unavailable
from metier.redaction import Redactor
from metier.settings import Settings
from metier.store import Database
from metier.testing import FrozenClock
from tests.access.conftest import People
from tests.stored import everything_stored

VALUE = "sk_live_51canary"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture
def ring(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "secret.key")


@pytest.fixture
def secrets(db: Database, clock: FrozenClock, ring: KeyFile, redactor: Redactor) -> Secrets:
    return Secrets(db, clock, ring, redactor)


@pytest.fixture
def elsewhere(db: Database, clock: FrozenClock, ring: KeyFile) -> Secrets:
    """The same in another process."""
    return Secrets(db, clock, KeyFile(ring.path), Redactor())


async def stored(db: Database) -> str:
    """Give all that the table holds, as text."""
    return str(await db.value("select coalesce(string_agg(to_jsonb(s)::text, ' '), '') from core.secret s"))


async def test_without_the_flag_secrets_are_neither_set_seen_nor_deleted(
    secrets: Secrets, people: People, db: Database
):
    await secrets.put(people.ada, "STRIPE_KEY", value=VALUE, hosts=["api.stripe.com"])

    for attempt in (
        secrets.put(people.mo, "MINE", value=VALUE, hosts=["mo.example"]),
        secrets.secrets(people.mo),
        secrets.delete(people.mo, "STRIPE_KEY"),
    ):
        with pytest.raises(MissingPermission, match="API_KEYS_AND_WEBHOOKS"):
            await attempt
    assert [secret.name for secret in await secrets.secrets(people.ada)] == ["STRIPE_KEY"]


async def test_a_value_goes_in_and_is_neither_listed_nor_stored(secrets: Secrets, people: People, db: Database):
    given = {"hosts": ["API.Stripe.com.", "*.stripe.com"], "description": " Payments "}
    made = await secrets.put(people.ada, "stripe-key", value=VALUE, **given)
    (listed,) = await secrets.secrets(people.ada)

    assert made == listed
    assert (listed.name, listed.hosts, listed.description) == (
        "STRIPE_KEY",
        ("*.stripe.com", "api.stripe.com"),
        "Payments",
    )
    assert (listed.created_at, listed.used_at) == (secrets._clock.now(), None)
    assert VALUE not in repr(listed) + str(listed.to_json())
    assert VALUE not in await stored(db)
    assert VALUE[3:12] not in await stored(db)


async def test_a_value_is_given_for_its_hosts_and_its_use_is_noted(
    secrets: Secrets, people: People, clock: FrozenClock
):
    await secrets.put(people.ada, "STRIPE_KEY", value=VALUE, hosts=["api.stripe.com", "*.stripe.test"])
    clock.forward(90)

    for name, host in (("STRIPE_KEY", "api.stripe.com"), ("stripe-key", "eu.api.stripe.test")):
        assert await secrets.reveal(people.workspace_id, name, host) == VALUE

    assert (await secrets.secrets(people.ada))[0].used_at == clock.now()


async def test_a_value_is_given_for_no_other_host(secrets: Secrets, people: People):
    await secrets.put(people.ada, "STRIPE_KEY", value=VALUE, hosts=["api.stripe.com", "*.stripe.test"])

    for host in ("stripe.com", "api.stripe.com.evil.example", "evil.example", "xapi.stripe.com", "stripe.test", ""):
        with pytest.raises(Forbidden, match="may be sent to") as caught:
            await secrets.reveal(people.workspace_id, "STRIPE_KEY", host)
        assert VALUE not in str(caught.value.to_json())


async def test_another_workspaces_secret_is_unknown(secrets: Secrets, people: People, access: Access):
    """S-04: the answer is that of a name that nobody has."""
    await secrets.put(people.ada, "STRIPE_KEY", value=VALUE, hosts=["api.stripe.com"])
    other = await access.create_workspace("Other")
    eve = await access.actor_for_member(other, await access.create_member(other, name="Eve", role="admin"))

    for attempt in (
        secrets.reveal(other, "STRIPE_KEY", "api.stripe.com"),
        secrets.delete(eve, "STRIPE_KEY"),
        secrets.reveal(uuid4(), "STRIPE_KEY", "api.stripe.com"),
    ):
        with pytest.raises(NotFound, match="No secret 'STRIPE_KEY'"):
            await attempt
    assert await secrets.secrets(eve) == []
    await secrets.put(eve, "STRIPE_KEY", value="another value", hosts=["eve.example"])
    assert await secrets.reveal(people.workspace_id, "STRIPE_KEY", "api.stripe.com") == VALUE


async def test_a_row_moved_to_another_workspace_does_not_open(
    secrets: Secrets, people: People, access: Access, db: Database
):
    await secrets.put(people.ada, "STRIPE_KEY", value=VALUE, hosts=["api.stripe.com"])
    other = await access.create_workspace("Other")
    await db.execute("update core.secret set workspace_id = %s", [other])

    with pytest.raises(Unavailable, match="was changed"):
        await secrets.reveal(other, "STRIPE_KEY", "api.stripe.com")


async def test_a_new_host_needs_the_value_again(secrets: Secrets, people: People, redactor: Redactor):
    """Else whoever may change secrets reads them all, by having them sent to a server of his own."""
    await secrets.put(people.ada, "STRIPE_KEY", value=VALUE, hosts=["*.stripe.com"], description="Payments")

    for hosts in (["evil.example"], ["api.stripe.com", "evil.example"], ["*.com.evil.example"], ["stripe.com"]):
        with pytest.raises(Invalid, match="give the value again") as caught:
            await secrets.put(people.ada, "STRIPE_KEY", hosts=hosts)
        assert caught.value.problems[0].path == "hosts"
    narrowed = await secrets.put(people.ada, "STRIPE_KEY", hosts=["api.stripe.com"])
    assert (narrowed.hosts, narrowed.description) == (("api.stripe.com",), "Payments")
    assert await secrets.reveal(people.workspace_id, "STRIPE_KEY", "api.stripe.com") == VALUE
    await secrets.put(people.ada, "STRIPE_KEY", value="quite another", hosts=["evil.example"])
    assert await secrets.reveal(people.workspace_id, "STRIPE_KEY", "evil.example") == "quite another"


async def test_what_is_not_given_stays(secrets: Secrets, people: People, clock: FrozenClock):
    first = await secrets.put(people.ada, "A_KEY", value=VALUE, hosts=["a.example"], description="One")
    clock.forward(3600)

    renamed = await secrets.put(people.ada, "A_KEY", description="Two")
    anew = await secrets.put(people.ada, "A_KEY", value="quite another")

    assert (renamed.hosts, renamed.description, renamed.updated_at) == (("a.example",), "Two", first.updated_at)
    assert (anew.description, anew.created_at, anew.updated_at) == ("Two", first.created_at, clock.now())


WRONG = [
    ({"value": "brief", "hosts": ["a.example"]}, "value"),
    ({"value": "x" * 10_001, "hosts": ["a.example"]}, "value"),
    ({"value": "12345678\0", "hosts": ["a.example"]}, "value"),
    ({"value": "12345678\ud800", "hosts": ["a.example"]}, "value"),
    ({"hosts": ["a.example"]}, "value"),
    ({"value": VALUE}, "hosts"),
    ({"value": VALUE, "hosts": []}, "hosts"),
    ({"value": VALUE, "hosts": ["https://a.example/"]}, "hosts"),
    ({"value": VALUE, "hosts": ["*"]}, "hosts"),
    ({"value": VALUE, "hosts": ["*.com"]}, "hosts"),
    ({"value": VALUE, "hosts": [f"{n}.example" for n in range(21)]}, "hosts"),
    ({"value": VALUE, "hosts": ["a.example"], "description": "x" * 501}, "description"),
    ({"value": VALUE, "hosts": ["a.example"], "description": "\0"}, "description"),
]


async def test_what_does_not_have_its_form_is_told_without_the_value(secrets: Secrets, people: People, db: Database):
    for given, path in WRONG:
        with pytest.raises(Invalid) as caught:
            await secrets.put(people.ada, "A_KEY", **given)
        assert caught.value.problems[0].path == path, given
        assert given.get("value", VALUE) not in str(caught.value.to_json())
    assert await stored(db) == ""


@pytest.mark.parametrize("name", ["", "1KEY", "A KEY", "A.KEY", "ÄKEY", "A" * 65, "A\0", "A\nB"])
def test_a_name_that_no_handle_can_hold_is_refused(name: str):
    with pytest.raises(Invalid) as caught:
        secret_name(name)

    assert caught.value.problems[0].path == "name"


async def test_what_was_set_or_opened_is_hidden_in_its_workspace(
    secrets: Secrets, elsewhere: Secrets, people: People, redactor: Redactor
):
    await secrets.put(people.ada, "A_KEY", value=VALUE, hosts=["a.example"])
    await elsewhere.put(people.ada, "B_KEY", value="set by another process", hosts=["b.example"])

    assert redactor.text(f"key {VALUE}", of=people.workspace_id) == "key ***"
    assert "set by" in redactor.text("set by another process", of=people.workspace_id)
    await secrets.hide_all(people.workspace_id)
    assert redactor.text("set by another process", of=people.workspace_id) == "***"


async def test_a_deleted_secret_is_refused_at_once_and_in_each_process(
    secrets: Secrets, elsewhere: Secrets, people: People
):
    """S-05."""
    await secrets.put(people.ada, "A_KEY", value=VALUE, hosts=["a.example"])
    assert await elsewhere.reveal(people.workspace_id, "A_KEY", "a.example") == VALUE

    await secrets.delete(people.ada, "a-key")

    with pytest.raises(NotFound):
        await elsewhere.reveal(people.workspace_id, "A_KEY", "a.example")
    await secrets.put(people.ada, "B_KEY", value=VALUE, hosts=["a.example"])
    with pytest.raises(NotFound, match="Did you mean 'B_KEY'"):
        await secrets.delete(people.ada, "BKEY")


# --- keys ------------------------------------------------------------------------------------------------------------


async def test_the_key_lies_beside_the_database_and_not_in_it(
    secrets: Secrets, people: People, ring: KeyFile, db: Database
):
    await secrets.put(people.ada, "A_KEY", value=VALUE, hosts=["a.example"])

    (text,) = ring.path.read_text().split()
    whole = await everything_stored(db)
    assert "core.secret" in whole
    assert text not in whole
    assert ring.current().raw.hex() not in whole


async def test_a_new_key_seals_all_and_the_old_one_opens_nothing(
    secrets: Secrets, elsewhere: Secrets, people: People, ring: KeyFile, db: Database
):
    for name in ("A_KEY", "B_KEY", "C_KEY"):
        await secrets.put(people.ada, name, value=VALUE + name, hosts=["a.example"])
    old, before = ring.current(), await stored(db)

    assert await secrets.rotate(people.ada) == 3

    assert old not in ring.known()
    assert old.id in before
    assert old.id not in await stored(db)
    for name in ("A_KEY", "B_KEY", "C_KEY"):
        assert await elsewhere.reveal(people.workspace_id, name, "a.example") == VALUE + name
    assert await secrets.rotate(people.ada) == 3


async def test_a_rotation_that_fails_changes_nothing(secrets: Secrets, people: People, ring: KeyFile, db: Database):
    await secrets.put(people.ada, "A_KEY", value=VALUE, hosts=["a.example"])
    await secrets.put(people.ada, "B_KEY", value=VALUE, hosts=["a.example"])
    await db.execute("update core.secret set sealed = overlay(sealed placing 'AAAA' from 20) where name = 'B_KEY'")
    before = await stored(db)

    with pytest.raises(Unavailable, match="B_KEY"):
        await secrets.rotate(people.ada)

    assert await stored(db) == before
    assert await secrets.reveal(people.workspace_id, "A_KEY", "a.example") == VALUE


async def test_secrets_that_are_set_while_the_key_changes_all_open(
    secrets: Secrets, elsewhere: Secrets, people: People, ring: KeyFile
):
    async def set_some(by: Secrets, prefix: str) -> None:
        for number in range(10):
            await by.put(people.ada, f"{prefix}_{number}", value=VALUE, hosts=["a.example"])

    async def rotate_some() -> None:
        for _ in range(5):
            await secrets.rotate(people.ada)

    await asyncio.gather(set_some(secrets, "HERE"), set_some(elsewhere, "THERE"), rotate_some())

    names = [secret.name for secret in await secrets.secrets(people.ada)]
    assert len(names) == 20
    assert len(ring.known()) == 1
    for name in names:
        assert await secrets.reveal(people.workspace_id, name, "a.example") == VALUE


async def test_the_operators_key_replaces_the_file_and_older_ones_open_until_all_is_sealed_anew(
    db: Database, clock: FrozenClock, people: People, tmp_path: Path
):
    def of(*keys: str) -> Secrets:
        settings = Settings.for_tests(tmp_path / "none", secret_key=keys)
        return Secrets(db, clock, keyring_of(settings), Redactor())

    await of("o" * 32).put(people.ada, "A_KEY", value=VALUE, hosts=["a.example"])

    assert await of("n" * 32, "o" * 32).rotate(people.ada) == 1
    assert await of("n" * 32).reveal(people.workspace_id, "A_KEY", "a.example") == VALUE
    with pytest.raises(Unavailable, match="not here"):
        await of("o" * 32).reveal(people.workspace_id, "A_KEY", "a.example")
    assert not (tmp_path / "none").exists()
