"""What a transaction that writes asks of the records: always as the actor sees them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from metier.actor import Action, Actor
from metier.filters import Here
from metier.records import changes, statements
from metier.records.catalog import Catalog, View
from metier.records.changes import Image, Kind, Labels
from metier.records.compile import compose_ids, compose_labels
from metier.records.shape import Field, ObjectType
from metier.store import Transaction

STATEMENTS = 1_000  # texts kept of each sort


@dataclass(frozen=True)
class Place:
    """Where something is written: the workspace as the actor sees it, and the object.

    Attributes:
        seen: The object, cut down to what the actor may see.
        whole: The object with all its fields.
        values: The parameters of the row rules.
    """

    actor: Actor
    view: View
    seen: ObjectType
    whole: ObjectType
    here: Here
    values: Mapping[str, Any]


class Places:
    """Makes places of what actors name."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def of(self, actor: Actor, object_name: str) -> Place:
        """Give the object of this name as the actor sees it.

        Raises:
            NotFound: Unknown or hidden.
        """
        sight = await self._catalog.sight(actor)
        seen = sight.view.object(object_name)
        here = self._catalog.here(actor)
        return Place(actor, sight.view, seen, sight.view.whole[seen.name], here, sight.values)


class Texts:
    """The statements' texts, each made once."""

    def __init__(self) -> None:
        self.ids = lru_cache(STATEMENTS)(compose_ids)
        self.labels = lru_cache(STATEMENTS)(compose_labels)
        self.lock = lru_cache(STATEMENTS)(statements.lock)
        self.insert = lru_cache(STATEMENTS)(statements.insert)
        self.update = lru_cache(STATEMENTS)(statements.update)
        self.match = lru_cache(STATEMENTS)(statements.match)
        self.marks = {
            Kind.DELETED: lru_cache(STATEMENTS)(statements.delete),
            Kind.RESTORED: lru_cache(STATEMENTS)(statements.restore),
            Kind.DESTROYED: lru_cache(STATEMENTS)(statements.destroy),
        }


@dataclass(frozen=True)
class Scoped:
    """The questions. Nothing they say goes beyond what the actor may see, but for `matching`."""

    tx: Transaction
    place: Place
    texts: Texts

    async def visible(
        self, ids: Iterable[UUID], object_name: str = "", *, action: Action = Action.READ, deleted: bool = False
    ) -> set[UUID]:
        """Give those of the records with which the actor may do this; of the place's object if none is named."""
        view = self.place.view
        statement = self.texts.ids(view, object_name or self.place.seen.name, action=action, deleted=deleted)
        wanted = {**statement.constants, **self.place.values, "ids": list(ids)}
        return {row["id"] for row in await self.tx.rows(statement.sql, wanted)}

    async def labels(self, images: Iterable[Image | None]) -> Labels:
        """Give what the records that relations point to are called; those that may not be seen have no name."""
        view, found = self.place.view, dict[tuple[str, UUID], str]()
        for target, ids in changes.targets(images, self.place.seen).items():
            statement = self.texts.labels(view, target)
            wanted = {**statement.constants, **self.place.values, "ids": list(ids)}
            found |= {(target, row["id"]): row["label"] for row in await self.tx.rows(statement.sql, wanted)}
        return found

    async def matching(self, object_type: ObjectType, key: Field, values: Sequence[Any]) -> dict[int, UUID]:
        """Give the records that have these values of a unique field, by the values' place. Hidden ones too."""
        text = self.texts.match(self.place.view.schema, object_type, key)
        wanted = [float(value) for value in values] if key.decimals else list(values)
        return {row["place"] - 1: row["id"] for row in await self.tx.rows(text, {"values": wanted})}
