"""What differs between two bodies: place by place, and as the lines of a text."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from metier.definitions.bodies import Body, canonical
from metier.definitions.source import Format, Source
from metier.errors import below
from metier.filters.operands import is_list, is_object

_KEYS = ("name", "value")  # what tells the items of a list apart, so that a moved one is no other


@dataclass(frozen=True)
class Difference:
    """One place at which two bodies differ.

    Attributes:
        path: Dotted; an item of a list by its name: `fields.city.label`.
        what: `moved` is for an item of a list that is the same at another place.
        before, after: JSON values; None on the side where there is nothing.
    """

    path: str
    what: Literal["added", "removed", "changed", "moved"]
    before: Any = None
    after: Any = None

    def to_json(self) -> dict[str, Any]:
        """Give the difference as clients get it."""
        return {"path": self.path, "what": self.what, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Side:
    """One side of a comparison; body and source are None for nothing at all."""

    name: str
    body: Body | None
    source: Source | None


@dataclass(frozen=True)
class Diff:
    """What differs between two versions.

    Attributes:
        text: A unified diff of the sources, empty if they are the same.
    """

    before: str
    after: str
    differences: Sequence[Difference]
    text: str

    def to_json(self) -> dict[str, Any]:
        """Give the diff as clients get it."""
        return {
            "before": self.before,
            "after": self.after,
            "differences": [one.to_json() for one in self.differences],
            "text": self.text,
        }


def compare(before: Body | None, after: Body | None) -> list[Difference]:
    """Give the differences between two bodies, in the order of their keys; None is nothing at all."""
    return list(_objects(before or {}, after or {}, ""))


def compare_text(before: Source | None, after: Source | None, names: tuple[str, str]) -> str:
    """Give a unified diff of two sources; empty if they are the same."""
    old, new = ([] if one is None else one.text.splitlines() for one in (before, after))
    return "\n".join(difflib.unified_diff(old, new, names[0], names[1], lineterm=""))


def text_of(side: Side, other: Side) -> Source | None:
    """Give what a text diff compares: the source, or of JSON, whose form says nothing, the body written anew."""
    both = [one.source.format for one in (side, other) if one.source is not None]
    return Source.of(side.body) if side.body is not None and Format.JSON in both else side.source


def _values(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if is_object(before) and is_object(after):
        yield from _objects(before, after, path)
    elif is_list(before) and is_list(after) and (key := _key_of(before, after)):
        yield from _lists(_by(before, key), _by(after, key), path)
    elif canonical({"": before}) != canonical({"": after}):  # 1 and true are equal in Python
        yield Difference(path, "changed", before, after)


def _objects(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Difference]:
    for key in [*before, *(key for key in after if key not in before)]:
        place = below(path, key)
        if key not in after:
            yield Difference(place, "removed", before=before[key])
        elif key not in before:
            yield Difference(place, "added", after=after[key])
        else:
            yield from _values(before[key], after[key], place)


def _lists(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[Difference]:
    yield from _objects(before, after, path)
    order = [[name for name in side if name in other] for side, other in ((before, after), (after, before))]
    for name in _moved(*order):
        yield Difference(below(path, name), "moved", order[0].index(name), order[1].index(name))


def _moved(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Give the names that have to be moved to come from one order to the other: all but the longest common run."""
    kept = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    staying = {name for block in kept for name in before[block.a : block.a + block.size]}
    return [name for name in after if name not in staying]


def _key_of(*lists: Sequence[Any]) -> str | None:
    """Give the key that names each item of the lists, if one does."""
    return next((key for key in _KEYS if all(_names_all(items, key) for items in lists)), None)


def _names_all(items: Sequence[Any], key: str) -> bool:
    names = [item.get(key) if is_object(item) else None for item in items]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _by(items: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    return {item[key]: item for item in items}
