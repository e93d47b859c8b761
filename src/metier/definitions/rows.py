"""The store's two tables: core.definition (what is) and core.definition_version (what was published)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from metier.definitions.bodies import Body, digest
from metier.definitions.source import Format, Source
from metier.definitions.values import Version
from metier.filters import storable_text
from metier.registry import fold_name
from metier.store import Database, Json, Transaction


@dataclass(frozen=True)
class Stored:
    """A row of core.definition with its live version; as there, see the migration."""

    id: UUID
    kind: str
    name: str
    universal_identifier: UUID | None
    version: int | None
    revision: int
    app: str | None
    draft: Source | None
    draft_author: dict[str, Any] | None
    drafted_at: datetime | None
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    body: Body | None
    source: Source | None


async def published(db: Database | Transaction, workspace_id: UUID, kind: str) -> list[Stored]:
    """Give the definitions of a kind that have a version, archived ones too, oldest first."""
    return [row for row in await listed(db, workspace_id, kind) if row.version is not None]


async def listed(db: Database | Transaction, workspace_id: UUID, kind: str) -> list[Stored]:
    """Give all definitions of a kind, oldest first."""
    found = await db.rows(f"{_STORED} order by d.created_at, d.id", {"workspace": workspace_id, "kind": kind})
    return [_stored(row) for row in found]


async def find(db: Database | Transaction, workspace_id: UUID, kind: str, name: str) -> Stored | None:
    """Find a definition by name; case, `_` and `-` make no difference."""
    if not storable_text(name):
        return None
    values = {"workspace": workspace_id, "kind": kind, "folded": fold_name(name)}
    row = await db.row(f"{_STORED} and d.folded = %(folded)s", values)
    return _stored(row) if row else None


async def find_id(db: Database | Transaction, workspace_id: UUID, kind: str, id: UUID) -> Stored | None:
    """Find a definition by its id."""
    row = await db.row(f"{_STORED} and d.id = %(id)s", {"workspace": workspace_id, "kind": kind, "id": id})
    return _stored(row) if row else None


async def find_identifier(tx: Transaction, workspace_id: UUID, kind: str, identifier: UUID) -> Stored | None:
    """Find a definition by its universal identifier."""
    values = {"workspace": workspace_id, "kind": kind, "identifier": identifier}
    row = await tx.row(f"{_STORED} and d.universal_identifier = %(identifier)s", values)
    return _stored(row) if row else None


async def insert(
    tx: Transaction, workspace_id: UUID, id: UUID, kind: str, name: str, identifier: UUID | None, now: datetime
) -> None:
    """Add a definition without a version."""
    values = {
        "workspace": workspace_id,
        "id": id,
        "kind": kind,
        "name": name,
        "folded": fold_name(name),
        "identifier": identifier,
        "now": now,
    }
    await tx.execute(_INSERT, values)


async def save_draft(
    tx: Transaction, workspace_id: UUID, id: UUID, source: Source | None, author: Mapping[str, Any], now: datetime
) -> None:
    """Put a draft in place of the one before; None throws it away."""
    values = {
        "workspace": workspace_id,
        "id": id,
        "draft": None if source is None else source.data,
        "format": None if source is None else source.format.value,
        "author": None if source is None else Json(author),
        "at": None if source is None else now,
        "now": now,
    }
    await tx.execute(_SAVE_DRAFT, values)


async def add_version(
    tx: Transaction,
    workspace_id: UUID,
    id: UUID,
    *,
    name: str,
    identifier: UUID | None,
    body: Body,
    source: Source,
    author: Mapping[str, Any] | None,
    note: str,
    origin: str,
    now: datetime,
) -> int:
    """Add the next version, make it the live one, and give its number. No author is the house itself."""
    values = {
        "workspace": workspace_id,
        "id": id,
        "name": name,
        "folded": fold_name(name),
        "identifier": identifier,
        "body": orjson.dumps(body).decode(),  # as text: its keys keep their order
        "source": source.data,
        "format": source.format.value,
        "digest": digest(body),
        "author": None if author is None else Json(author),
        "note": note,
        "origin": origin,
        "now": now,
    }
    version: int = await tx.value(_ADD_VERSION, values)
    await tx.execute(_SET_LIVE, values | {"version": version})
    return version


async def set_archived(tx: Transaction, workspace_id: UUID, id: UUID, at: datetime | None, now: datetime) -> None:
    """Archive a definition, or bring it back."""
    values = {"workspace": workspace_id, "id": id, "at": at, "now": now}
    await tx.execute(_SET_ARCHIVED, values)


async def set_app(tx: Transaction, workspace_id: UUID, id: UUID, app: UUID) -> None:
    """Say which app a definition belongs to."""
    values = {"workspace": workspace_id, "id": id, "app": app}
    await tx.execute(
        "update core.definition set app_id = %(app)s where workspace_id = %(workspace)s and id = %(id)s", values
    )


async def of_app(db: Database | Transaction, workspace_id: UUID, app: UUID) -> list[Stored]:
    """Give what belongs to an app, archived ones too, kind by kind, oldest first."""
    found = await db.rows(
        f"{_ALL} where d.workspace_id = %(workspace)s and d.app_id = %(app)s order by d.kind, d.created_at, d.id",
        {"workspace": workspace_id, "app": app},
    )
    return [_stored(row) for row in found]


async def delete(tx: Transaction, workspace_id: UUID, id: UUID) -> None:
    """Remove a definition with all its versions."""
    await tx.execute("delete from core.definition where workspace_id = %s and id = %s", [workspace_id, id])


async def versions(db: Database | Transaction, workspace_id: UUID, id: UUID) -> list[Version]:
    """Give the versions of a definition, newest first."""
    found = await db.rows(f"{_VERSIONS} order by version desc", {"workspace": workspace_id, "id": id})
    return [_version(row) for row in found]


async def version(db: Database | Transaction, workspace_id: UUID, id: UUID, number: int) -> Version | None:
    """Give one version."""
    row = await db.row(f"{_VERSIONS} and version = %(number)s", {"workspace": workspace_id, "id": id, "number": number})
    return _version(row) if row else None


async def taken(tx: Transaction, workspace_id: UUID, kind: str) -> Sequence[Mapping[str, Any]]:
    """Give which names and identifiers are in use: rows of `id, name, folded, universal_identifier, archived_at`."""
    return await tx.rows(
        "select id, name, folded, universal_identifier, archived_at from core.definition"
        " where workspace_id = %s and kind = %s",
        [workspace_id, kind],
    )


def _stored(row: Mapping[str, Any]) -> Stored:
    own = {key: row[key] for key in _OWN}
    return Stored(**own, draft=_source(row, "draft"), source=_source(row, "source"))


def _source(row: Mapping[str, Any], column: str) -> Source | None:
    return None if row[column] is None else Source(row[column], Format(row[f"{column}_format"]))


def _version(row: Mapping[str, Any]) -> Version:
    own = {key: value for key, value in row.items() if key not in ("source", "source_format", "digest")}
    source = Source(row["source"], Format(row["source_format"]))
    return Version(**own, source=source, digest=row["digest"].hex())


_OWN = (
    "id",
    "kind",
    "name",
    "universal_identifier",
    "version",
    "revision",
    "app",
    "draft_author",
    "drafted_at",
    "created_at",
    "updated_at",
    "archived_at",
    "body",
)

_ALL = """
select d.id, d.kind, d.name, d.universal_identifier, d.version, d.revision, a.name as app, d.draft, d.draft_format,
    d.draft_author, d.drafted_at, d.created_at, d.updated_at, d.archived_at, v.body, v.source,
    v.format as source_format
