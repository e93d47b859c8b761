"""Requests as they are stored: found by who may see them, answered once, closed when their time is over.

answer: may this one answer? ─▶ is it what was seen? ─▶ would it still be that? ─▶ one transaction:
        the run's row locked ─▶ the request closed ─▶ `interrupt_response` in the log ─▶ the run queued, if it waits for
        nothing else
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from metier.actor import FLAGS, Actor, check_acts
from metier.audit import Entry, note_by
from metier.clock import Clock
from metier.engine import WORK_CHANNEL
from metier.errors import (
    AlreadyAnswered,
    Conflict,
    Forbidden,
    Invalid,
    MetierError,
    NotFound,
    Problem,
    RequestChanged,
    nearest,
)
from metier.events import EventType, Status
from metier.runs.form import encode
from metier.runs.history import SEES_ALL
from metier.runs.requests.answers import check
from metier.runs.requests.request import Answer, Kind, Request, Shown, State, Verdict
from metier.runs.run import page_cursor, read_page_cursor
from metier.runs.statement import CHANNEL
from metier.schema import Validators
from metier.store import Database, Json, Transaction

PAGE_MAX = 200
HOUSE = {"kind": "system", "label": "Metier", "chain": ()}  # closes what nobody has answered

#: Looks what a request would show now, and the hash of it; raises what keeps the asking actor from it.
Look = Callable[[Request], Awaitable[tuple[Shown, str]]]

_COLUMNS = (
    "workspace_id, id, root_id, run_id, thread_id, key, call_id, shown, hash, actor, principal_id, audience,"
    " created_at, expires_at, fallback, status, answer, answered_by, answered_at, note"
)

# Who may answer, as `Request.may_answer` says it for one.
_FOR_ME = """(
    (audience->'principal' = 'true' and principal_id = %(me)s) or audience->'members' ? %(me_text)s
    or audience->>'role' = any(%(roles)s) or audience->>'flag' = any(%(flags)s)
)"""


@dataclass(frozen=True)
class RequestPage:
    """Some requests, the newest first, and where the next ones begin (None on the last page)."""

    requests: Sequence[Request]
    next_cursor: str | None


class Requests:
    """What people were asked. Answering is the one way in which a waiting run gets on.

    Args:
        refresh: Looks an actor's authority up again; raises NotSignedIn for one that is gone.
    """

    def __init__(self, db: Database, clock: Clock, refresh: Callable[[Actor], Awaitable[Actor]]) -> None:
        self._db = db
        self._clock = clock
        self._refresh = refresh
        self._validators = Validators()
        self._looks: dict[str, Look] = {}

    def looks_again(self, kind: str, look: Look) -> None:
        """Let requests of root runs of this kind be looked at again before a yes counts."""
        self._looks[kind] = look

    # finding

    async def get(self, actor: Actor, request_id: UUID) -> Request:
        """Give one request.

        Raises:
            NotFound: There is none of this id that the actor may answer or whose run the actor may see.
        """
        where, params = _visible(actor)
        row = await self._db.row(
            f"select {_COLUMNS} from core.request where {where} and id = %(id)s", {**params, "id": request_id}
        )
        if row is None:
            raise NotFound("request", str(request_id))
        return Request.of(row)

    async def list(
        self,
        actor: Actor,
        *,
        status: str | None = None,
        for_me: bool = False,
        run_id: UUID | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> RequestPage:
        """List requests, the newest first.

        Args:
            status: One of the words of `State`.
            for_me: Only those that the actor may answer.
            run_id: Only those of this root run.
            limit: Requests per page, 1–200.
            cursor: `next_cursor` of the page before.

        Raises:
            Invalid: An argument is none of those.
        """
        where, params = _visible(actor)
        clauses = [where, _FOR_ME] if for_me else [where]
        for name, value in (("status", _state(status)), ("root_id", run_id)):
            if value is not None:
                clauses.append(f"{name} = %({name})s")
                params[name] = value
        if cursor is not None:
            clauses.append("(created_at, id) < (%(created_at)s, %(id)s)")
            params["created_at"], params["id"] = read_page_cursor(cursor)
        rows = await self._db.rows(
            f"select {_COLUMNS} from core.request where {' and '.join(clauses)}"
            " order by created_at desc, id desc limit %(limit)s",
            {**params, "limit": _limit(limit) + 1},
        )
        found = [Request.of(row) for row in rows[:limit]]
        if for_me:
            found = [one for one in found if one.may_answer(actor)]
        return RequestPage(found, page_cursor(*_place(rows[limit - 1])) if len(rows) > limit else None)

    async def of_runs(self, actor: Actor, root_ids: Sequence[UUID]) -> Mapping[str, Request]:
        """Give what was asked in these root runs, the last of each call, by the call's key."""
        where, params = _visible(actor)
        rows = await self._db.rows(
            f"select distinct on (key) {_COLUMNS} from core.request where {where} and root_id = any(%(roots)s)"
            " order by key, created_at desc, id desc",
            {**params, "roots": list(root_ids)},
        )
        return {row["key"]: Request.of(row) for row in rows}

    async def of_call(self, workspace_id: UUID, key: str) -> Request | None:
        """Give the last request of a call, for the run that made it."""
        row = await self._db.row(
            f"select {_COLUMNS} from core.request where workspace_id = %s and key = %s"
            " order by created_at desc, id desc limit 1",
            [workspace_id, key],
        )
        return Request.of(row) if row else None

    # answering

    async def answer(self, actor: Actor, request_id: UUID, answer: Answer, *, hash: str, note: str = "") -> Request:
        """Answer a request; the run that waits for nothing else goes on.

        The first answer counts; the same one again, from the same principal, changes nothing.

        Args:
            hash: Of what was seen.
            note: What else the person says; the model reads it.

        Raises:
            NotFound: There is none of this id that the actor may see.
            Forbidden: Others have to answer it.
            OnlyViewing: The actor only looks as another.
            RequestChanged: It is not, or would not be any more, what was seen; what is stored is new.
            AlreadyAnswered: Somebody else was quicker, or said something else.
            Conflict: Its time is over, its run has ended, or who asks may not do it any more.
            Invalid: The answer is none to this question.
        """
        actor = await self._refresh(actor)
        check_acts(actor)
        request = await self.get(actor, request_id)
        if not request.may_answer(actor):
            raise _not_yours(request)
        given = replace(request, answer=answer, answered_by=_who(actor), note=note)
        if (known := self._known(request, given)) is not None:
            return known
        if hash != request.hash:
            raise RequestChanged(request.shown.title)
        check(request.shown, answer, note, self._validators)
        if answer.verdict is not Verdict.DECLINE:
            await self._look_again(request)
        return await self._close(request, given)

    async def sweep(self) -> int:
        """Close what nobody has answered in time, and what was asked by runs that have ended; give how many."""
        await self._db.execute(_FORGET, {"now": self._clock.now()})
        rows = await self._db.rows(
            f"select {_COLUMNS} from core.request where status = 'open' and expires_at <= %s"
            " order by expires_at limit 100",
            [self._clock.now()],
        )
        closed = [await self._expire(Request.of(row)) for row in rows]
        return sum(closed)

    def give_up(self) -> None:
        """Nothing is held here."""

    async def _expire(self, request: Request) -> bool:
        try:
            await self._close(request, replace(request, status=State.EXPIRED, answer=request.fallback))
        except Conflict:  # answered in this very moment, or its run goes on without it
            return False
        return True

    def _known(self, request: Request, given: Request) -> Request | None:
        """Give a request that has this very answer; None for one that is still open.

        Raises:
            AlreadyAnswered, Conflict: It is closed in another way.
        """
        if request.status is State.ANSWERED:
            assert request.answered_by is not None  # as each answered one has
            if (request.answer, request.answered_by["id"]) == (given.answer, (given.answered_by or {})["id"]):
                return request
            raise AlreadyAnswered(request.shown.title, str(request.answered_by["label"]))
        if request.status is State.CANCELLED:
            raise Conflict(f"{request.shown.title!r} is no longer asked: its run has ended.")
        if request.status is State.EXPIRED or request.expires_at <= self._clock.now():
            raise Conflict(f"The time to answer {request.shown.title!r} is over.", cure="Ask the agent again.")
        return None

    async def _look_again(self, request: Request) -> None:
        kind = await self._db.value("select kind from core.run where id = %s", [request.root_id])
        look = self._looks.get(kind)
        if look is None:
            return
        try:
            shown, digest = await look(request)
        except MetierError as error:
            raise Conflict(f"This cannot be done any more: {error.message}", cure="Decline it.") from error
        if digest != request.hash:
            await self._revise(request, replace(request, shown=shown, hash=digest))
            raise RequestChanged(request.shown.title)

    async def _revise(self, old: Request, new: Request) -> None:
        """Store and tell what an open request shows now, unless somebody was quicker."""
        async with self._db.transaction() as transaction:
            run = await transaction.row(_LOCK, {"root": new.root_id})
            facts = {"shown": as_json(new.shown.to_json()), "new": new.hash, "old": old.hash, "id": new.id}
            revised = await transaction.execute(_REVISE, {**facts, "workspace": new.workspace_id})
            if revised and run is not None and run["status"] == Status.WAITING:
                await self._tell(transaction, new, EventType.INTERRUPT, new.told())

    async def _close(self, request: Request, given: Request) -> Request:
        """Close an open request as given, tell the log, and let the run go on if nothing else is open."""
        async with self._db.transaction() as transaction:
            run = await transaction.row(_LOCK, {"root": request.root_id})
            row = await transaction.row(_CLOSE, _facts(given, self._clock.now()))
            if row is not None:
                if run is None or run["status"] != Status.WAITING:
                    raise Conflict(f"The run that asked {request.shown.title!r} does not wait for it any more.")
                closed = Request.of(row)
                await self._tell(transaction, closed, EventType.INTERRUPT_RESPONSE, closed.told_end())
                await note_by(
                    transaction, self._clock, closed.workspace_id, closed.answered_by or HOUSE, _entry(closed)
                )
                return closed
        return self._overtaken(await self._again(request), given)

    async def _tell(self, transaction: Transaction, request: Request, type: EventType, data: Mapping[str, Any]) -> None:
        facts = {"root": request.root_id, "run": request.run_id, "workspace": request.workspace_id}
        told = {"type": type, "data": as_json(data), "now": self._clock.now()}
        await transaction.rows(_TELL, {**facts, **told})
        await transaction.notify(CHANNEL)
        await transaction.notify(WORK_CHANNEL)

    async def _again(self, request: Request) -> Request:
        row = await self._db.row(
            f"select {_COLUMNS} from core.request where workspace_id = %s and id = %s",
            [request.workspace_id, request.id],
        )
        assert row is not None  # requests are never deleted
        return Request.of(row)

    def _overtaken(self, request: Request, given: Request) -> Request:
        """Give the request if somebody has just given the same answer, else raise why not."""
        known = self._known(request, given)
        if known is None:  # open, but what it shows is another since
            raise RequestChanged(request.shown.title)
        return known


