"""Indexes for the row rules of roles: they skip what a rule withholds, which a walk down the sort's index would read.

rules of all roles → fields they compare by equality → one index per field and order: newest, last changed, title

`(owner_id, created_at desc, id desc)` serves the first page and every next one of "own records, newest first"; without
it 199 of 200 rows are read and dropped. Made and dropped beside reading and writing, some seconds after a
role or object type was published, by one process at a time; what a process left unfinished is made anew.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex

from metier.actor import Principal, PrincipalKind, Role
from metier.clock import Clock
from metier.errors import Invalid
from metier.filters import And, Here, Node, Op, Or, Test, read_where
from metier.records import columns as cols
from metier.records.catalog import Catalog, Model
from metier.records.ddl import indexes, quoted, sql_text, table_of
from metier.records.policy import here_of
from metier.records.shape import ObjectType
from metier.redaction import get_logger
from metier.store import Database, Transaction

MOST = 12  # indexes for rules of one table; each costs every write
SMALL = 50_000  # rows, as far as PostgreSQL knows
MINUTES_MOST = 60  # after which a build that hangs is given up

_EQUAL = (Op.EQ, Op.IN, Op.NULL)
_SOMEBODY = Principal(PrincipalKind.MEMBER, UUID(int=1), "somebody", email="somebody@metier.invalid")

Roles = Callable[[UUID], Awaitable[Iterable[Role]]]


@dataclass(frozen=True)
class Changed:
    """What was done to one workspace's indexes, by name."""

    made: Sequence[str]
    dropped: Sequence[str]


class RuleIndexes:
    """Keeps the indexes of one database. `aclose` before the database.

    Args:
        roles: Gives the roles of a workspace.
        builds: Whether this process makes indexes; one that runs a single command does not.
        small: Rows up to which a table's writers wait for the build, some 50 ms. For the concurrent build of a larger
            one a change of definitions that comes meanwhile is asked to come again: each would wait for the other.
    """

    def __init__(
        self, db: Database, clock: Clock, catalog: Catalog, roles: Roles, *, builds: bool = True, small: int = SMALL
    ) -> None:
        self._db = db
        self._clock = clock
        self._catalog = catalog
        self._roles = roles
        self._builds = builds
        self._small = small
        self._at_work: asyncio.Task[None] | None = None
        self._logger = get_logger("metier.records.rule_indexes")

    async def sweep(self) -> int:
        """Begin to bring up to date what has changed since; other work does not wait for it."""
        if not self._builds or (self._at_work and not self._at_work.done()):
            return 0
        stale = await self._db.rows(_STALE)
        if stale:
            work = self._refresh_all([row["id"] for row in stale])
            self._at_work = asyncio.create_task(work, name="indexes for row rules")
        return 0

    def give_up(self) -> None:
        """Nothing is held here that another process could not hold too."""

    async def aclose(self) -> None:
        """Stop; a build that is cut off is made anew by the next process."""
        if self._at_work is not None:
            self._at_work.cancel()
            await asyncio.gather(self._at_work, return_exceptions=True)

    async def refresh(self, workspace_id: UUID) -> Changed | None:
        """Make the indexes that the rules of now want, and drop those that none wants any more.

        Changes of definitions are kept out meanwhile: their statements would wait for the builds, and the builds for
        their transactions. Nothing else waits.

        Returns:
            None if another change of the workspace is under way; the next sweep tries again.
        """
        async with self._db.transaction() as alone:
            mark = await alone.row(_ALONE, {"id": workspace_id})
            if mark is None:
                return None
            await alone.execute(_LET_GO)
            model = await self._catalog.model(workspace_id, mark["schema_epoch"])
            wanted = wanted_indexes(model, list(await self._roles(workspace_id)), here_of(self._clock.now(), _SOMEBODY))
            have = {row["name"]: row for row in await self._db.rows(_HAVE, {"schema": model.schema})}
            dropped = [name for name, row in have.items() if name not in wanted or not row["valid"]]
            made = [name for name in wanted if name not in have or name in dropped]
            large = {row["name"] for row in await self._db.rows(_LARGE, {"schema": model.schema, "small": self._small})}
            for name in dropped:
                beside = "concurrently " if have[name]["on"] in large else ""
                await self._execute(f"drop index {beside}if exists {quoted(model.schema, name)}")
            for name in made:
                table = wanted[name].table
                assert table is not None  # as each index has one
                wanted[name].dialect_options["postgresql"]["concurrently"] = table.name in large
                await self._execute(sql_text(CreateIndex(wanted[name])))
            await alone.execute(_DONE, {"id": workspace_id, "rules": mark["rules"]})
        if made or dropped:
            self._logger.info("indexes for row rules", made=made, dropped=dropped)
        return Changed(made, dropped)

    async def _refresh_all(self, workspaces: Sequence[UUID]) -> None:
        for workspace_id in workspaces:
            try:
                async with asyncio.timeout(MINUTES_MOST * 60):
                    await self.refresh(workspace_id)
            except Exception as error:  # noqa: BLE001 - the worker's edge: the next sweep tries again
                self._logger.warning("indexes for row rules", workspace=str(workspace_id), cause=str(error))

    async def _execute(self, statement: str) -> None:
        """Run a statement that no transaction can hold."""
        async with self._db.connection() as connection:
            await Transaction(connection).execute(statement)