from core.definition d
left join core.definition_version v
    on v.workspace_id = d.workspace_id and v.definition_id = d.id and v.version = d.version
left join core.definition a on a.workspace_id = d.workspace_id and a.id = d.app_id
"""

_STORED = f"{_ALL} where d.workspace_id = %(workspace)s and d.kind = %(kind)s"

_INSERT = """
insert into core.definition (workspace_id, id, kind, name, folded, universal_identifier, created_at, updated_at)
values (%(workspace)s, %(id)s, %(kind)s, %(name)s, %(folded)s, %(identifier)s, %(now)s, %(now)s)
"""

_SAVE_DRAFT = """
update core.definition
set draft = %(draft)s, draft_format = %(format)s, draft_author = %(author)s, drafted_at = %(at)s,
    revision = revision + 1, updated_at = %(now)s
where workspace_id = %(workspace)s and id = %(id)s
"""

_ADD_VERSION = """
insert into core.definition_version
    (workspace_id, definition_id, version, name, body, source, format, digest, author, note, origin, created_at)
select %(workspace)s, %(id)s, coalesce(max(version), 0) + 1, %(name)s, %(body)s::json, %(source)s, %(format)s,
    %(digest)s, %(author)s, %(note)s, %(origin)s, %(now)s
from core.definition_version where workspace_id = %(workspace)s and definition_id = %(id)s
returning version
"""

_SET_LIVE = """
update core.definition
set version = %(version)s, name = %(name)s, folded = %(folded)s,
    universal_identifier = coalesce(%(identifier)s, universal_identifier),
    revision = revision + 1, updated_at = %(now)s
where workspace_id = %(workspace)s and id = %(id)s
"""

_SET_ARCHIVED = """
update core.definition set archived_at = %(at)s, revision = revision + 1, updated_at = %(now)s
where workspace_id = %(workspace)s and id = %(id)s
"""

_VERSIONS = """
select version, name, body, source, format as source_format, digest, author, note, origin, created_at
from core.definition_version
where workspace_id = %(workspace)s and definition_id = %(id)s
"""
