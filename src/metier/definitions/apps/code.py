"""The Python of a trusted app: loaded as a package of its own, and what it defined at the top of its modules.

Only `files` calls this, after it has looked at the operator's list. Nothing of it stays loaded.
"""

import ast
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from metier.definitions.apps.bundle import Coded
from metier.definitions.apps.trust import check_own
from metier.errors import BadManifest, Invalid
from metier.filters.operands import is_list

PACKAGE = "metier_app"  # what the folder is called while it is loaded


def load(folder: Path, names: Sequence[str], takes: tuple[type, ...]) -> list[Coded]:
    """Load an app's modules and give what they define.

    Args:
        names: Files from the folder on, with `/`.
        takes: Types of what an app can define.

    Raises:
        BadManifest: A module cannot be loaded, or defines something wrong; names file and line.
        Conflict: Others on this machine can write the folder or a file.
    """
    for path in (folder, *(folder / name for name in names)):
        check_own(path)
    finder = _Finder(folder, names)
    sys.meta_path.insert(0, finder)
    try:
        return [one for name in names for one in _defined(folder, name, takes)]
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]


class _Loader(SourceFileLoader):
    """Compiles the bytes that are there: reads no compiled file, and leaves none behind."""

    def path_stats(self, path: Any) -> Any:
        raise OSError(path)


class _Finder(MetaPathFinder):
    """Finds an app's modules, so that they find each other: `from .objects import ship`."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._modules = {_dotted(name): folder / name for name in names}
        self._packages = {PACKAGE, *(_dotted(str(parent)) for name in names for parent in Path(name).parents)}

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        """Give the spec of a module or package of the app, or None."""
        if file := self._modules.get(fullname):
            return spec_from_loader(fullname, _Loader(fullname, str(file)))
        return ModuleSpec(fullname, None, is_package=True) if fullname in self._packages else None


def _dotted(name: str) -> str:
    """Give what a file or folder of the app is imported as."""
    parts = [part for part in Path(name.removesuffix(".py")).parts if part != "__init__"]
    return ".".join((PACKAGE, *parts))


def _defined(folder: Path, name: str, takes: tuple[type, ...]) -> Iterator[Coded]:
    module = _module(folder, name)
    lines = _lines((folder / name).read_text())
    for variable, thing in _things(module):
        if isinstance(thing, takes):
            line = lines.get(str(getattr(thing, "name", ""))) or lines.get(variable)
            if line:  # else it comes from another module, where it is found too
                yield Coded(thing, name, line, limits=getattr(thing, "limits_app", False))


def _things(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Give what stands at the top of a module, also in a list or tuple, with the variable's name."""
    for variable, value in vars(module).items():
        if is_list(value):
            yield from ((variable, item) for item in value)
        else:
            yield variable, value


def _module(folder: Path, name: str) -> ModuleType:
    try:
        return import_module(_dotted(name))
    except SyntaxError as error:
        raise BadManifest(
            _inside(folder, error.filename) or name, f"is not Python: {error.msg}", line=error.lineno
        ) from None
    except (Exception, SystemExit) as error:  # whatever code that is not ours raises ends here, told with its line
        raise _failed(folder, name, error) from error


def _failed(folder: Path, name: str, error: BaseException) -> BadManifest:
    ours = [one for one in traceback.extract_tb(error.__traceback__) if _inside(folder, one.filename)]
    file = _inside(folder, ours[-1].filename) or name if ours else name
    line = (ours[-1].lineno if ours else None) or 1
    if isinstance(error, Invalid) and error.problems:
        return BadManifest.at([(file, line, 1, problem) for problem in error.problems])
    return BadManifest(file, f"cannot be loaded: {type(error).__name__}: {error}"[:500], line=line)


def _inside(folder: Path, file: str | None) -> str:
    path = Path(file or "")
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else ""


def _lines(text: str) -> dict[str, int]:
    """Find where things are defined: by the name that `define_…(name="…")` gives, and by variable."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node.lineno for target in targets if isinstance(target, ast.Name)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("define_"):
            found |= {
                str(word.value.value): node.lineno
                for word in node.keywords
                if word.arg == "name" and isinstance(word.value, ast.Constant)
            }
    return found
