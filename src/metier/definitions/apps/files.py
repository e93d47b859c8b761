"""An app's files: of a folder on this machine, or sent by a client. Regular files alone, and not too many."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from metier.definitions.apps.bundle import MANIFEST, Bundle, Coded, bundle
from metier.definitions.apps.code import load
from metier.definitions.apps.trust import Trust
from metier.definitions.bodies import LARGEST
from metier.definitions.kind import Kind
from metier.errors import Conflict, Invalid, Problem

MOST_FILES = 1_000
MOST_BYTES = 10_000_000  # of all files together

_ENDINGS = (".toml", ".json", ".py")
_PASSED_OVER = ("__pycache__", "node_modules", "tests")


def read_folder(folder: Path, kinds: Sequence[Kind], trust: Trust) -> Bundle:
    """Read an app from a folder. Its Python is loaded if the folder is trusted.

    Raises:
        Invalid, BadManifest: It is no app, or something in it is wrong; names file, line, column.
        Conflict: It has Python, and the folder is not trusted; or others can write it.
    """
    if not (folder / MANIFEST).is_file():
        cure = f'Make an app of it: put {MANIFEST} there, with name = "fleet" and version = "1.0.0".'
        raise Invalid.of([Problem(str(folder), f"has no {MANIFEST}")], what="The app", cure=cure)
    files = dict(_files(folder))
    names = [name for name in files if name.endswith(".py")]
    takes = tuple(kind for one in kinds for kind in one.code_types)
    return bundle(files, _code(folder, names, trust, takes), kinds)


def read_uploaded(files: Mapping[str, str], kinds: Sequence[Kind]) -> Bundle:
    """Read an app from texts that a client has sent, by path from the app's folder. None of it is run.

    Raises:
        Invalid, BadManifest: It is no app, or something in it is wrong; code is.
    """
    problems = [problem for path in files if (problem := _path_problem(path))]
    if problems:
        raise Invalid.of(problems, what="The app")
    return bundle({path: text.encode(errors="surrogatepass") for path, text in files.items()}, (), kinds)


def _path_problem(path: str) -> Problem | None:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or not path.isprintable() or len(path) > 200:
        shown = path[:100].encode(errors="replace").decode()  # half of a character can stand in no answer
        return Problem(f"files.{shown}", "must be a path within the app, such as objects/ship.toml")
    if path.endswith(".py"):
        told = "is code, which is loaded from a trusted folder alone, by the operator: metier app apply DIR"
        return Problem(f"files.{path}", told)
    return None


def _code(folder: Path, names: Sequence[str], trust: Trust, takes: tuple[type, ...]) -> list[Coded]:
    if not names:
        return []
    if not trust.holds(folder):
        cure = f"If you trust all that is in it: metier app trust {folder}. Else take the Python out."
        raise Conflict(f"{folder} has Python ({', '.join(names[:5])}) and is not a trusted folder.", cure=cure)
    return load(folder.resolve(), names, takes)


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    count = size = 0
    for path in sorted(_walk(folder)):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            raise Invalid.of([Problem(name, "is no regular file; links are not followed")], what="The app")
        count, size = count + 1, size + path.stat().st_size
        if count > MOST_FILES or size > MOST_BYTES or path.stat().st_size > LARGEST:
            told = f"is too much: at most {MOST_FILES:,} files of {LARGEST:,} bytes, and {MOST_BYTES:,} bytes in all"
            raise Invalid.of([Problem(name, told)], what="The app")
        yield name, path.read_bytes()


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in _PASSED_OVER:
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        elif path.name.endswith(_ENDINGS) or path.is_dir():
            yield path
