"""Where each value of a JSON or TOML text stands: `{"fields.1.type": 212}`, offsets of characters.

JSON is walked through after it was read, so what comes here is valid. Of TOML the lines that begin a table or a key
are found; a value inside an inline table has the place of the key it stands behind.
"""

import json
import re
from collections import Counter

Places = dict[str, int]

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_MANY_LINES = re.compile(r"\"{3}.*?\"{3}|'{3}.*?'{3}", re.DOTALL)
_TABLE = re.compile(r"\s*(\[\[?)\s*([^\]#]+?)\s*\]")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Give the line and column of an offset, both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def json_places(text: str) -> Places:
    """Find the place of each value of a valid JSON text."""
    places: Places = {}
    _walk(text, _skip(text, 0), "", places)
    return places


def toml_places(text: str) -> Places:
    """Find the place of each table and key of a valid TOML text."""
    places: Places = {}
    count: Counter[str] = Counter()
    at, table = 0, ""
    for line in _MANY_LINES.sub(_blank, text).splitlines(keepends=True):
        if found := _TABLE.match(line):
            table = _table_path(_dotted(found[2]), count, grows=found[1] == "[[")
            places.setdefault(table, at + found.start(1))
        elif found := _KEY.match(line):
            path = _dotted(found[1])
            places.setdefault(f"{table}.{path}" if table else path, at + found.start(1))
        at += len(line)
    return places


def _walk(text: str, at: int, path: str, places: Places) -> int:
    """Note the value that begins at `at`, and all in it; give where it ends."""
    places[path] = at
    if text[at] == "{":
        return _walk_object(text, at, path, places)
    if text[at] == "[":
        return _walk_list(text, at, path, places)
    if text[at] == '"':
        return _string(text, at)[1]
    scalar = _SCALAR.match(text, at)
    return scalar.end() if scalar else len(text)


def _walk_object(text: str, at: int, path: str, places: Places) -> int:
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, end = _string(text, at)
        colon = _skip(text, end)
        at = _next(text, _walk(text, _skip(text, colon + 1), f"{path}.{key}" if path else key, places))
    return at + 1


def _walk_list(text: str, at: int, path: str, places: Places) -> int:
    at, i = _skip(text, at + 1), 0
    while text[at] != "]":
        at = _next(text, _walk(text, at, f"{path}.{i}" if path else str(i), places))
        i += 1
    return at + 1


def _next(text: str, at: int) -> int:
    """Pass over a comma, if there is one."""
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _string(text: str, at: int) -> tuple[str, int]:
    value, end = json.JSONDecoder().raw_decode(text, at)
    return value, end


def _table_path(path: str, count: Counter[str], *, grows: bool) -> str:
    """Give the path of a table, with the numbers of the lists it lies in: `fields.1.options.0`."""
    parts = path.split(".")
    whole = ""
    for i, part in enumerate(parts):
        whole = f"{whole}.{part}" if whole else part
        if grows and i == len(parts) - 1:
            count[whole] += 1
        if count[whole]:
            whole = f"{whole}.{count[whole] - 1}"
    return whole


def _blank(text: re.Match[str]) -> str:
    """Put nothing in the place of a text over several lines, so that its lines are taken for no keys."""
    return re.sub(r"[^\n]", " ", text.group())


def _dotted(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
