"""What the store gives back: definitions, their versions and drafts, and the news of a change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from metier.actor import Actor
from metier.definitions.bodies import Body
from metier.definitions.source import Source
from metier.errors import Problem


@dataclass(frozen=True)
class Draft:
    """Work that is not live.

    Attributes:
        body: What it says, or None if it cannot be read.
        problems: Why it cannot be published as it is; empty if it can.
        author: Who saved it, as `Actor.to_json` gives it.
    """

    source: Source
    body: Body | None
    problems: Sequence[Problem]
    author: dict[str, Any]
    saved_at: datetime


@dataclass(frozen=True)
class Definition:
    """One definition as it is now.

    Attributes:
        version: Number of the live version; None if it was never published.
        revision: Raised by every change, of the draft too; send it back as `expected` to change only what you saw.
        body: The live version's; None if it was never published.
        archived_at: Since when it is out of sight; its name stays taken.
        app: Name of the app that it belongs to.
    """

    id: UUID
    kind: str
    name: str
    label: str
    universal_identifier: UUID | None
    version: int | None
    revision: int
    body: Body | None
    draft: Draft | None
    archived_at: datetime | None
    app: str | None
    created_at: datetime
    updated_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Give the definition as clients get it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "label": self.label,
            "universal_identifier": None if self.universal_identifier is None else str(self.universal_identifier),
            "version": self.version,
            "revision": self.revision,
            "body": self.body,
            "draft": None if self.draft is None else _draft_json(self.draft),
            "archived_at": _moment(self.archived_at),
            "app": self.app,
            "created_at": _moment(self.created_at),
            "updated_at": _moment(self.updated_at),
        }


@dataclass(frozen=True)
class Version:
    """One published version.

    Attributes:
        name: What the definition was called then.
        digest: SHA-256 of the canonical body, in hexadecimal.
        author: Who published it, as `Actor.to_json` gives it; None for the house itself.
        note: Why, in the author's words.
        origin: Where it came from besides a person, e.g. `app sales 1.2.0`.
    """

    version: int
    name: str
    body: Body
    source: Source
    digest: str
    author: dict[str, Any] | None
    note: str
    origin: str
    created_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Give the version as clients get it; its bytes are exported separately."""
        return {
            "version": self.version,
            "name": self.name,
            "digest": self.digest,
            "author": self.author,
            "note": self.note,
            "origin": self.origin,
            "created_at": _moment(self.created_at),
        }


class NewsKind(StrEnum):
    """What can happen to a definition."""

    DRAFTED = "drafted"
    PUBLISHED = "published"
    ARCHIVED = "archived"
    RESTORED = "restored"
    PURGED = "purged"


@dataclass(frozen=True)
class News:
    """That a definition changed; told inside the transaction that changes it.

    Attributes:
        name_before: What it was called before, if that is another name.
        version: The live version after the change.
    """

    what: NewsKind
    actor: Actor
    kind: str
    id: UUID
    name: str
    name_before: str | None
    version: int | None
    note: str


def _draft_json(draft: Draft) -> dict[str, Any]:
    return {
        "body": draft.body,
        "problems": [problem.to_json() for problem in draft.problems],
        "author": draft.author,
        "saved_at": _moment(draft.saved_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
