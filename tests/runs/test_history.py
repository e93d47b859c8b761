"""Who sees which runs, and what is found of them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from metier.actor import Action, Actor, RowRule
from metier.errors import Invalid, NotFound
from metier.events import Status
from metier.llm.messages import Message, Text, user
from metier.runs import RunLog, Runs
from metier.testing import FrozenClock
from tests.runs.conftest import OTHER_WORKSPACE, make_actor, open_run

STRANGERS = {
    "another member": make_actor(2),
    "same id elsewhere": make_actor(1, workspace_id=OTHER_WORKSPACE),
    "admin elsewhere": make_actor(3, flags=("AI", "AI_SETTINGS"), workspace_id=OTHER_WORKSPACE),
}


async def turn(runs: Runs, actor: Actor, thread_id: UUID, text: str) -> RunLog:
    log = await runs.open(actor, kind="turn", name="clerk", input=text, thread_id=thread_id, message=user(text))
    log.put(messages=[Message("assistant", (Text(f"re: {text}"),))])
    await log.close(Status.SUCCEEDED, output=f"re: {text}", stop_reason="answered")
    return log


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
async def test_run_of_another_is_answered_like_an_unknown_one(here: Runs, actor: Actor, stranger: Actor) -> None:
    log = await open_run(here, actor)

    for ask in (here.get, here.tree, here.prompt):
        with pytest.raises(NotFound) as hidden:
            await ask(stranger, log.run.id)
        with pytest.raises(NotFound) as unknown:
            await ask(stranger, UUID(int=9))
        assert hidden.value.to_json() == {
            key: str(value).replace(str(UUID(int=9)), str(log.run.id))
            if isinstance(value, str)
            else hidden.value.to_json()[key]
            for key, value in unknown.value.to_json().items()
        }
        assert str(log.run.id) in hidden.value.message
    assert (await here.list(stranger)).runs == []


async def test_own_runs_and_with_the_flag_those_of_all(here: Runs, actor: Actor) -> None:
    mine, yours = await open_run(here, actor), await open_run(here, make_actor(2))

    seen = {run.id for run in (await here.list(actor)).runs}
    admin = make_actor(3, flags=("AI", "AI_SETTINGS"))
    seen_by_admin = {run.id for run in (await here.list(admin)).runs}

    assert seen == {mine.run.id}
    assert seen_by_admin == {mine.run.id, yours.run.id}
    assert (await here.get(admin, yours.run.id)).actor["label"] == "Member 2"


NARROW = (
    {"all_objects": frozenset[Action]()},
    {"objects": {"company": frozenset({Action.UPDATE})}},
    {"fields": {"company": {"revenue": frozenset[Action]()}}},
    {"rows": {"company": (RowRule({"owner": "me"}),)}},
)


@pytest.mark.parametrize("narrow", NARROW)
async def test_s08_a_run_of_another_does_not_tell_of_records_that_one_may_not_read(
    here: Runs, actor: Actor, narrow: dict[str, Any]
) -> None:
    yours = await open_run(here, actor)
    wide = make_actor(3, flags=("AI_SETTINGS",))
    keeper = replace(wide, roles=(replace(wide.roles[0], **narrow),))
    agent = replace(wide, roles=(*wide.roles, *keeper.roles))

    assert [run.id for run in (await here.list(wide)).runs] == [yours.run.id]
    for who in (keeper, agent):
        assert (await here.list(who)).runs == []
        with pytest.raises(NotFound):
            await here.get(who, yours.run.id)
        with pytest.raises(NotFound):
            await here.prompt(who, yours.run.id)


async def test_rules_that_hide_nothing_leave_the_runs_of_others(here: Runs, actor: Actor) -> None:
    yours = await open_run(here, actor)
    wide = make_actor(3, flags=("AI_SETTINGS",))
    writing = RowRule({"owner": "me"}, frozenset({Action.UPDATE}))
    role = replace(wide.roles[0], rows={"company": (writing,)}, fields={"company": {"name": frozenset({Action.READ})}})

    assert (await here.get(replace(wide, roles=(role,)), yours.run.id)).id == yours.run.id


async def test_stored_actor_has_no_roles(here: Runs, actor: Actor) -> None:
    log = await open_run(here, actor.through("clerk", None))

    assert (await here.get(actor, log.run.id)).actor == {
        "kind": "member",
        "id": str(UUID(int=1)),
        "label": "Member 1",
        "chain": ["agent:clerk"],
    }


async def test_pages_of_runs_are_newest_first_without_gap_or_repeat(
    here: Runs, actor: Actor, clock: FrozenClock
) -> None:
    made: list[UUID] = []
    for n in range(23):
        made.append((await open_run(here, actor)).run.id)
        if n % 5 == 0:
            clock.forward(0.000_001)

    found: list[UUID] = []
    cursor = None
    while True:
        page = await here.list(actor, limit=5, cursor=cursor)
        found += [run.id for run in page.runs]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert found == made[::-1]


async def test_last_full_page_has_no_next(here: Runs, actor: Actor) -> None:
    for _ in range(4):
        await open_run(here, actor)

    assert (await here.list(actor, limit=4)).next_cursor is None
    assert (await here.list(actor, limit=3)).next_cursor is not None


async def test_runs_are_found_by_kind_status_and_thread(here: Runs, actor: Actor, clock: FrozenClock) -> None:
    thread_id = clock.new_id()
    log = await turn(here, actor, thread_id, "1")
    await turn(here, actor, clock.new_id(), "2")
    root = await open_run(here, actor)
    child = await open_run(here, actor, parent=root, kind="skill", name="search")

    async def ids(**where: object) -> list[UUID]:
        return [run.id for run in (await here.list(actor, **where)).runs]  # type: ignore[arg-type]

    assert len(await ids()) == 3
    assert await ids(kind="skill") == [child.run.id]
    assert await ids(kind="turn", thread_id=thread_id, status="succeeded") == [log.run.id]
    assert await ids(status="running") == [root.run.id]
    assert await ids(status="failed") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "done"},
        {"limit": 0},
        {"limit": 501},
        {"cursor": ""},
        {"cursor": "1-2"},
        {"cursor": "99999999999999999-" + "0" * 32},
    ],
    ids=str,
)
async def test_wrong_question_is_refused(here: Runs, actor: Actor, wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        await here.list(actor, **wrong)  # type: ignore[arg-type]


async def test_cursor_far_in_the_future_is_a_place_like_any_other(here: Runs, actor: Actor) -> None:
    log = await open_run(here, actor)

    assert [run.id for run in (await here.list(actor, cursor="9999999999999999-" + "f" * 32)).runs] == [log.run.id]


async def test_messages_before_a_turn(here: Runs, actor: Actor, clock: FrozenClock) -> None:
    thread_id = clock.new_id()
    for text in ("a", "b", "c"):
        await turn(here, actor, thread_id, text)
        clock.forward(1)

    before = await here.messages(actor.workspace_id, thread_id=thread_id, before_turn=3)

    assert [(one.turn, one.seq, one.message.role, one.message.text) for one in before] == [
        (1, 1, "user", "a"),
        (1, 2, "assistant", "re: a"),
        (2, 1, "user", "b"),
        (2, 2, "assistant", "re: b"),
    ]
    assert before[2].created_at - before[0].created_at == timedelta(seconds=1)
    assert await here.messages(OTHER_WORKSPACE, thread_id=thread_id) == []


async def test_tree_is_found_from_any_run_in_it(here: Runs, actor: Actor) -> None:
    root = await open_run(here, actor)
    child = await open_run(here, actor, parent=root)

    tree = await here.tree(actor, child.run.id)

    assert [run.id for run in tree] == [root.run.id, child.run.id]
