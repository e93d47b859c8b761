"""Holds src/metier to the plan of the house: floors, doors, no cycles, nothing alive at import, nothing from elsewhere.

Each rule is a function from source to complaints, so that the second half can show that it complains.
A complaint reads `file:line: what. Cure: how.`
"""

import re
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.house import plan as planning
from tests.house import source
from tests.house.plan import FRONT, Plan, is_within
from tests.house.source import Module

ROOT = Path(__file__).parents[2]
PLAN = planning.read(Path(__file__).with_name("house.toml"))
HOUSE = source.read(ROOT / "src" / "metier")


# --- rules -----------------------------------------------------------------------------------------------------------


def homeless(modules: Mapping[str, Module], plan: Plan) -> Iterator[str]:
    """Every room has a floor."""
    for module in modules.values():
        if module.room != FRONT and module.room not in plan.floors:
            yield f"{module.path}:1: room {module.room!r} has no floor. Cure: give it one in tests/house/house.toml."


def floor_breaks(modules: Mapping[str, Module], plan: Plan) -> Iterator[str]:
    """Imports go down, or sideways from right to left."""
    for module in modules.values():
        for target in source.edges(module, modules):
            room, other = module.room, modules[target.name].room
            if room == other or not {room, other} <= {FRONT, *plan.floors}:
                continue
            at = f"{module.path}:{target.line}: {room!r} imports {other!r}"
            closed = plan.closed.get(other)
            if closed and room not in closed.imported_by:
                yield f"{at}, which it may not. Cure: {closed.cure}."
            elif not closed and not plan.may_import(room, other):
                yield (
                    f"{at}, which is neither below it nor to its left. Cure: move what both need down, "
                    "or let app.py hand in a listener."
                )


def door_breaks(modules: Mapping[str, Module], plan: Plan) -> Iterator[str]:
    """Each power is used by its door only."""
    for module in modules.values():
        for place in module.uses:
            for door in plan.doors:
                if any(is_within(place.name, name) for name in door.names) and not any(
                    is_within(module.name, home) for home in door.only
                ):
                    yield f"{module.path}:{place.line}: uses {place.name} ({door.power}). Cure: {door.cure}."


def import_cycles(modules: Mapping[str, Module]) -> Iterator[str]:
    """No import cycles, function-level imports counted."""
    for cycle in source.cycles(modules):
        walk = " → ".join([cycle[-1].name, *(place.name for place in cycle)])
        first = modules[cycle[-1].name]
        yield f"{first.path}:{cycle[0].line}: import cycle {walk}. Cure: move what both need into a module below."


def living_instances(modules: Mapping[str, Module], plan: Plan) -> Iterator[str]:
    """Nothing exists at import time."""
    for module in modules.values():
        for place in source.instances(module, modules):
            if place.name not in plan.instances:
                yield (
                    f"{module.path}:{place.line}: {place.name} is made when the module is imported. Cure: make it in "
                    "app.py and hand it in; for a constant freeze the class, or list it in house.toml, [instances]."
                )


def machine_paths(files: Mapping[str, str], plan: Plan) -> Iterator[str]:
    """No file names a folder of one machine."""
    folder = re.compile(r"(?<![\w.})\]*~-])/(?:" + "|".join(plan.folders) + ")/")
    for path, text in files.items():
        if path not in plan.path_exceptions:
            for line, found in _matches(folder, text):
                yield (
                    f"{path}:{line}: names {found!r}, a path of one machine. Cure: take it from settings, the system "
                    "or pytest's tmp_path; or list the file in house.toml, [paths]."
                )


def external_urls(files: Mapping[str, str], plan: Plan) -> Iterator[str]:
    """Pages load nothing from elsewhere."""
    url = re.compile(r"""\bhttps?://[^\s"'`<>)]*|(?<=["'(])//[\w-]+\.[^\s"'`<>)]*""")
    for path, text in files.items():
        for line, found in _matches(url, _without_comments(path, text)):
            if not found.startswith(tuple(plan.external)):
                yield f"{path}:{line}: names {found}, outside this server. Cure: bundle it, or link from Python code."


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        for match in pattern.finditer(line):
            yield number, match.group()


def _without_comments(path: str, text: str) -> str:
    """Blank out comments, keeping the lines."""
    comments = {
        ".html": r"\{#.*?#\}|<!--.*?-->",
        ".css": r"/\*.*?\*/",
        ".ts": r"/\*.*?\*/|(?<![:\"'`])//[^\n]*",
    }
    pattern = comments.get(Path(path).suffix)
    return re.sub(pattern, lambda m: "\n" * m.group().count("\n"), text, flags=re.DOTALL) if pattern else text


def tracked_files() -> dict[str, str]:
    """Read all text files that are, or could be, in version control. Shape: `{"src/metier/app.py": "..."}`."""
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    listed = asked.stdout.decode().split("\0") if asked.returncode == 0 else _unpacked_files()
    texts: dict[str, str] = {}
    for name in filter(None, listed):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content[:8000]:
            texts[name] = content.decode(errors="replace")
    return texts


def _unpacked_files() -> Iterator[str]:
    """List the files of a source archive, where git knows nothing."""
    for folder in ("src", "tests", "frontend/src", "docs", "bench", "requirements"):
        for path in (ROOT / folder).rglob("*"):
            if not {"node_modules", "__pycache__", "dist"} & set(path.parts):
                yield path.relative_to(ROOT).as_posix()


