"""A named collection whose names compare loosely (`web_research` and `web-research` are one), and the shelf."""

import importlib
import pkgutil
import unicodedata
from collections.abc import Iterator
from importlib.metadata import entry_points
from types import ModuleType
from typing import Generic, TypeVar

from metier.errors import DuplicateName, NotFound

T = TypeVar("T")


def fold_name(name: str) -> str:
    """Give the form under which names compare: NFKC, case folded, `_` as `-`."""
    return unicodedata.normalize("NFKC", name).casefold().replace("_", "-")


class Registry(Generic[T]):
    """Things of one kind by name, in the order they came.

    Args:
        what: The kind as a person says it, e.g. `tool`; used in errors.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._things: dict[str, tuple[str, T]] = {}

    def add(self, name: str, thing: T) -> None:
        """Add a thing.

        Raises:
            DuplicateName: A thing with the same folded name is there already.
        """
        key = fold_name(name)
        if key in self._things:
            raise DuplicateName(self._what, self._things[key][0], name)
        self._things[key] = (name, thing)

    def get(self, name: str) -> T:
        """Give the thing of this name.

        Raises:
            NotFound: There is none; suggests the nearest name.
        """
        found = self._things.get(fold_name(name))
        if found is None:
            raise NotFound(self._what, name, self.names())
        return found[1]

    def find(self, name: str) -> T | None:
        """Give the thing of this name, or None."""
        found = self._things.get(fold_name(name))
        return found[1] if found else None

    def names(self) -> list[str]:
        """Give the names as they were written."""
        return [name for name, _ in self._things.values()]

    def __iter__(self) -> Iterator[T]:
        return iter([thing for _, thing in self._things.values()])

    def __len__(self) -> int:
        return len(self._things)

    def __contains__(self, name: str) -> bool:
        return fold_name(name) in self._things


def shelf(room: str) -> list[ModuleType]:
    """Import the goods of one room: every module in `metier.builtin.<room>` and every installed package's own.

    A third-party package joins through an entry point of group `metier` that is named like the room
    (`[project.entry-points.metier] tools = "acme_tools"`).

    Returns:
        Modules ordered by name, ours first.
    """
    package = importlib.import_module(f"metier.builtin.{room}")
    ours = [importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__)]
    theirs = [point.load() for point in entry_points(group="metier", name=room)]
    return sorted(ours, key=_module_name) + sorted(theirs, key=_module_name)


def _module_name(module: ModuleType) -> str:
    return module.__name__
