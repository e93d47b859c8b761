"""What people author, of every kind, in one versioned store: draft, publish, diff, roll back, archive.

source (bytes) → the kind's `load` → body (canonical JSON) → `validate` → version row + the kind's `on_publish`: one
transaction. A kind (object, role, agent …) is given by the room that owns it; what this room knows of it is `Kind`.
"""

from metier.definitions.bodies import Body, canonical, render
from metier.definitions.change import NEW, Change, Listener
from metier.definitions.diff import Diff, Difference
from metier.definitions.door import CHANNEL, Definitions
from metier.definitions.kind import Edit, Future, Kind, Renames
from metier.definitions.source import Format, Source
from metier.definitions.values import Definition, Draft, News, NewsKind, Version

__all__ = [
    "CHANNEL",
    "NEW",
    "Body",
    "Change",
    "Definition",
    "Definitions",
    "Diff",
    "Difference",
    "Draft",
    "Edit",
    "Format",
    "Future",
    "Kind",
    "Listener",
    "News",
    "NewsKind",
    "Renames",
    "Source",
    "Version",
    "canonical",
    "render",
]