_LOCK = "select id, status from core.run where id = %(root)s for update"

_CLOSE = f"""
update core.request
set status = %(status)s, answer = %(answer)s, answered_by = %(by)s, answered_at = %(now)s, note = %(note)s
where workspace_id = %(workspace)s and id = %(id)s and status = 'open' and hash = %(hash)s
returning {_COLUMNS}
"""

_REVISE = """
update core.request set shown = %(shown)s, hash = %(new)s
where workspace_id = %(workspace)s and id = %(id)s and status = 'open' and hash = %(old)s
"""

# The run belongs to nobody, so its log is ours: what is told opens an epoch. Who goes on with the run opens the next.
_TELL = """
with root as (
    update core.run set epoch = epoch + 1,
        status = case
            when exists (select from core.request where root_id = %(root)s and status = 'open') then status
            else 'queued'
        end
    where id = %(root)s
    returning epoch
)
insert into core.event (root_id, epoch, seq, first_seq, workspace_id, run_id, ts, type, data)
select %(root)s, epoch, 1, 1, %(workspace)s, %(run)s, %(now)s, %(type)s, %(data)s from root
returning epoch
"""

_FORGET = """
update core.request q set status = 'cancelled', answered_at = %(now)s
from core.run r
where q.status = 'open' and r.id = q.root_id and r.status not in ('queued', 'running', 'waiting')
"""


