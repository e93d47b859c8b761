"""The contract of a kind of definition. The room that owns a kind gives one object of it; the roof hands them in."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from metier.actor import Actor
from metier.definitions import rows
from metier.definitions.bodies import Body
from metier.definitions.source import Source, read
from metier.errors import MetierError, NotFound
from metier.store import Transaction


@dataclass(frozen=True)
class Edit:
    """One definition on its way from what is live to what will be.

    Attributes:
        actor: Who changes it; also says in which workspace.
        id: The definition's, the same through all its names.
        name: What it will be called; what it is called, if it goes.
        before: The live body; None for a new one and for one that is archived.
        after: The body that will be live; None if it is archived or purged.
        accept: What the author has agreed to beforehand, in words that the kind asks for, e.g. `convert:city`.
        follows: Whether it only takes over new names of what it refers to: nobody wrote it, so it needs no permission.
        applies: Whether it is part of an app that is applied or removed as a whole.
    """

    actor: Actor
    id: UUID
    kind: str
    name: str
    name_before: str | None
    before: Body | None
    after: Body | None
    accept: frozenset[str] = frozenset()
    purged: bool = False
    follows: bool = False
    applies: bool = False

    @property
    def workspace_id(self) -> UUID:
        """The workspace in which this happens."""
        return self.actor.workspace_id


@dataclass(frozen=True)
class Renames:
    """New names that a change gives to definitions of one kind, and to what is inside them.

    Attributes:
        names: New names of definitions, by the old.
        parts: New names of parts (fields, for objects), by the definition's old name and the part's.
        before: The live bodies of the kind before the change, by name.
    """

    kind: str
    names: Mapping[str, str]
    parts: Mapping[str, Mapping[str, str]]
    before: Mapping[str, Body]

    @property
    def says(self) -> str:
        """The new names in words."""
        told = [f"{old!r} is called {new!r} now." for old, new in self.names.items()]
        told += [
            f"{old!r} of {name!r} is called {new!r} now."
            for name, parts in self.parts.items()
            for old, new in parts.items()
        ]
        return " ".join(told)


class Future:
    """What the workspace will hold if the edits commit. Read it, never change what it gives."""

    def __init__(self, tx: Transaction, workspace_id: UUID, edits: Iterable[Edit]) -> None:
        self._tx = tx
        self._workspace_id = workspace_id
        self._edits = list(edits)

    async def live(self, kind: str) -> Mapping[str, Body]:
        """Give the live bodies of a kind, by name."""
        return await self._bodies(kind, archived=False)

    async def archived(self, kind: str) -> Mapping[str, Body]:
        """Give the last bodies of what is archived, by name."""
        return await self._bodies(kind, archived=True)

    def renamed(self, kind: str) -> Mapping[str, str]:
        """Give the new names of the definitions of a kind that get one, by the old."""
        return {
            edit.name_before: edit.name
            for edit in self._edits
            if edit.kind == kind and edit.after is not None and edit.name_before not in (None, edit.name)
        }

    async def _bodies(self, kind: str, *, archived: bool) -> Mapping[str, Body]:
        stored = await rows.published(self._tx, self._workspace_id, kind)
        edited = {edit.id: edit for edit in self._edits if edit.kind == kind}
        found = {
            row.name: row.body
            for row in stored
            if row.id not in edited and row.body is not None and (row.archived_at is not None) is archived
        }
        return found | {
            edit.name: body
            for edit in edited.values()
            if (body := edit.before if archived else edit.after) is not None
            and (edit.after is None) is archived
            and not edit.purged
        }


class Kind(ABC):
    """A kind of definition.

    Attributes:
        name: Identifier, e.g. `object`.
        label: What people call one, e.g. `object type`; used in messages.
        flag: Permission flag of whoever reads drafts and versions, and changes anything.
        purge_flag: Permission flag of whoever removes one for ever.
        refers_to: Kinds that its bodies name, so that a rename there changes them.
        folder: Where an app keeps files of this kind, e.g. `objects`; empty if an app brings none.
        parts: Key of the list of named parts in a body to which an app may add, e.g. `fields`; empty for none.
        code_types: Types of what an app's code defines of this kind, parts too.
        acts: Whether one acts for people, so that an app that brings one must say by a role what it may do at most.
    """

    name: str
    label: str
    flag: str
    purge_flag: str
    refers_to: frozenset[str] = frozenset()
    folder: str = ""
    parts: str = ""
    code_types: tuple[type, ...] = ()
    acts: bool = False

    def of_code(self, thing: object) -> Body | None:
        """Give the body of what an app's code has defined, or None if it is of another kind."""
        return None

    def part_of_code(self, thing: object) -> tuple[str, Body] | None:
        """Give the definition that code adds a part to, by name, and the part; None if it is something else."""
        return None

    def load(self, source: Source) -> Body:
        """Read a source and give its body in canonical form; looks at nothing but the source (S-24).

        Raises:
            Invalid: Names every place that is wrong; BadManifest with line and column, if it came from a file.
        """
        return read(source, self.form)

    @abstractmethod
    def form(self, raw: Body) -> Body:
        """Check the form of a body and give it in canonical form: the same meaning, the same body.

        The body has the keys `name` (identifier) and `label`, and may have `universal_identifier` (UUID as text).

        Raises:
            Invalid: Names every place that is wrong.
        """

    def unknown(self, name: str, known: Iterable[str]) -> MetierError:
        """Give the error that tells of a definition that there is not."""
        return NotFound(self.label, name[:100], known)

    async def settled(self, edit: Edit, future: Future) -> Body:
        """Give the body of an edit as it is stored, with the own names of what it refers to in this workspace.

        Raises:
            Invalid: It names what is not there.
        """
        assert edit.after is not None
        return edit.after

    async def validate(self, tx: Transaction, edit: Edit, future: Future) -> None:
        """Check an edit against the workspace as it will be; also one that archives.

        Raises:
            Invalid, Conflict: It cannot be.
        """
        return

    async def check_referred(self, edit: Edit, future: Future) -> None:
        """Check what will be live of this kind against an edit of a kind in `refers_to`, its own aside.

        Raises:
            Conflict: Something needs what would go or would not fit any more.
        """
        return

    async def on_publish(self, tx: Transaction, edit: Edit) -> None:
        """Make the new body live, in the transaction that stores the version; also when an archived one comes back."""
        return

    async def on_archive(self, tx: Transaction, edit: Edit) -> None:
        """Take the definition out of sight, so that it can come back."""
        return

    async def on_purge(self, tx: Transaction, edit: Edit) -> None:
        """Remove for ever what an archived definition has left behind; `before` is its last body."""
        return

    def parts_renamed(self, edit: Edit) -> Mapping[str, str]:
        """Give the new names of parts that others may refer to, by the old; for an edit with a body on both sides."""
        return {}

    def renamed(self, body: Body, renames: Renames) -> Body:
        """Give a body that follows the new names of a kind in `refers_to`; the same body if it names none of them."""
        return body
