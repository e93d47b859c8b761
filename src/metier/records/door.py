"""The one door to business data. Who asks comes first; what that one may not see does not exist."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, Unpack
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import psycopg
from psycopg.rows import dict_row

from metier.actor import Action, Actor, Role, check, check_flag
from metier.actor.reason import Reason
from metier.clock import Clock
from metier.definitions import Renames
from metier.errors import NoSuchRecord, UnknownField
from metier.filters import read_where
from metier.formats.writing import Writing
from metier.records import rules
from metier.records.catalog import Catalog, Sight, view_of
from metier.records.changes import Cause, Origin, Told
from metier.records.compile import compose, compose_labels
from metier.records.describe import describe, ids_of
from metier.records.history import ChangeLog, History
from metier.records.operations import Operation
from metier.records.query import COUNT_CAP, Count, Query, Question, Questions, Sort, Where, write_cursor
from metier.records.renames import follow
from metier.records.rule_indexes import SMALL, Roles, RuleIndexes
from metier.records.scoped import Places, Texts
from metier.records.search import Hit, compose_search, read_text, searchable
from metier.records.shape import ObjectType
from metier.records.values import Values
from metier.records.why import explain
from metier.records.write import Writer, Written
from metier.store import Database

STATEMENTS = 2_000  # compiled shapes kept

P = ParamSpec("P")
T = TypeVar("T")

_CAUSE = Cause()
_IMPORT = Cause(Origin.IMPORT)


@dataclass(frozen=True)
class Page:
    """Some records of an answer.

    Attributes:
        records: JSON values by field name, see `shape`.
        next_cursor: What to ask for the page after this; None on the last.
        total: Records on all pages, if asked for.
        total_capped: There are more than `total`.
    """

    records: list[dict[str, Any]]  # Any: JSON values of the fields
    next_cursor: str | None
    total: int | None = None
    total_capped: bool = False


@dataclass(frozen=True)
class _Answer:
    """What the database gave for a query."""

    data: str  # a JSON array
    next_cursor: str | None
    total: int | None
    capped: bool


def _up_to_date(
    ask: "Callable[Concatenate[Records, Actor, P], Awaitable[T]]",
) -> "Callable[Concatenate[Records, Actor, P], Awaitable[T]]":
    """Ask once more if a table was changed between the reading of the object types and the statement."""

    @wraps(ask)
    async def asked(self: "Records", actor: Actor, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await ask(self, actor, *args, **kwargs)
        except (psycopg.ProgrammingError, psycopg.DataError):
            if not await self.is_behind(actor):
                raise
            return await ask(self, actor, *args, **kwargs)

    return asked


class Records:
    """Finds, describes and writes records."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._catalog = Catalog(db, clock)
        self._places = Places(self._catalog)
        texts = Texts()
        self._writer = Writer(db, texts, clock.new_id)
        self._log = ChangeLog(db, self._places, texts, self._writer)
        self._questions = Questions()
        self._compose = lru_cache(STATEMENTS)(compose)
        self._compose_labels = lru_cache(STATEMENTS)(compose_labels)
        self._compose_search = lru_cache(STATEMENTS)(compose_search)

    async def objects(self, actor: Actor) -> list[ObjectType]:
        """Give the object types the actor may read, each with what it may see of it.

        The same list as before, as long as neither the objects nor the actor's permissions changed; don't change it.
        """
        return (await self._catalog.view(actor)).listed

    async def object(self, actor: Actor, name: str) -> ObjectType:
        """Find an object by its singular or plural name.

        Raises:
            NotFound: Unknown or hidden.
        """
        return (await self._catalog.view(actor)).object(name)

    async def find(
        self,
        actor: Actor,
        object_name: str,
        *,
        where: Where | None = None,
        sort: Sort = (),
        limit: int = 50,
        cursor: str | None = None,
        select: Sequence[str] | str | None = None,
        count: Count = "no",
        deleted: bool = False,
    ) -> Page:
        """Find the records the actor may see.

        Args:
            where: Filter tree; `{}` matches all. Shape: `{"and": [{"amount": {"gt": 100}}]}`.
            sort: Field names, `-` for descending, relation paths too: `"-amount,company.name"`. Missing values come
                last either way, equal ones in the order of their ids.
            limit: Records per page, 0–500; 0 with `count` only counts.
            cursor: `next_cursor` of the page before, of the same object and sort.
            select: Field names to give; the id always is, and everything by default.
            count: `capped` stops at 10,000.
            deleted: Find those that are deleted, for whoever may delete and restore them.

        Raises:
            NotFound: No such object for this actor.
            MissingPermission: `deleted`, and the actor may not delete them.
            UnknownField, BadFilter, Invalid: A mistake in the question; names its place.

        Source: operators follow Twenty's REST filters, see docs/reference/filters.md.
        """
        question = Question(
            where=where, sort=sort, limit=limit, cursor=cursor, select=select, count=count, deleted=deleted
        )
        answer = await self._ask(actor, object_name, question)
        return Page(orjson.loads(answer.data), answer.next_cursor, answer.total, answer.capped)

    async def find_json(self, actor: Actor, object_name: str, **question: Unpack[Question]) -> bytes:
        """Like `find`, as JSON that PostgreSQL built.

        Returns:
            `{"data": […], "next_cursor": …, "total": 3, "total_capped": false}`; totals only if `count` asks for them.
        """
        answer = await self._ask(actor, object_name, question)
        cursor_json = "null" if answer.next_cursor is None else f'"{answer.next_cursor}"'
        totals = (
            f', "total": {answer.total}, "total_capped": {str(answer.capped).lower()}'
            if answer.total is not None
            else ""
        )
        return f'{{"data": {answer.data}, "next_cursor": {cursor_json}{totals}}}'.encode()

    async def get(self, actor: Actor, object_name: str, record_id: UUID | str) -> dict[str, Any]:  # Any: JSON values
        """Get one record with all fields the actor may see.

        Raises:
            NotFound: No such object for this actor.
            NoSuchRecord: No such record, or a deleted or hidden one, or what is no id.
        """
        object_type = await self.object(actor, object_name)
        wanted = _id(object_type.name, record_id)
        page = await self.find(actor, object_type.name, where={"id": wanted}, limit=1)
        if not page.records:
            raise NoSuchRecord(object_type.name, str(wanted))
        return page.records[0]

    @_up_to_date
    async def search(self, actor: Actor, text: str, *, limit: int = 10) -> list[Hit]:
        """Find records of any visible object by words of their title, the best first.

        Args:
            limit: Most hits, 1–50.
        """
        sight, words = await self._catalog.sight(actor), read_text(text)
        view = sight.view
        limit = min(max(limit, 1), 50)
        if not words or not searchable(view):
            return []
        hits: list[Hit] = []
        for how in ("prefix", "words"):
            statement = self._compose_search(view, how, len(words) - 1, limit)
            parameters = {f"w{i}": word for i, word in enumerate(words)}
            rows = await self._db.rows(statement.sql, {**statement.constants, **sight.values, **parameters})
            hits = [Hit(row["object"], row["id"], row["label"]) for row in rows]
            if len(hits) == limit:
                break
        return hits

    @_up_to_date
    async def describe(self, actor: Actor, object_name: str, where: Where | None) -> str:
        """Say in words what a filter asks for; empty for `{}`. Records it names by id are named by their titles.

        Raises:
            NotFound, UnknownField, BadFilter: As `find` does.
        """
        sight = await self._catalog.sight(actor)
        view, here = sight.view, self._catalog.here(actor)
        object_type = view.object(object_name)
        tree = read_where(where, view.names(object_type.name), here).tree
        labels = await self._labels(sight, ids_of(tree))
        who = actor.me
        writing = Writing(here.now, ZoneInfo(who.time_zone), who.locale, who.formats)
        return describe(tree, view, object_type, labels, writing)

    # --- writing -----------------------------------------------------------------------------------------------------

    async def create(self, actor: Actor, object_name: str, values: Values, *, cause: Cause = _CAUSE) -> Written:
        """Create a record.

        Args:
            values: JSON values by field name (Any: checked), see `metier.records.values`.
            cause: Through which door this came, and the key under which it is done only once.

        Raises:
            NotFound: No such object for this actor.
            Errors of `Writer.write`.
        """
        return await self.batch(actor, object_name, [Operation("create", values=values)], cause=cause)

    async def update(
        self,
        actor: Actor,
        object_name: str,
        record_id: UUID | str,
        values: Values,
        *,
        if_updated_at: datetime | str | None = None,
        cause: Cause = _CAUSE,
    ) -> Written:
        """Change some values of a record; what is not named stays, null empties.

        Args:
            if_updated_at: The `updated_at` that was read; a record changed since then is not touched.

        Raises:
            NotFound: No such object for this actor.
            Errors of `Writer.write`.
        """
        operation = Operation("update", record_id, values, if_updated_at)
        return await self.batch(actor, object_name, [operation], cause=cause)

    async def upsert(
        self, actor: Actor, object_name: str, values: Values, *, by: str | None = None, cause: Cause = _CAUSE
    ) -> Written:
        """Change the record that has the same value of a unique field, or create it if there is none.

        Args:
            by: The unique field that counts; all those that have a value if left out.

        Raises:
            NotFound: No such object for this actor.
            Errors of `Writer.write`.
        """
        return await self.batch(actor, object_name, [Operation("upsert", values=values, by=by)], cause=cause)

    async def delete(self, actor: Actor, object_name: str, record_id: UUID | str, *, cause: Cause = _CAUSE) -> Written:
        """Take a record out of sight; `restore` brings it back.

        Raises:
            NotFound: No such object for this actor.
            Errors of `Writer.write`.
        """
        return await self.batch(actor, object_name, [Operation("delete", record_id)], cause=cause)

    async def restore(self, actor: Actor, object_name: str, record_id: UUID | str, *, cause: Cause = _CAUSE) -> Written:
        """Bring a deleted record back.

        Raises:
            NotFound: No such object for this actor.
            Errors of `Writer.write`.
        """
        return await self.batch(actor, object_name, [Operation("restore", record_id)], cause=cause)

    async def destroy(self, actor: Actor, object_name: str, record_id: UUID | str, *, cause: Cause = _CAUSE) -> Written:
        """Remove a record for good, and its values from the log of changes.

        Raises:
            NotFound: No such object for this actor.
            Errors of `Writer.write`.
        """
        return await self.batch(actor, object_name, [Operation("destroy", record_id)], cause=cause)

    @_up_to_date
    async def batch(
        self, actor: Actor, object_name: str, operations: Sequence[Operation], *, cause: Cause = _CAUSE
    ) -> Written:
        """Do several things to records of one object, in this order; all or none.

        Args:
            operations: At most 1,000.

        Raises:
            NotFound: No such object for this actor.
            Errors of `Writer.write`; each names the operation's place.
        """
        return await self._writer.write(await self._places.of(actor, object_name), operations, cause)

    async def rehearse(self, actor: Actor, object_name: str, operations: Sequence[Operation]) -> Written:
        """Say what a batch would do, as `batch` would, and change nothing; the ids of what it would make are not kept.

        Raises:
            NotFound: No such object for this actor.
            Errors of `Writer.write`: What writing would raise.
        """
        return await self._writer.rehearse(await self._places.of(actor, object_name), operations)

    async def insert(
        self, actor: Actor, object_name: str, rows: Sequence[Values], *, cause: Cause = _IMPORT
    ) -> list[UUID]:
        """Create records, all or none, and give their ids in the order of the rows.

        Args:
            rows: JSON values by field name, at most 1,000. `created_at` and `updated_at` may be given.

        Raises:
            NotFound: No such object for this actor.
            Errors of `Writer.write`; places begin with the row's, e.g. `rows.3.amount`.
        """
        operations = [Operation("create", values=row, path=f"rows.{i}") for i, row in enumerate(rows)]
        written = await self.batch(actor, object_name, operations, cause=cause)
        return [done.id for done in written.done]

    # --- the log of changes ------------------------------------------------------------------------------------------

    @_up_to_date
    async def history(
        self, actor: Actor, object_name: str, record_id: UUID | str, *, limit: int = 50, cursor: str | None = None
    ) -> History:
        """Give a record's changes, the newest first, cut down to the fields the actor may see.

        Args:
            limit: Most changes, 1–500.
            cursor: `next_cursor` of the answer before.

        Raises:
            NotFound: No such object for this actor.
            NoSuchRecord: No such record for this actor; a deleted one still has its history.
            Invalid: The cursor is none.
        """
        place = await self._places.of(actor, object_name)
        return await self._log.of_record(place, _id(place.seen.name, record_id), limit=limit, cursor=cursor)

    @_up_to_date
    async def changes(self, actor: Actor, change_id: UUID | str) -> list[Told]:
        """Give a change, or all changes of a write by its id, cut down to the fields the actor may see.

        Raises:
            NotFound: No such change that the actor could see.
        """
        return await self._log.of_write(actor, _id("change", change_id))

    @_up_to_date
    async def undo(self, actor: Actor, change_id: UUID | str, *, cause: Cause = _CAUSE) -> Written:
        """Take back a change, or all changes of a write by its id, as a new write by the same rules.

        Raises:
            NotFound: No such change that the actor could see.
            RecordChanged: What it changed was changed since; names the fields.
            Conflict: It cannot be taken back: the record was destroyed, or what a relation pointed to is gone.
            Errors of `Writer.write` besides.
        """
        return await self._log.undo(actor, _id("change", change_id), cause)

    def rule_indexes(self, roles: Roles, *, builds: bool = True, small: int = SMALL) -> RuleIndexes:
        """Give what keeps the indexes for row rules; see there."""
        return RuleIndexes(self._db, self._clock, self._catalog, roles, builds=builds, small=small)

    # --- object types ------------------------------------------------------------------------------------------------

    async def why(
        self,
        actor: Actor,
        object_name: str,
        *,
        field: str | None = None,
        record_id: UUID | str | None = None,
        action: Action = Action.READ,
        of: Actor | None = None,
    ) -> Reason:
        """Say which rule lets somebody do something with an object, field or record, or forbids it (S-46).

        Args:
            actor: Who asks; what that one does not see stays unknown.
            of: Whose right it is about; one's own if left out.

        Raises:
            MissingPermission: It is about another, and the actor does not hold ROLES.
            NotFound, NoSuchRecord, UnknownField: There is no such object, record or field for who asks.
        """
        if of is not None:
            check_flag(actor, "ROLES")
        kind = await self.object(actor, object_name)
        if field is not None and field not in kind.by_name:
            raise UnknownField(field[:200], kind.name, kind.by_name, path="field")
        found = None if record_id is None else UUID((await self.get(actor, kind.name, record_id))["id"])
        whom = of or actor
        return await explain(self._db, self._catalog, whom, action, kind, field=field, record_id=found)

    async def own_names(self, actor: Actor, role: Role, types: Sequence[Mapping[str, Any]] | None = None) -> Role:
        """Give the role with the own names of the objects and fields it has rules for, as `actor` sees them.

        Args:
            types: Bodies of the object types there will be; those there are if left out.

        Raises:
            Invalid: The actor sees no such object or field, or a row rule cannot be read; the hidden stays unknown.
        """
        view = await self._catalog.view(actor) if types is None else view_of(types, actor)
        return rules.own_names(role, actor, view, self._catalog.here(actor, rules=True))

    def follow(self, body: Mapping[str, Any], renames: Renames) -> dict[str, Any]:
        """Give a role's body with the new names of objects and fields."""
        return follow(body, renames)

    async def is_behind(self, actor: Actor) -> bool:
        """Say whether an object type changed since they were read; they are read anew then."""
        return await self._catalog.is_behind(actor.workspace_id)

    def forget(self) -> None:
        """Read all object types anew from now on: one of them changed."""
        self._catalog.forget()

    @_up_to_date
    async def _ask(self, actor: Actor, object_name: str, question: Question) -> _Answer:
        sight = await self._catalog.sight(actor)
        object_type = sight.view.object(object_name)
        if question.get("deleted"):
            check(actor, Action.DELETE, object_type.name)
        query = self._questions.read(sight.view, object_type, self._catalog.here(actor), question)
        row = await self._run(sight, query)
        cursor = None if row["next"] is None else write_cursor(query, row["next"])
        total: int | None = row["total"]
        capped = query.shape.count == "capped" and total is not None and total > COUNT_CAP
        return _Answer(row["data"], cursor, COUNT_CAP if capped else total, capped)

    async def _run(self, sight: Sight, query: Query) -> dict[str, Any]:
        statement = self._compose(sight.view, query.shape)
        parameters = {**statement.constants, **sight.values, **query.parameters}
        if statement.by_value:
            async with self._db.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(statement.sql.encode(), parameters, prepare=False)
                return await cursor.fetchone() or {}
        return await self._db.row(statement.sql, parameters) or {}

    async def _labels(self, sight: Sight, ids: Mapping[str, set[UUID]]) -> dict[UUID, str]:
        """Look up what people call records, as the actor sees them."""
        labels: dict[UUID, str] = {}
        for name, wanted in ids.items():
            statement = self._compose_labels(sight.view, name)
            rows = await self._db.rows(statement.sql, {**sight.values, "ids": list(wanted)}) if wanted else []
            labels |= {row["id"]: row["label"] for row in rows}
        return labels


def _id(what: str, given: UUID | str) -> UUID:
    """Read an id; what is none is unknown like any other."""
    try:
        return given if isinstance(given, UUID) else UUID(given)
    except (ValueError, AttributeError, TypeError):
        raise NoSuchRecord(what, str(given)[:100]) from None