def wanted_indexes(model: Model, roles: Sequence[Role], here: Here) -> dict[str, sa.Index]:
    """Give the indexes that row rules want beside those that each object has, by name.

    Args:
        here: When and where rules are read; values do not matter, only what is compared how.
    """
    found: dict[str, sa.Index] = {}
    for kind in model.objects:
        if not kind.read_only:
            compared = _compared(model, kind, roles, here)
            found |= {str(index.name): index for index in _of_table(model.schema, kind, compared)}
    return found


def _compared(model: Model, kind: ObjectType, roles: Sequence[Role], here: Here) -> list[Test]:
    """Give the object's own fields that rules compare by equality, those of most rules first."""
    uses: Counter[tuple[str, str]] = Counter()
    tests: dict[tuple[str, str], Test] = {}
    for rule in (rule for role in roles for rule in role.rows.get(kind.name, ())):
        try:
            tree = read_where(rule.where, model.whole.every_name[kind.name], here).tree
        except Invalid:
            continue  # its field is gone, and it lets nothing through
        for test in _equalities(tree):
            key = (test.path[0], test.thing.part)
            uses[key] += 1
            tests.setdefault(key, test)
    return [tests[key] for key, _ in uses.most_common()]


def _equalities(node: Node) -> Iterator[Test]:
    """Give the comparisons that let only few values through: what stands under `not` lets all others through."""
    if isinstance(node, Test):
        if len(node.path) == 1 and node.op in _EQUAL and node.path != ("id",):
            yield node
    elif isinstance(node, And | Or):
        for part in node.parts:
            yield from _equalities(part)


def _of_table(schema: str, kind: ObjectType, compared: Sequence[Test]) -> list[sa.Index]:
    table = table_of(schema, kind)
    there = [_texts(index.expressions) for index in indexes(table, kind)]
    found: list[sa.Index] = []
    for test in compared:
        value = cols.value(kind.by_name[test.path[0]], test.thing.part, table.c)
        for use, order in _orders(table, kind).items():
            wanted = _texts([value, *order])
            if not any(texts[: len(wanted)] == wanted for texts in there):
                found.append(_index(table, f"{test.path[0]}_{use}", [value, *order]))
    return found[:MOST]


def _orders(table: sa.Table, kind: ObjectType) -> Mapping[str, Sequence[cols.Expression]]:
    c = table.c
    title = cols.folded(cols.value(kind.by_name[kind.title], "", c))
    return {
        "newest": (c.created_at.desc(), c.id.desc()),
        "title": (title, c.id),
        "updated": (c.updated_at.desc(), c.id.desc()),
    }


def _index(table: sa.Table, use: str, expressions: Sequence[cols.Expression]) -> sa.Index:
    """Make an index over the records that are there. Its name ends unlike those that publishing a type makes."""
    mark = blake2b(" ".join([table.name, *_texts(expressions)]).encode(), digest_size=4).hexdigest()
    return sa.Index(
        f"{table.name[:20]}_{use[:30]}_r{mark}",
        *expressions,
        _table=table,
        postgresql_where=table.c.deleted_at.is_(None),
        postgresql_concurrently=True,
    )


def _texts(expressions: Iterable[object]) -> list[str]:
    return [sql_text(expression) for expression in expressions]


#: What indexes were made for: the rules of all roles, and the epoch of the object types.
_RULES = """(
    select w.schema_epoch || ':'
        || md5(coalesce(string_agg(r.name || ' ' || (r.body->'rows')::text, ',' order by r.name), ''))
    from core.role r where r.workspace_id = w.id
)"""

_STALE = f"select w.id from core.workspace w where w.deleted_at is null and w.indexed_for is distinct from {_RULES}"

_ALONE = f"""
select {_RULES} as rules, w.schema_epoch from core.workspace w
where w.id = %(id)s and w.deleted_at is null for no key update of w skip locked
"""

# What was read last stays open with its snapshot, for which a build would wait, until another statement is run.
_LET_GO = "set local idle_in_transaction_session_timeout = 0"

_DONE = "update core.workspace set indexed_for = %(rules)s where id = %(id)s"

_HAVE = """
select c.relname as name, i.indisvalid as valid, t.relname as "on"
from pg_index i join pg_class c on c.oid = i.indexrelid
    join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relname ~ '_r[0-9a-f]{8}$'
"""

_LARGE = """
select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %(schema)s and c.relkind = 'r' and c.reltuples > %(small)s
"""
