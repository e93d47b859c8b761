"""A workspace for tests of records: any object types, any roles, rows that are deleted or belong to others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from metier.actor import FLAGS, Action, Actor, Principal, PrincipalKind, Role
from metier.clock import Clock
from metier.definitions import Definitions
from metier.records import DataModel, ObjectKind, ObjectType, Operation, Records
from metier.store import Database

EVERYTHING = frozenset(Action)


@dataclass
class World:
    """One workspace on a database of its own."""

    db: Database
    clock: Clock
    records: Records
    definitions: Definitions
    data_model: DataModel
    workspace_id: UUID
    schema: str
    admin: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.admin = self.actor()

    @classmethod
    async def make(cls, db: Database, clock: Clock, records: Records | None = None) -> "World":
        workspace_id = uuid4()
        schema = f"w_{workspace_id.hex}"
        await db.execute(
            "insert into core.workspace (id, name, schema_name, created_at) values (%s, 'Test', %s, %s)",
            [workspace_id, schema, clock.now()],
        )
        await db.execute(f'create schema "{schema}"')
        records, definitions = records or Records(db, clock), Definitions(db, clock, [ObjectKind()])
        definitions.on_change(records.forget)
        return cls(db, clock, records, definitions, DataModel(db, definitions), workspace_id, schema)

    def actor(
        self,
        objects: Mapping[str, Iterable[Action]] | None = None,
        *,
        all_objects: Iterable[Action] = EVERYTHING,
        flags: Sequence[str] = FLAGS,
        time_zone: str = "UTC",
        kind: PrincipalKind = PrincipalKind.MEMBER,
        id: UUID | None = None,
    ) -> Actor:
        """Make somebody with one role; an admin if nothing is said."""
        rights = {name: frozenset(actions) for name, actions in (objects or {}).items()}
        role = Role(uuid4(), "test", "Test", frozenset(all_objects), rights, frozenset(flags))
        return Actor(self.workspace_id, Principal(kind, id or uuid4(), "Ada Park", time_zone), (role,))

    def reader(self, *objects: str, **options: Any) -> Actor:
        """Make somebody who may read these objects and do nothing else."""
        return self.actor({name: {Action.READ} for name in objects}, all_objects=(), flags=(), **options)

    async def publish(self, *types: ObjectType) -> None:
        for object_type in types:
            await self.data_model.publish(self.admin, object_type)

    async def insert(self, object_name: str, *rows: Mapping[str, Any]) -> list[UUID]:
        return await self.records.insert(self.admin, object_name, rows)

    async def member(self, name: str, email: str | None = None) -> UUID:
        """Add a member, with a password that nobody may see."""
        role_id, member_id, now = uuid4(), uuid4(), self.clock.now()
        await self.db.execute(
            "insert into core.role (workspace_id, id, name, label, body, created_at, updated_at)"
            " values (%s, %s, %s, 'Role', '{}', %s, %s)",
            [self.workspace_id, role_id, role_id.hex, now, now],
        )
        await self.db.execute(
            "insert into core.member (workspace_id, id, role_id, name, email, password_hash, created_at, updated_at)"
            " values (%s, %s, %s, %s, %s, 'hunter2hash', %s, %s)",
            [self.workspace_id, member_id, role_id, name, email, now, now],
        )
        return member_id

    async def delete(self, object_name: str, *ids: UUID) -> None:
        """Take records out of sight."""
        await self.records.batch(self.admin, object_name, [Operation("delete", one) for one in ids])

    async def record(self, object_name: str, record_id: UUID) -> dict[str, Any]:
        """Give a record as the admin sees it."""
        return await self.records.get(self.admin, object_name, record_id)

    async def log(self) -> list[dict[str, Any]]:
        """Give the rows of the log of changes, the oldest first."""
        return await self.db.rows("select * from core.change where workspace_id = %s order by id", [self.workspace_id])

    async def names(self, object_name: str, where: Mapping[str, Any], actor: Actor | None = None, **question: Any):
        """Find records and give their names."""
        page = await self.records.find(actor or self.admin, object_name, where=where, **question)
        return [record["name"] for record in page.records]


def object_type(name: str, *fields: Mapping[str, Any], title: str = "name", plural: str = "") -> ObjectType:
    """Make an object type: a text field `name`, and the given ones (`{"name": "amount", "type": "currency"}`)."""
    named = [{"name": "name", "type": "text"}, *fields] if title == "name" else list(fields)
    whole = [{"label": str(f["name"]).replace("_", " ").capitalize(), **f} for f in named]
    return ObjectType.from_json(
        {
            "name": name,
            "plural": plural or f"{name}s",
            "label": name.capitalize(),
            "label_plural": f"{name}s".capitalize(),
            "title": title,
            "fields": whole,
        }
    )


STAGES = [{"value": v, "label": label} for v, label in (("new", "New"), ("won", "Customer"), ("lost", "Lost"))]

COMPANY = object_type(
    "company",
    {"name": "city", "type": "text"},
    {"name": "employees", "type": "number"},
    {"name": "ideal", "type": "boolean"},
    {"name": "founded", "type": "date"},
    {"name": "revenue", "type": "currency"},
    {"name": "site", "type": "links", "unique": True},
    {"name": "owner", "type": "relation", "target": "member"},
    {"name": "parent", "type": "relation", "target": "company"},
    plural="companies",
)
PERSON = object_type(
    "person",
    {"name": "full", "type": "full_name"},
    {"name": "emails", "type": "emails", "unique": True},
    {"name": "company", "type": "relation", "target": "company"},
    title="full",
    plural="people",
)
DEAL = object_type(
    "deal",
    {"name": "stage", "type": "select", "options": STAGES, "terminal": ["won", "lost"]},
    {"name": "amount", "type": "currency"},
    {"name": "score", "type": "number", "decimals": 2},
    {"name": "due_at", "type": "date_time"},
    {"name": "company", "type": "relation", "target": "company"},
    {"name": "contact", "type": "relation", "target": "person"},
)


def euros(amount: float) -> dict[str, Any]:
    return {"amount_micros": round(amount * 1_000_000), "currency_code": "EUR"}
