"""Which objects a workspace has, and what of them an actor sees: loaded once per schema epoch, cut once per policy."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from metier.actor import Actor
from metier.errors import NotFound
from metier.records.names import ObjectNames
from metier.records.policy import MEMBER, visible
from metier.records.shape import ObjectType
from metier.registry import fold_name
from metier.store import Database

CHANNEL = "metier_schema"  # told when an object type of any workspace changed
POLICIES = 256  # views kept

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The values used last, `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: K, value: V) -> V:
        self._kept[key] = value
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return value


@dataclass(frozen=True)
class Model:
    """All object types of a workspace, in the order people see them, `member` last."""

    workspace_id: UUID
    schema: str
    epoch: int
    objects: tuple[ObjectType, ...]


@dataclass(frozen=True, eq=False)
class View:
    """A workspace as one policy shows it. Compared by identity: it is part of the key of every compiled query."""

    workspace_id: UUID
    schema: str
    objects: dict[str, ObjectType]
    listed: list[ObjectType] = field(init=False, repr=False)
    _by_name: dict[str, ObjectType] = field(init=False, repr=False)
    _names: dict[str, ObjectNames] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_name = {fold_name(name): thing for thing in self.objects.values() for name in (thing.plural, thing.name)}
        object.__setattr__(self, "listed", list(self.objects.values()))
        object.__setattr__(self, "_by_name", by_name)
        object.__setattr__(self, "_names", {n: ObjectNames(t, self.names) for n, t in self.objects.items()})

    def object(self, name: str) -> ObjectType:
        """Find an object by its singular or plural name.

        Raises:
            NotFound: Unknown or hidden; suggests a visible one.
        """
        found = self._by_name.get(fold_name(name))
        if found is None:
            raise NotFound("object", name[:100], self.objects)
        return found

    def names(self, name: str) -> ObjectNames:
        """Give the names a filter on the object may use."""
        return self._names[name]

    def __iter__(self) -> Iterator[ObjectType]:
        return iter(self.objects.values())


class Catalog:
    """Keeps models and views. A change on any process empties it: at once here, by notification elsewhere."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._models: dict[UUID, Model] = {}
        self._views: Recent[tuple[Hashable, ...], View] = Recent(POLICIES)
        self._changes = 0
        db.on_notify(CHANNEL, self.forget)

    def forget(self) -> None:
        """Read everything anew from now on."""
        self._changes += 1
        self._models.clear()

    async def model(self, workspace_id: UUID) -> Model:
        """Give the workspace's object types.

        Raises:
            NotFound: No such workspace.
        """
        if found := self._models.get(workspace_id):
            return found
        before = self._changes
        model = await self._load(workspace_id)
        if before == self._changes:  # else a change came between: what was read may be older
            self._models[workspace_id] = model
        return model

    async def view(self, actor: Actor) -> View:
        """Give the workspace as the actor sees it."""
        model = await self.model(actor.workspace_id)
        key = (model.workspace_id, model.epoch, actor.policy_key())
        if found := self._views.get(key):
            return found
        return self._views.put(key, View(model.workspace_id, model.schema, visible(model.objects, actor)))

    async def _load(self, workspace_id: UUID) -> Model:
        rows = await self._db.rows(_MODEL, {"id": workspace_id})
        if not rows:
            raise NotFound("workspace", str(workspace_id))
        objects = tuple(ObjectType.from_json(row["body"]) for row in rows if row["body"] is not None)
        return Model(workspace_id, rows[0]["schema_name"], rows[0]["schema_epoch"], (*objects, MEMBER))


_MODEL = """
select w.schema_name, w.schema_epoch, o.body
from core.workspace w left join core.object_type o on o.workspace_id = w.id
where w.id = %(id)s and w.deleted_at is null
order by o.position, o.created_at, o.name
"""
