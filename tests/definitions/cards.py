"""A kind of definition for tests: cards, which link to each other by name and are shown in a list."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from metier.actor import FLAGS, Action, Actor, Principal, PrincipalKind, Role
from metier.clock import Clock
from metier.definitions import Body, Definitions, Edit, Future, Kind, Renames
from metier.errors import Conflict, Invalid, Problem
from metier.store import Database, Transaction


class CardKind(Kind):
    """Body: `{"name", "label", "text"?, "links"?: [names], "universal_identifier"?}`; remembers what it was told."""

    name = "card"
    label = "card"
    flag = "DATA_MODEL"
    purge_flag = "ROLES"
    refers_to = frozenset({"card"})

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.refuse_hook = False

    def form(self, raw: Body) -> Body:
        problems = [Problem(key, f"there is no key {key!r}") for key in raw if key not in _KEYS]
        problems += [
            Problem(key, "must be a text") for key in ("name", "label", "text") if not isinstance(raw.get(key, ""), str)
        ]
        problems += [Problem(key, "is missing") for key in ("name", "label") if key not in raw]
        if problems:
            raise Invalid.of(problems, what="The card")
        return {key: raw[key] for key in _KEYS if raw.get(key) not in (None, "", [])}

    async def validate(self, tx: Transaction, edit: Edit, future: Future) -> None:
        live = await future.live("card")
        for i, link in enumerate((edit.after or {}).get("links", [])):
            if link not in live:
                raise Invalid.of([Problem(f"links.{i}", f"there is no card {link!r}")])
        for name, body in live.items():
            if edit.after is None and not edit.purged and edit.name in body.get("links", []):
                raise Conflict(f"The card {name!r} links to {edit.name!r}.")

    async def on_publish(self, tx: Transaction, edit: Edit) -> None:
        self.told.append(("published", edit.name))
        if self.refuse_hook:
            raise Conflict("The hook refuses.")

    async def on_archive(self, tx: Transaction, edit: Edit) -> None:
        self.told.append(("archived", edit.name))

    async def on_purge(self, tx: Transaction, edit: Edit) -> None:
        self.told.append(("purged", edit.name))

    def renamed(self, body: Body, renames: Renames) -> Body:
        links = [renames.names.get(link, link) for link in body.get("links", [])]
        return body | ({"links": links} if links else {})


_KEYS = ("name", "label", "text", "links", "universal_identifier")


@dataclass
class Desk:
    """One workspace on a database, and the store with cards."""

    db: Database
    clock: Clock
    kind: CardKind
    definitions: Definitions
    workspace_id: UUID
    admin: Actor = field(init=False)

    def __post_init__(self) -> None:
        self.admin = self.actor()

    @classmethod
    async def make(cls, db: Database, clock: Clock) -> "Desk":
        workspace_id = uuid4()
        await db.execute(
            "insert into core.workspace (id, name, schema_name, created_at) values (%s, 'Test', %s, %s)",
            [workspace_id, f"w_{workspace_id.hex}", clock.now()],
        )
        kind = CardKind()
        return cls(db, clock, kind, Definitions(db, clock, [kind]), workspace_id)

    def actor(self, *flags: str) -> Actor:
        """Make somebody; one who may do everything if no flags are named."""
        role = Role(uuid4(), "test", "Test", frozenset(Action), {}, frozenset(flags or FLAGS))
        return Actor(self.workspace_id, Principal(PrincipalKind.MEMBER, uuid4(), "Ada Park"), (role,))

    async def publish(self, name: str, text: str = "", **more: Any) -> Any:
        """Publish a card as the admin."""
        options = {key: more.pop(key) for key in ("expected", "note") if key in more}
        body = {"name": name, "label": name.capitalize(), "text": text, **more}
        return await self.definitions.publish(self.admin, "card", body, **options)

    async def names(self, **options: Any) -> list[str]:
        """Give the names of the cards."""
        return [one.name for one in await self.definitions.listed(self.admin, "card", **options)]
