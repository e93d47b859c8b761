"""Where each value of a JSON or TOML text stands: `{"fields.1.type": 212}`, offsets of characters by path.

A path is as errors tell it (`metier.errors.below`), so that a key `a.b` is not taken for a key `b` under `a`. Such a
key is found without its quotes too where nothing else goes by that: filters name fields of related records so.

JSON is walked through after it was read, so what comes here is valid. Of TOML the lines that begin a table or a key
are found; a value inside an inline table has the place of the key it stands behind.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import reduce

from metier.errors import below

Places = dict[str, int]

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"")
_MANY_LINES = re.compile(r"\"{3}.*?\"{3}|'{3}.*?'{3}", re.DOTALL)
_TABLE = re.compile(r"\s*(\[\[?)\s*([^\]#]+?)\s*\]")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_KEY = re.compile(rf"\s*((?:{_PART.pattern})(?:\s*\.\s*(?:{_PART.pattern}))*)\s*=")


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Give the line and column of an offset, both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def json_places(text: str) -> Places:
    """Find the place of each value of a valid JSON text."""
    places: Places = {}
    _walk(text, _skip(text, 0), "", places)
    return _unquoted(places) | places


def toml_places(text: str) -> Places:
    """Find the place of each table and key of a valid TOML text."""
    places: Places = {}
    count: Counter[str] = Counter()
    at, table = 0, ""
    for line in _MANY_LINES.sub(_blank, text).splitlines(keepends=True):
        if found := _TABLE.match(line):
            table = _table_path(_keys(found[2]), count, grows=found[1] == "[[")
            places.setdefault(table, at + found.start(1))
        elif found := _KEY.match(line):
            places.setdefault(reduce(below, _keys(found[1]), table), at + found.start(1))
        at += len(line)
    return _unquoted(places) | places


def _unquoted(places: Places) -> Places:
    return {_QUOTED.sub(lambda found: json.loads(found[0]), path): at for path, at in places.items() if '"' in path}


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
        at = _next(text, _walk(text, _skip(text, colon + 1), below(path, key), places))
    return at + 1


def _walk_list(text: str, at: int, path: str, places: Places) -> int:
    at, i = _skip(text, at + 1), 0
    while text[at] != "]":
        at = _next(text, _walk(text, at, below(path, str(i)), places))
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


def _table_path(keys: Sequence[str], count: Counter[str], *, grows: bool) -> str:
    """Give the path of a table, with the numbers of the lists it lies in: `fields.1.options.0`."""
    whole = ""
    for i, key in enumerate(keys):
        whole = below(whole, key)
        if grows and i == len(keys) - 1:
            count[whole] += 1
        if count[whole]:
            whole = f"{whole}.{count[whole] - 1}"
    return whole


def _blank(text: re.Match[str]) -> str:
    """Put nothing in the place of a text over several lines, so that its lines are taken for no keys."""
    return re.sub(r"[^\n]", " ", text.group())


def _keys(dotted: str) -> list[str]:
    """Give the keys of a dotted one; points in quotes part nothing."""
    return [part.strip("\"'") for part in _PART.findall(dotted)]
