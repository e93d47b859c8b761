"""Definitions of every kind: drafts, versions, names; changes that happen whole and are told, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from metier.clock import Clock
from metier.definitions import NEW, Definitions, News, NewsKind, Source
from metier.definitions.bodies import digest
from metier.definitions.source import Format
from metier.errors import AlreadyExists, Conflict, Invalid, MissingPermission, NotFound, VersionConflict
from metier.settings import Settings
from metier.store import Database, Transaction
from tests.definitions.cards import CardKind, Desk

TOML = b'# the oldest ship\nname = "argo"\nlabel = "Argo"\ntext = "sails"\n'


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_who_does_not_hold_the_flag_sees_and_changes_nothing(desk: Desk):
    await desk.publish("argo", "sails")
    before = await desk.definitions.get(desk.admin, "card", "argo")
    other, store = desk.actor("AI"), desk.definitions
    body = {"name": "argo", "label": "Mine"}

    for refused in (
        store.listed(other, "card"),
        store.get(other, "card", "argo"),
        store.history(other, "card", "argo"),
        store.version(other, "card", "argo", 1),
        store.export(other, "card", "argo"),
        store.diff(other, "card", "argo"),
        store.save_draft(other, "card", body),
        store.publish(other, "card", body),
        store.publish_draft(other, "card", "argo"),
        store.discard_draft(other, "card", "argo"),
        store.rollback(other, "card", "argo", 1),
        store.archive(other, "card", "argo"),
        store.restore(other, "card", "argo"),
        store.purge(other, "card", "argo", confirm="argo"),
    ):
        with pytest.raises(MissingPermission):
            await refused

    assert await store.get(desk.admin, "card", "argo") == before


async def test_an_unknown_kind_is_not_found(desk: Desk):
    with pytest.raises(NotFound, match=r"No kind of definition 'crad'\. Did you mean 'card'"):
        await desk.definitions.listed(desk.admin, "crad")


async def test_workspaces_see_nothing_of_each_other(db: Database, clock: Clock):
    mine, theirs = await Desk.make(db, clock), await Desk.make(db, clock)
    identifier = str(uuid4())
    await mine.publish("argo", universal_identifier=identifier)

    with pytest.raises(NotFound, match="No card 'argo'"):
        await theirs.definitions.get(theirs.admin, "card", "argo")
    await theirs.publish("argo", "another", universal_identifier=identifier)

    assert (await mine.definitions.get(mine.admin, "card", "argo")).version == 1
    assert await theirs.names() == ["argo"]


# --- versions --------------------------------------------------------------------------------------------------------


async def test_each_publication_is_a_version(desk: Desk):
    await desk.publish("argo", "sails", note="first")
    await desk.publish("argo", "rows", note="no wind")

    found = await desk.definitions.get(desk.admin, "card", "argo")
    new, old = await desk.definitions.history(desk.admin, "card", "argo")
    assert (found.version, found.label, found.body) == (2, "Argo", {"name": "argo", "label": "Argo", "text": "rows"})
    assert (new.version, new.note, new.body["text"]) == (2, "no wind", "rows")
    assert (old.version, old.note, old.body["text"]) == (1, "first", "sails")
    assert old.author == desk.admin.to_json()
    assert old.digest == digest(old.body).hex() != new.digest


async def test_publishing_the_same_again_is_nothing(desk: Desk):
    first = await desk.publish("argo", "sails")

    assert await desk.publish("argo", "sails") == first
    assert desk.kind.told == [("published", "argo")]


async def test_bytes_come_back_as_they_were(desk: Desk):
    await desk.definitions.publish(desk.admin, "card", Source(TOML, Format.TOML))
    await desk.publish("argo", "rows")

    assert await desk.definitions.export(desk.admin, "card", "argo", 1) == Source(TOML, Format.TOML)
    assert (await desk.definitions.export(desk.admin, "card", "argo")).data.startswith(b'{\n  "name": "argo"')


async def test_other_bytes_of_the_same_meaning_are_a_version_that_changes_nothing(desk: Desk):
    await desk.publish("argo", "sails")

    found = await desk.definitions.publish(desk.admin, "card", Source(TOML, Format.TOML))

    assert found.version == 2
    assert desk.kind.told == [("published", "argo")]
    assert (await desk.publish("argo", "sails")).version == 2


async def test_an_old_version_is_published_anew(desk: Desk):
    await desk.definitions.publish(desk.admin, "card", Source(TOML, Format.TOML))
    await desk.publish("argo", "rows")

    found = await desk.definitions.rollback(desk.admin, "card", "argo", 1)

    assert found.version == 3
    assert found.body == {"name": "argo", "label": "Argo", "text": "sails"}
    assert (await desk.definitions.export(desk.admin, "card", "argo")).data == TOML
    assert (await desk.definitions.history(desk.admin, "card", "argo"))[0].note == "Version 1 again."
    with pytest.raises(NotFound, match="No version of 'argo' '9'"):
        await desk.definitions.rollback(desk.admin, "card", "argo", 9)


async def test_versions_are_compared(desk: Desk):
    await desk.definitions.publish(desk.admin, "card", Source(TOML, Format.TOML))
    await desk.definitions.publish(desk.admin, "card", Source(TOML.replace(b"sails", b"rows"), Format.TOML))
    await desk.publish("argo", "flies")

    words = await desk.definitions.diff(desk.admin, "card", "argo", 1, 2)
    assert [one.to_json() for one in words.differences] == [
        {"path": "text", "what": "changed", "before": "sails", "after": "rows"}
    ]
    assert words.text.splitlines() == [
        "--- 1",
        "+++ 2",
        "@@ -1,4 +1,4 @@",
        " # the oldest ship",
        ' name = "argo"',
        ' label = "Argo"',
        '-text = "sails"',
        '+text = "rows"',
    ]
    other_format = await desk.definitions.diff(desk.admin, "card", "argo")
    assert (other_format.before, other_format.after) == ("2", "3")
    assert [line for line in other_format.text.splitlines() if line[0] in "+-"][2:] == [
        '-  "text": "rows"',
        '+  "text": "flies"',
    ]
    first = await desk.definitions.diff(desk.admin, "card", "argo", after=1)
    assert (first.before, [one.what for one in first.differences]) == ("nothing", ["added", "added", "added"])


# --- drafts ----------------------------------------------------------------------------------------------------------


async def test_a_draft_changes_nothing_that_is_live(desk: Desk):
    await desk.publish("argo", "sails")

    saved = await desk.definitions.save_draft(
        desk.admin, "card", {"name": "argo", "label": "Argo", "text": "rows"}, name="argo"
    )

    assert saved.body == {"name": "argo", "label": "Argo", "text": "sails"}
    assert saved.draft is not None
    assert (saved.draft.body or {})["text"] == "rows"
    assert (await desk.definitions.diff(desk.admin, "card", "argo")).after == "draft"
    assert desk.kind.told == [("published", "argo")]


async def test_a_draft_becomes_a_version(desk: Desk):
    await desk.definitions.save_draft(desk.admin, "card", Source(TOML, Format.TOML))
    assert (await desk.definitions.get(desk.admin, "card", "argo")).version is None

    found = await desk.definitions.publish_draft(desk.admin, "card", "argo", note="at last")

    assert (found.version, found.draft) == (1, None)
    assert (await desk.definitions.export(desk.admin, "card", "argo")).data == TOML
    with pytest.raises(Conflict, match="has no draft"):
        await desk.definitions.publish_draft(desk.admin, "card", "argo")


async def test_an_invalid_draft_keeps_the_live_version_and_the_draft(desk: Desk):
    await desk.publish("argo", "sails")
    for wrong in (b'{"name": ', b'{"name": "argo"}', b'{"name": "argo", "label": "A", "links": ["moon"]}'):
        saved = await desk.definitions.save_draft(desk.admin, "card", Source(wrong), name="argo")
        live = (saved.version, saved.body)

        with pytest.raises(Invalid):
            await desk.definitions.publish_draft(desk.admin, "card", "argo")

        after = await desk.definitions.get(desk.admin, "card", "argo")
        assert (after.version, after.body) == live == (1, {"name": "argo", "label": "Argo", "text": "sails"})
        assert after.draft is not None
        assert after.draft.source.data == wrong
        assert after.draft.problems


async def test_a_draft_without_a_name_is_told(desk: Desk):
    with pytest.raises(Invalid):
        await desk.definitions.save_draft(desk.admin, "card", Source(b"{"))
    with pytest.raises(Invalid, match="must begin with a to z"):
        await desk.definitions.save_draft(desk.admin, "card", Source(b"{"), name="No name")

    assert await desk.names() == []


async def test_a_draft_is_thrown_away(desk: Desk):
    await desk.publish("argo", "sails")
    await desk.definitions.save_draft(desk.admin, "card", Source(b"{"), name="argo")
    await desk.definitions.save_draft(desk.admin, "card", Source(b"{"), name="bark")

    assert await desk.definitions.discard_draft(desk.admin, "card", "argo") is True
    assert await desk.definitions.discard_draft(desk.admin, "card", "bark") is False

    assert (await desk.definitions.get(desk.admin, "card", "argo")).draft is None
    assert await desk.names() == ["argo"]


async def test_a_draft_that_says_what_is_live_is_only_dropped(desk: Desk):
    body = (await desk.publish("argo", "sails")).body
    await desk.definitions.save_draft(desk.admin, "card", body)

    found = await desk.definitions.publish_draft(desk.admin, "card", "argo")

    assert (found.version, found.draft) == (1, None)


# --- names -----------------------------------------------------------------------------------------------------------


async def test_names_compare_without_case_and_underscores(desk: Desk):
    await desk.publish("web_research", "a")

    found = await desk.publish("WEB-Research", "b")

    assert (found.name, found.version) == ("WEB-Research", 2)
    assert await desk.names() == ["WEB-Research"]
    with pytest.raises(AlreadyExists, match="already a card 'WEB-Research'"):
        await desk.publish("web-research", "c", expected=NEW)


async def test_an_identifier_survives_a_new_name(desk: Desk):
    identifier = str(uuid4())
    first = await desk.publish("argo", "sails", universal_identifier=identifier)

    renamed = await desk.publish("bark", "sails", universal_identifier=identifier)

    assert (renamed.id, renamed.name, renamed.version) == (first.id, "bark", 2)
    assert await desk.names() == ["bark"]
    back = await desk.definitions.rollback(desk.admin, "card", "bark", 1)
    assert (back.name, back.version) == ("argo", 3)


async def test_an_identifier_is_kept_by_who_does_not_say_it(desk: Desk):
    identifier = str(uuid4())
    await desk.publish("argo", universal_identifier=identifier)

    found = await desk.publish("argo", "sails")

    assert found.universal_identifier == UUID(identifier)
    with pytest.raises(AlreadyExists, match="with another universal_identifier 'argo'"):
        await desk.publish("argo", universal_identifier=str(uuid4()))
    await desk.publish("bark")
    with pytest.raises(AlreadyExists, match="universal_identifier of 'bark': 'argo'"):
        await desk.definitions.publish(
            desk.admin,
            "card",
            {"name": "bark", "label": "B", "universal_identifier": identifier},
            name="bark",
        )


async def test_what_refers_to_a_thing_follows_its_new_name(desk: Desk):
    await desk.publish("argo")
    await desk.publish("list", links=["argo"])
    await desk.publish("other")

    await desk.definitions.publish(desk.admin, "card", {"name": "bark", "label": "Argo"}, name="argo")

    found = await desk.definitions.get(desk.admin, "card", "list")
    assert (found.version, (found.body or {})["links"]) == (2, ["bark"])
    assert (await desk.definitions.history(desk.admin, "card", "list"))[0].note == "'argo' is called 'bark' now."
    assert (await desk.definitions.get(desk.admin, "card", "other")).version == 1


async def test_two_exchange_their_names(desk: Desk):
    a, b = (await desk.publish("a", "1")).id, (await desk.publish("b", "2")).id

    async with desk.definitions.change(desk.admin) as change:
        await change.publish("card", Source.of({"name": "b", "label": "A"}), name="a")
        await change.publish("card", Source.of({"name": "a", "label": "B"}), name="b")

    assert (await desk.definitions.get(desk.admin, "card", "b")).id == a
    assert (await desk.definitions.get(desk.admin, "card", "a")).id == b


# --- archive, restore, purge -----------------------------------------------------------------------------------------


async def test_what_is_archived_is_out_of_sight_and_comes_back(desk: Desk):
    before = await desk.publish("argo", "sails")

    gone = await desk.definitions.archive(desk.admin, "card", "argo")
    assert gone.archived_at is not None
    assert (await desk.names(), await desk.names(archived=True)) == ([], ["argo"])
    assert await desk.definitions.live(desk.workspace_id, "card") == {}
    assert await desk.definitions.archive(desk.admin, "card", "argo") == gone
    with pytest.raises(Conflict, match="'argo' is archived"):
        await desk.publish("argo", "rows")
    with pytest.raises(Conflict, match="'argo' is archived"):
        await desk.publish("ARGO", "rows")

    back = await desk.definitions.restore(desk.admin, "card", "argo")
    assert (back.version, back.body, back.archived_at) == (1, before.body, None)
    assert desk.kind.told == [("published", "argo"), ("archived", "argo"), ("published", "argo")]


async def test_what_others_need_is_not_archived(desk: Desk):
    await desk.publish("argo")
    await desk.publish("list", links=["argo"])

    with pytest.raises(Conflict, match="'list' links to 'argo'"):
        await desk.definitions.archive(desk.admin, "card", "argo")
    async with desk.definitions.change(desk.admin) as change:  # together they may go
        await change.archive("card", "argo")
        await change.archive("card", "list")
    with pytest.raises(Invalid, match="there is no card 'argo'"):
        await desk.definitions.restore(desk.admin, "card", "list")

    assert await desk.names(archived=True) == ["argo", "list"]


async def test_purging_takes_a_flag_of_its_own_and_the_typed_name(desk: Desk):
    await desk.publish("argo")
    purge = desk.definitions.purge
    with pytest.raises(MissingPermission):
        await purge(desk.actor("DATA_MODEL"), "card", "argo", confirm="argo")
    with pytest.raises(MissingPermission):
        await purge(desk.actor("ROLES"), "card", "argo", confirm="argo")
    with pytest.raises(Conflict, match="is in use"):
        await purge(desk.admin, "card", "argo", confirm="argo")
    await desk.definitions.archive(desk.admin, "card", "argo")
    with pytest.raises(Invalid, match="type 'argo'"):
        await purge(desk.admin, "card", "argo", confirm="yes")

    await purge(desk.admin, "card", "argo", confirm="argo")

    with pytest.raises(NotFound):
        await desk.definitions.history(desk.admin, "card", "argo")
    assert desk.kind.told[-1] == ("purged", "argo")
    left = "select count(*) from core.definition_version where workspace_id = %s"
    assert await desk.db.value(left, [desk.workspace_id]) == 0
    assert (await desk.publish("argo")).version == 1


# --- all or nothing --------------------------------------------------------------------------------------------------


async def test_a_change_happens_whole_or_not_at_all(desk: Desk):
    async def publish(**links: str) -> None:
        async with desk.definitions.change(desk.admin) as change:
            for name, link in links.items():
                await change.publish("card", Source.of({"name": name, "label": name, "links": [link]}))

    with pytest.raises(Invalid, match="there is no card 'moon'"):
        await publish(a="b", b="moon")
    assert await desk.names() == []
    await publish(a="b", b="a")  # a ring is closed at once
    assert await desk.names() == ["a", "b"]


async def test_a_hook_that_refuses_leaves_no_version(desk: Desk):
    await desk.publish("argo", "sails")
    desk.kind.refuse_hook = True

    with pytest.raises(Conflict, match="The hook refuses"):
        await desk.publish("argo", "rows")

    assert [one.version for one in await desk.definitions.history(desk.admin, "card", "argo")] == [1]


async def test_who_saw_an_older_state_is_told(desk: Desk):
    seen = (await desk.publish("argo", "sails")).revision
    await desk.definitions.save_draft(desk.admin, "card", {"name": "argo", "label": "Draft"})
    store, body = desk.definitions, {"name": "argo", "label": "Mine"}

    for late in (
        store.publish(desk.admin, "card", body, expected=seen),
        store.publish_draft(desk.admin, "card", "argo", expected=seen),
        store.save_draft(desk.admin, "card", body, expected=seen),
        store.discard_draft(desk.admin, "card", "argo", expected=seen),
        store.rollback(desk.admin, "card", "argo", 1, expected=seen),
        store.archive(desk.admin, "card", "argo", expected=seen),
        store.restore(desk.admin, "card", "argo", expected=seen),
        store.publish(desk.admin, "card", {"name": "new", "label": "N"}, expected=7),
    ):
        with pytest.raises(VersionConflict):
            await late

    now = await store.get(desk.admin, "card", "argo")
    assert now.label == "Argo"
    assert (await desk.publish("argo", "rows", expected=now.revision)).version == 2


async def test_of_two_who_saw_the_same_one_wins(desk: Desk):
    seen = (await desk.publish("argo", "0")).revision

    done = await asyncio.gather(
        *(desk.publish("argo", str(i), expected=seen) for i in range(1, 6)), return_exceptions=True
    )

    assert sorted(type(one).__name__ for one in done) == ["Definition", *["VersionConflict"] * 4]
    assert len(await desk.definitions.history(desk.admin, "card", "argo")) == 2


async def test_a_long_change_is_not_waited_for_for_ever(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metier.definitions.change.LOCK_WAIT_MS", 50)

    async with desk.db.transaction() as tx:
        await tx.execute("select from core.workspace where id = %s for update", [desk.workspace_id])
        with pytest.raises(Conflict, match="Another change of definitions is under way"):
            await desk.publish("argo")

    await desk.publish("argo")


# --- news ------------------------------------------------------------------------------------------------------------


async def test_a_listener_hears_of_each_change_inside_it(desk: Desk):
    heard: list[News] = []

    async def listener(tx: Transaction, news: News) -> None:
        heard.append(news)
        if news.note == "no":
            raise Conflict("The listener refuses.")

    desk.definitions.listen(listener)
    await desk.publish("argo", "sails", note="yes")
    with pytest.raises(Conflict, match="The listener refuses"):
        await desk.publish("argo", "rows", note="no")
    await desk.definitions.save_draft(desk.admin, "card", Source(b"{"), name="argo")
    await desk.definitions.publish(desk.admin, "card", {"name": "bark", "label": "B"}, name="argo")
    await desk.definitions.archive(desk.admin, "card", "bark")
    await desk.definitions.restore(desk.admin, "card", "bark")
    await desk.definitions.archive(desk.admin, "card", "bark")
    await desk.definitions.purge(desk.admin, "card", "bark", confirm="bark")

    told = [(one.what, one.name, one.name_before, one.version) for one in heard if one.note != "no"]
    assert told == [
        (NewsKind.PUBLISHED, "argo", None, 1),
        (NewsKind.DRAFTED, "argo", None, 1),
        (NewsKind.PUBLISHED, "bark", "argo", 2),
        (NewsKind.ARCHIVED, "bark", None, 2),
        (NewsKind.RESTORED, "bark", None, 2),
        (NewsKind.ARCHIVED, "bark", None, 2),
        (NewsKind.PURGED, "bark", None, 2),
    ]
    assert all(one.actor is desk.admin for one in heard)


@pytest.fixture
async def elsewhere(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """The database as another process has it open."""
    other = await Database.open(Settings.for_tests(tmp_path, database_url=database_url), migrate=False)
    yield other
    await other.aclose()


async def test_every_process_is_told(desk: Desk, elsewhere: Database, clock: Clock):
    calls: list[str] = []
    desk.definitions.on_change(lambda: calls.append("here"))
    Definitions(elsewhere, clock, [CardKind()]).on_change(lambda: calls.append("there"))
    await _until(lambda: calls.count("there") == 1)  # it listens
    calls.clear()

    await desk.publish("argo")

    assert "here" in calls
    await _until(lambda: "there" in calls)


async def _until(done: Callable[[], bool]) -> None:
    for _ in range(500):
        if done():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never happened")
