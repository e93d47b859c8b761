"""What house.toml says, as questions: may this room import that one, who may use this name?"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FRONT = "metier"  # the room of src/metier/__init__.py


def is_within(name: str, outer: str) -> bool:
    """Say whether a dotted name is `outer` or lies in it."""
    return name == outer or name.startswith(outer + ".")


@dataclass(frozen=True)
class Closed:
    """A room that only the named rooms may import."""

    imported_by: Sequence[str]
    cure: str


@dataclass(frozen=True)
class Door:
    """One power: the names that give it and the modules that may use them."""

    power: str
    names: Sequence[str]
    only: Sequence[str]
    cure: str


@dataclass(frozen=True)
class Plan:
    """The whole of house.toml."""

    floors: Mapping[str, int]
    left_of: Mapping[str, frozenset[str]]
    closed: Mapping[str, Closed]
    doors: Sequence[Door]
    instances: frozenset[str]
    folders: Sequence[str]
    path_exceptions: frozenset[str]
    external: Sequence[str]

    def may_import(self, room: str, other: str) -> bool:
        """Say whether `room` may import `other` by the floors alone."""
        if other == FRONT or room == other:
            return True  # held by `closed`
        if room == FRONT:
            return self.floors[other] <= self.floors["app"]
        return self.floors[other] < self.floors[room] or other in self.left_of[room]


def read(path: Path) -> Plan:
    """Read house.toml."""
    page: dict[str, Any] = tomllib.loads(path.read_text())
    floors: dict[str, int] = {}
    left_of: dict[str, frozenset[str]] = {}
    for level, floor in enumerate(page["floor"]):
        for chain in floor["chains"]:
            for place, room in enumerate(chain):
                floors[room] = level
                left_of[room] = left_of.get(room, frozenset()) | frozenset(chain[:place])
    return Plan(
        floors=floors,
        left_of=left_of,
        closed={room: Closed(**rule) for room, rule in page["closed"].items()},
        doors=[Door(**door) for door in page["door"]],
        instances=frozenset(page["instances"]["allowed"]),
        folders=page["paths"]["folders"],
        path_exceptions=frozenset(page["paths"]["allowed"]),
        external=page["external"]["allowed"],
    )