def _page_sources() -> dict[str, str]:
    places = {"src/metier/web/templates/": "", "src/metier/web/static/css/": ".css", "frontend/src/": ".ts"}
    return {
        path: text
        for path, text in tracked_files().items()
        if any(path.startswith(folder) and path.endswith(suffix) for folder, suffix in places.items())
    }


def _none(complaints: Iterable[str]) -> None:
    found = list(complaints)
    assert not found, "\n" + "\n".join(found)


# --- the house keeps the rules ---------------------------------------------------------------------------------------


def test_every_room_has_a_floor():
    _none(homeless(HOUSE, PLAN))


def test_imports_go_down_or_to_the_left():
    _none(floor_breaks(HOUSE, PLAN))


def test_each_power_has_one_door():
    _none(door_breaks(HOUSE, PLAN))


def test_no_import_cycles():
    _none(import_cycles(HOUSE))


def test_nothing_exists_at_import_time():
    _none(living_instances(HOUSE, PLAN))


def test_no_file_names_a_path_of_one_machine():
    _none(machine_paths(tracked_files(), PLAN))


def test_pages_load_nothing_from_elsewhere():
    _none(external_urls(_page_sources(), PLAN))


def test_ruff_bans_the_same_names_as_the_doors():
    """So that an editor says at once what this suite says later."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    banned = config["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    ours = {name: door.cure for door in PLAN.doors for name in door.names if not name.startswith("builtins.")}
    assert {name: entry["msg"] for name, entry in banned.items()} == ours


# --- the rules see what they are meant to see ------------------------------------------------------------------------


def house(**texts: str) -> dict[str, Module]:
    """Build a small house: `records__read="import os"` is src/metier/records/read.py."""
    modules: dict[str, Module] = {}
    for key, text in texts.items():
        name = "metier" if key == "metier" else f"metier.{key.replace('__', '.')}"
        modules[name] = Module(name, f"src/{name.replace('.', '/')}.py", text)
    return modules


def test_an_import_upward_is_found_inside_a_function_too():
    rooms = house(chat="", records="def read():\n    from metier.chat import ask\n")

    (complaint,) = floor_breaks(rooms, PLAN)

    assert complaint.startswith("src/metier/records.py:2: 'records' imports 'chat'")


def test_sideways_only_to_the_left_of_a_chain():
    rooms = house(definitions="import metier.access", access="import metier.definitions", egress="import metier.store")

    complaints = list(floor_breaks(rooms | house(store=""), PLAN))

    assert [line.split(":")[0] for line in complaints] == ["src/metier/definitions.py", "src/metier/egress.py"]


def test_nobody_imports_the_shelf():
    assert list(floor_breaks(house(builtin="", app="from metier import builtin"), PLAN))


def test_a_room_without_floor_is_found():
    assert list(homeless(house(helpers=""), PLAN))


def test_a_power_is_found_under_each_spelling():
    spellings = [
        "import time\ntime.sleep(1)",
        "import time as t\nt.sleep(1)",
        "from time import sleep",
        "from datetime import datetime as d\nd.now()",
        "import os\nos.environ['A']",
        "import aiohttp.web",
        "def later():\n    from psycopg.rows import dict_row",
        "exec('1')",
        "import asyncio\nasync def f(): await asyncio.sleep(0)",
    ]
    assert [text for text in spellings if not list(door_breaks(house(chat=text), PLAN))] == []


def test_a_door_may_use_its_power_and_others_may_use_harmless_neighbours():
    rooms = house(clock="import time\ntime.sleep(1)", chat="import time, uuid\ntime.monotonic()\nuuid.UUID(int=1)")

    assert list(door_breaks(rooms, PLAN)) == []


def test_a_cycle_is_found():
    rooms = house(tools__a="from metier.tools.b import x", tools__b="def f():\n    import metier.tools.a")

    (complaint,) = import_cycles(rooms)

    assert "metier.tools.a → metier.tools.b → metier.tools.a" in complaint


def test_relative_imports_count():
    package = Module("metier.tools", "src/metier/tools/__init__.py", "from .tool import Tool", is_package=True)
    module = Module("metier.tools.tool", "src/metier/tools/tool.py", "from . import Tool")

    assert list(import_cycles({package.name: package, module.name: module}))


def test_a_living_instance_is_found_and_a_constant_is_not():
    rooms = house(
        chat="from metier.store import Database\ndatabase = Database()",
        store="class Database: ...",
        runs="from metier.access import Free, LIMIT\nFREE = Free()",
        access="@dataclass(frozen=True)\nclass Free: ...\nLIMIT = Free()",
    )
    (complaint,) = living_instances(rooms, PLAN)

    assert complaint.startswith("src/metier/chat.py:2: metier.chat:database")


def test_a_machine_path_is_found_and_a_url_path_is_not():
    path = "/".join(["", "work", "main"])

    assert list(machine_paths({"a.py": f"open('{path}')"}, PLAN))
    assert not list(machine_paths({"a.py": f"x = base.example{path}; y = src{path}"}, PLAN))


def test_an_external_url_is_found_outside_comments():
    cdn = "<script src='https://cdn.example/x.js'></script>"

    assert list(external_urls({"a.html": cdn}, PLAN))
    assert list(external_urls({"a.css": "@import '//cdn.example/a.css';"}, PLAN))
    assert not list(external_urls({"a.html": f"{{# {cdn} #}}", "a.ts": "x(); // https://a.example"}, PLAN))
    assert not list(external_urls({"a.ts": "createElementNS('http://www.w3.org/2000/svg', 'g')"}, PLAN))
