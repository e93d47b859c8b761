"""Reading runs, messages and prompts, each within what the actor may see.

A principal sees its own runs; whoever holds the flag `AI_SETTINGS` and may read everything sees all of the workspace:
a run tells of the records that its owner saw. Any other run answers as one that does not exist.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from metier.actor import Actor
from metier.errors import Invalid, NotFound, Problem
from metier.events import Status
from metier.llm.messages import Message, Usage
from metier.runs.form import Ref, read_message
from metier.runs.run import COLUMNS, PromptSent, Run, RunPage, StoredMessage, page_cursor, read_page_cursor
from metier.store import Database

SEES_ALL = "AI_SETTINGS"
PAGE_MAX = 500


class History:
    """What is stored of runs."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, actor: Actor, run_id: UUID) -> Run:
        """Give one run.

        Raises:
            NotFound: There is none of this id that the actor may see.
        """
        where, params = _scope(actor)
        row = await self._db.row(
            f"select {COLUMNS} from core.run where {where} and id = %(id)s", {**params, "id": run_id}
        )
        if row is None:
            raise NotFound("run", str(run_id))
        return Run.of(row)

    async def tree(self, actor: Actor, root_id: UUID) -> list[Run]:
        """Give a root run and all below it, in the order they began.

        Raises:
            NotFound: There is none of this id that the actor may see.
        """
        root = await self.get(actor, root_id)
        rows = await self._db.rows(
            f"select {COLUMNS} from core.run where workspace_id = %s and root_id = %s order by created_at, id",
            [root.workspace_id, root.root_id],
        )
        return [Run.of(row) for row in rows]

    async def messages(
        self, workspace_id: UUID, *, thread_id: UUID, before_turn: int | None = None
    ) -> list[StoredMessage]:
        """Give a thread's messages in order; the caller has checked that they may be seen.

        Args:
            before_turn: Leave out this turn and what follows.
        """
        rows = await self._db.rows(
            "select run_id, seq, turn, role, parts, created_at from core.message"
            " where workspace_id = %(workspace)s and thread_id = %(thread)s"
            " and (%(before)s::int is null or turn < %(before)s::int) order by turn, seq",
            {"workspace": workspace_id, "thread": thread_id, "before": before_turn},
        )
        return [
            StoredMessage(row["run_id"], row["seq"], row["turn"], read_message(row), row["created_at"]) for row in rows
        ]

    async def prompt(self, actor: Actor, run_id: UUID) -> list[PromptSent]:
        """Give what a run sent to models, call by call, exactly as it was.

        Raises:
            NotFound: There is no run of this id that the actor may see.
        """
        run = await self.get(actor, run_id)
        calls = await self._db.rows(
            "select c.*, p.body as prompt from core.model_call c"
            " left join core.prompt p on p.workspace_id = c.workspace_id and p.hash = c.prompt_hash"
            " where c.workspace_id = %s and c.root_id = %s and c.run_id = %s order by c.started_at, c.id",
            [run.workspace_id, run.root_id, run.id],
        )
        stored = await self._messages_at(run.workspace_id, calls)
        return [_prompt(call, stored) for call in calls]

    async def models(self, actor: Actor, run_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """Say which model each of these runs asked last; runs that asked none are left out."""
        rows = await self._db.rows(
            "select distinct on (run_id) run_id, model from core.model_call"
            " where workspace_id = %s and root_id = any(%s::uuid[]) order by run_id, started_at desc, id desc",
            [actor.workspace_id, list(run_ids)],
        )
        return {row["run_id"]: row["model"] for row in rows}

    async def tool_times(self, actor: Actor, run_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[tuple[str, float]]]:
        """Give for root runs how long their tool calls took, in order: `{run: [(call_id, ms), …]}`."""
        rows = await self._db.rows(
            "select run_id, data->>'call_id' as call_id, (data->>'ms')::float8 as ms from core.event"
            " where workspace_id = %s and root_id = any(%s::uuid[]) and run_id = root_id and type = 'tool_result'"
            " order by root_id, epoch, seq",
            [actor.workspace_id, list(run_ids)],
        )
        found: dict[UUID, list[tuple[str, float]]] = {}
        for row in rows:
            found.setdefault(row["run_id"], []).append((row["call_id"], row["ms"] or 0.0))
        return found

    async def _messages_at(
        self, workspace_id: UUID, calls: Sequence[Mapping[str, Any]]
    ) -> dict[tuple[str, int], Message]:
        refs: list[Ref] = [ref for call in calls for ref in call["messages"]]
        run_ids = {str(ref[0]) for ref in refs if isinstance(ref, list)}
        rows = await self._db.rows(
            "select run_id, seq, role, parts from core.message where workspace_id = %s and run_id = any(%s::uuid[])",
            [workspace_id, sorted(run_ids)],
        )
        return {(str(row["run_id"]), row["seq"]): read_message(row) for row in rows}

    async def list(
        self,
        actor: Actor,
        *,
        limit: int = 50,
        cursor: str | None = None,
        kind: str | None = None,
        status: str | None = None,
        thread_id: UUID | None = None,
    ) -> RunPage:
        """List runs, the newest first: root runs, or those of a kind wherever they stand in their tree.

        Args:
            limit: Runs per page, 1–500.
            cursor: `next_cursor` of the page before.
            status: One of the words of `Status`.

        Raises:
            Invalid: An argument is none of those.
        """
        where, params = _scope(actor)
        clauses = [where]
        for name, value in (("kind", kind), ("status", _status(status)), ("thread_id", thread_id)):
            if value is not None:
                clauses.append(f"{name} = %({name})s")
                params[name] = value
        if kind is None:
            clauses.append("parent_id is null")
        if cursor is not None:
            clauses.append("(created_at, id) < (%(created_at)s, %(id)s)")
            params["created_at"], params["id"] = read_page_cursor(cursor)
        params["limit"] = _limit(limit) + 1
        rows = await self._db.rows(
            f"select {COLUMNS} from core.run where {' and '.join(clauses)}"
            " order by created_at desc, id desc limit %(limit)s",
            params,
        )
        runs = [Run.of(row) for row in rows[:limit]]
        return RunPage(runs, page_cursor(runs[-1].created_at, runs[-1].id) if len(rows) > limit else None)


def sent_messages(refs: Sequence[Ref], stored: Mapping[tuple[str, int], Message]) -> list[Message]:
    """Give the messages that a model call was sent.

    Args:
        stored: Messages by run id and seq.
    """
    messages: list[Message] = []
    for ref in refs:
        if isinstance(ref, list):
            run_id, first, last = ref
            messages += [stored[run_id, seq] for seq in range(first, last + 1)]
        else:
            messages.append(read_message(ref))
    return messages


def _scope(actor: Actor) -> tuple[str, dict[str, Any]]:
    """Give the condition on `core.run` that says what the actor may see, and its parameters."""
    params: dict[str, Any] = {"workspace": actor.workspace_id}
    if actor.holds(SEES_ALL) and actor.reads_everything:
        return "workspace_id = %(workspace)s", params
    return "workspace_id = %(workspace)s and principal_id = %(principal)s", {**params, "principal": actor.own_id}


def _status(text: str | None) -> str | None:
    if text is None or text in tuple(Status):
        return text
    allowed = tuple(Status)
    raise Invalid.of([Problem("status", f"{text!r} is not a status of runs", allowed=allowed)], what="The request")


def _limit(limit: int) -> int:
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid.of([Problem("limit", f"must be 1 to {PAGE_MAX}, not {limit}")], what="The request")
    return limit


def _prompt(call: Mapping[str, Any], stored: Mapping[tuple[str, int], Message]) -> PromptSent:
    prompt: Mapping[str, Any] = call["prompt"] or {"system": "", "tools": []}
    ended = call["ended_at"]
    return PromptSent(
        call_id=call["id"],
        model=call["model"],
        status=call["status"],
        kept=call["prompt_hash"] is not None,
        system=prompt["system"],
        tools=prompt["tools"],
        messages=sent_messages(call["messages"], stored),
        usage=Usage(**{name: call[name] for name in Usage().to_json()}),
        estimated=call["estimated"],
        cost_micros=call["cost_micros"],
        started_at=call["started_at"],
        first_ms=call["first_ms"],
        ms=(ended - call["started_at"]).total_seconds() * 1000 if ended else None,
        error=call["error"],
    )
