"""Which objects a workspace has, and what of them an actor sees: loaded once per schema epoch, cut once per policy.

An actor carries the epoch of its look-up, so whoever asks after a change sees it, on every process; the notification
only spares the first one the reading.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from metier.actor import Action, Actor
from metier.clock import Clock
from metier.errors import NotFound
from metier.filters import Here
from metier.records.names import ObjectNames
from metier.records.policy import MEMBER, WORKSPACE, Guard, here_of, my_fields, read_rules, visible
from metier.records.shape import ObjectType
from metier.registry import fold_name
from metier.store import Database

CHANNEL = "metier_schema"  # told when an object type of any workspace changed
POLICIES = 256  # views kept
SIGHTS = 1_000  # of actors with row rules

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
    whole: "View" = field(init=False, repr=False, compare=False)  # of somebody who may see everything

    def __post_init__(self) -> None:
        objects = {thing.name: thing for thing in self.objects}
        object.__setattr__(self, "whole", View(self.workspace_id, self.schema, objects))


@dataclass(frozen=True, eq=False)
class View:
    """A workspace as one policy shows it. Compared by identity: it is part of the key of every compiled query.

    Attributes:
        objects: What may be seen of which objects.
        all: The objects uncut, for row rules; the same if nothing is hidden.
        guards: Row rules; their values come with each query.
    """

    workspace_id: UUID
    schema: str
    objects: dict[str, ObjectType]
    all: Mapping[str, ObjectType] | None = None
    guards: tuple[Guard, ...] = ()
    listed: list[ObjectType] = field(init=False, repr=False)
    _by_name: dict[str, ObjectType] = field(init=False, repr=False)
    _names: dict[str, ObjectNames] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_name = {fold_name(name): thing for thing in self.objects.values() for name in (thing.plural, thing.name)}
        object.__setattr__(self, "listed", list(self.objects.values()))
        object.__setattr__(self, "_by_name", by_name)
        object.__setattr__(self, "_names", {n: ObjectNames(t, self.names) for n, t in self.objects.items()})

    @property
    def whole(self) -> Mapping[str, ObjectType]:
        """The objects with all their fields."""
        return self.objects if self.all is None else self.all

    @property
    def every_name(self) -> Mapping[str, ObjectNames]:
        """The names of each object."""
        return self._names

    def guards_of(self, object_name: str, action: Action) -> list[Guard]:
        """Give the rules that the object's rows must match for the action: those for it, and those for reading."""
        wanted = {Action.READ, action}
        return [guard for guard in self.guards if guard.object == object_name and guard.actions & wanted]

    def narrows(self, object_name: str, action: Action) -> bool:
        """Say whether there are visible rows with which the action may be impossible."""
        return len(self.guards_of(object_name, action)) > len(self.guards_of(object_name, Action.READ))

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


def view_of(types: Iterable[Mapping[str, Any]], actor: Actor) -> View:
    """Give what an actor would see of object types that are not there yet; `types` are bodies of definitions."""
    objects = (*map(ObjectType.from_json, types), MEMBER)
    return View(actor.workspace_id, "", visible(objects, actor))


@dataclass(frozen=True)
class Sight:
    """What an actor sees right now.

    Attributes:
        values: Parameters of all queries on it: of the row rules, and the workspace's id.
    """

    view: View
    values: Mapping[str, Any]


class Catalog:
    """Keeps models and views. A change on any process empties it: at once here, by notification elsewhere."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._steady: Recent[tuple[Hashable, ...], Sight] = Recent(SIGHTS)
        self._models: dict[UUID, Model] = {}
        self._views: Recent[tuple[Hashable, ...], View] = Recent(POLICIES)
        self._changes = 0
        db.on_notify(CHANNEL, self.forget)

    def forget(self) -> None:
        """Read everything anew from now on."""
        self._changes += 1
        self._models.clear()

    async def model(self, workspace_id: UUID, epoch: int = 0) -> Model:
        """Give the workspace's object types.

        Args:
            epoch: The oldest schema epoch that will do.

        Raises:
            NotFound: No such workspace.
        """
        found = self._models.get(workspace_id)
        if found and found.epoch >= epoch:
            return found
        before = self._changes
        model = await self._load(workspace_id)
        if before == self._changes:  # else a change came between: what was read may be older
            self._models[workspace_id] = model
        return model

    def here(self, actor: Actor, *, rules: bool = False) -> Here:
        """Say when and where the actor asks, and who `me` is: a key is no member.

        Args:
            rules: It is for row rules, which may compare with fields of the member.
        """
        return here_of(self._clock.now(), actor.me, rules=rules)

    async def view(self, actor: Actor) -> View:
        """Give the workspace as the actor sees it."""
        return (await self.sight(actor)).view

    async def sight(self, actor: Actor) -> Sight:
        """Give the workspace as the actor sees it, with what its row rules compare with now."""
        model = await self.model(actor.workspace_id, actor.schema_epoch)
        if not any(role.rows for role in actor.roles):
            return Sight(self._view(model, actor, ()), {WORKSPACE: model.workspace_id})
        my = tuple(my_fields(actor.me).values())
        key = (model.workspace_id, model.epoch, actor.policy_key(), actor.me.time_zone, my)
        if found := self._steady.get(key):
            return found
        rules = read_rules(actor, model.whole.every_name, self.here(actor, rules=True))
        sight = Sight(self._view(model, actor, rules.guards), {WORKSPACE: model.workspace_id, **rules.values})
        return self._steady.put(key, sight) if rules.are_steady else sight

    def _view(self, model: Model, actor: Actor, guards: tuple[Guard, ...]) -> View:
        """Give the view of all who may see the same columns, and rows by rules of the same shape."""
        key = (model.workspace_id, model.epoch, actor.view_key(), guards)
        if found := self._views.get(key):
            return found
        objects = visible(model.objects, actor)
        return self._views.put(key, View(model.workspace_id, model.schema, objects, model.whole.objects, guards))

    async def is_behind(self, workspace_id: UUID) -> bool:
        """Say whether an object type changed since they were read, and read them anew from now on if so."""
        known = self._models.get(workspace_id)
        epoch = await self._db.value("select schema_epoch from core.workspace where id = %s", [workspace_id])
        if known is not None and known.epoch == epoch:
            return False
        self.forget()
        return True

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