def _visible(actor: Actor) -> tuple[str, dict[str, Any]]:
    """Give the condition on `core.request` that says what the actor may see, and its parameters."""
    params = {
        "workspace": actor.workspace_id,
        "me": actor.own_id,
        "me_text": str(actor.own_id),
        "roles": [role.name for role in (actor.own_roles if actor.viewing else actor.roles)],
        "flags": [flag for flag in FLAGS if actor.holds(flag)],
    }
    if actor.holds(SEES_ALL):
        return "workspace_id = %(workspace)s", params
    return f"workspace_id = %(workspace)s and (principal_id = %(me)s or {_FOR_ME})", params


def _place(row: Mapping[str, Any]) -> tuple[datetime, UUID]:
    return row["created_at"], row["id"]


def _who(actor: Actor) -> dict[str, Any]:
    return {key: value for key, value in actor.to_json().items() if key != "chain"}


def _facts(given: Request, now: datetime) -> dict[str, Any]:
    status = State.ANSWERED if given.status is State.OPEN else given.status
    return {
        "workspace": given.workspace_id,
        "id": given.id,
        "hash": given.hash,
        "status": status.value,
        "answer": given.answer and as_json(given.answer.to_json()),
        "by": given.answered_by and Json(given.answered_by),
        "note": given.note,
        "now": now,
    }


def as_json(value: Any) -> Json:
    """Give a JSON value as a parameter that the database takes, whatever text is in it."""
    return Json(value, dumps=encode)


def _entry(closed: Request) -> Entry:
    """Give the row of the audit log."""
    return Entry(
        f"request.{closed.status}",
        closed.shown.title,
        str(closed.id),
        rule=closed.answer.verdict if closed.answer else "",
        tool=str((closed.shown.tool or {}).get("name", "")),
        approval_id=closed.id,
        run_id=closed.run_id,
        details={"kind": closed.kind.value, "hash": closed.hash},
    )


def _not_yours(request: Request) -> Forbidden:
    if request.kind is Kind.APPROVAL and request.audience.principal:
        return Forbidden(
            "An approval is given by a person, not by an API key.", cure="Sign in, then answer in the inbox."
        )
    return Forbidden(f"{request.shown.title!r} is for others to answer.")


def _state(text: str | None) -> str | None:
    if text is None or text in tuple(State):
        return text
    problem = Problem(
        "status", f"{text!r} is not a status of requests", tuple(State), did_you_mean=nearest(text, State)
    )
    raise Invalid.of([problem], what="The request")


def _limit(limit: int) -> int:
    if not 1 <= limit <= PAGE_MAX:
        raise Invalid.of([Problem("limit", f"must be 1 to {PAGE_MAX}, not {limit}")], what="The request")
    return limit
