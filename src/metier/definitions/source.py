"""A definition as somebody wrote it: bytes that are kept, read as JSON or TOML, with the place of each value.

What is wrong with a value is told at its line and column, if the text came from a file (S-48).
"""

import json
import tomllib
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from metier.definitions.bodies import LARGEST, Body, check_json, render
from metier.definitions.places import Places, json_places, line_and_column, toml_places
from metier.errors import BadManifest, Invalid, Problem


class Format(StrEnum):
    """How a source is written; also the ending of its file's name."""

    JSON = "json"
    TOML = "toml"


@dataclass(frozen=True)
class Source:
    """The bytes of a definition.

    Attributes:
        data: As they were given, at most 1 MB; kept and given back byte for byte.
        file: Where they come from, for messages, e.g. `objects/ship.toml`; empty for what a program sent.
        line: Where in a file of code it is defined; None if the bytes are the file's own.
    """

    data: bytes
    format: Format = Format.JSON
    file: str = ""
    line: int | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Source":
        """Write a body that came without bytes of its own."""
        return cls(render(body))

    @classmethod
    def named(cls, file: str, data: bytes) -> "Source":
        """Take a file; its name's ending says how it is written.

        Raises:
            Invalid: The ending is none that is known.
        """
        ending = PurePath(file).suffix.removeprefix(".").lower()
        if ending not in set(Format):
            known = tuple(f".{one.value}" for one in Format)
            raise Invalid.of([Problem(file, f"must end in {' or '.join(known)}", allowed=known)], what="The file")
        return cls(data, Format(ending), file)

    @property
    def text(self) -> str:
        """The source as text, for people."""
        return self.data.decode(errors="replace")

    @property
    def is_rendered(self) -> bool:
        """Whether `of` made it, or nobody could tell: there is nothing in it but the body."""
        return self.format is Format.JSON and self.data == render(json.loads(self.data))


Form = Callable[[Body], Body]


def read(source: Source, form: Form) -> Body:
    """Read a source and give its body in the form of its kind.

    Args:
        form: The kind's own check: gives the body in its canonical form or raises Invalid naming every place.

    Raises:
        BadManifest: It cannot be read, or does not have the form; names line and column. Only for what has a file.
        Invalid: The same for what a program sent.
    """
    raw = parse(source)
    with telling(source):
        return check_json(form(check_json(raw)))


def parse(source: Source) -> Any:
    """Read a source and give what stands in it, whatever that is.

    Raises:
        BadManifest: It cannot be read; names line and column. Invalid for what a program sent.
    """
    return _parse(source, _text(source))


@contextmanager
def telling(source: Source | None) -> Generator[None]:
    """Tell what is wrong at its line and column, if it came from a file that can be read.

    Raises:
        BadManifest: In place of an Invalid that names places.
    """
    try:
        yield
    except BadManifest:
        raise
    except Invalid as error:
        if source is None or not source.file or not error.problems:
            raise
        raise _located(source, _text(source), error.problems) from None


def _text(source: Source) -> str:
    if len(source.data) > LARGEST:
        raise _unreadable(source, f"has {len(source.data):,} bytes; at most {LARGEST:,}")
    try:
        return source.data.decode()
    except UnicodeDecodeError as error:
        raise _unreadable(source, f"is not UTF-8 at byte {error.start}") from None


def _parse(source: Source, text: str) -> Any:
    try:
        if source.format is Format.TOML:
            return tomllib.loads(text)
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _unreadable(source, f"is not JSON: {error.msg}", (error.lineno, error.colno)) from None
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(source, f"is not TOML: {error}") from None
    except _Twice as error:
        raise _unreadable(source, str(error)) from None
    except (ValueError, RecursionError):  # a number of thousands of digits; brackets without end
        raise _unreadable(source, f"is not {source.format.value.upper()} that can be read") from None


class _Twice(Exception):
    """A key that an object has twice, which JSON parsers pass over."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(f"has the key {next(key for key in keys if keys.count(key) > 1)!r} twice in one object")
    return found


def _no_constant(name: str) -> float:
    raise _Twice(f"holds {name}, which is not JSON")


def _unreadable(source: Source, problem: str, at: tuple[int, int] | None = None) -> Invalid:
    if not source.file:
        where = f" (line {at[0]}, column {at[1]})" if at else ""
        return Invalid.of([Problem("", problem + where)], what="The definition")
    line, column = at or (None, None)
    return BadManifest(source.file, problem, line=line, column=column)


def _located(source: Source, text: str, problems: Sequence[Problem]) -> BadManifest:
    if source.line is not None:
        return BadManifest.at([(source.file, source.line, 1, one) for one in problems])
    try:
        places = toml_places(text) if source.format is Format.TOML else json_places(text)
    except RecursionError:  # what is too deep to be allowed may be too deep to be walked
        places = {}
    return BadManifest.at([(source.file, *_place(text, places, one.path), one) for one in problems])


def _place(text: str, places: Places, path: str) -> tuple[int, int]:
    """Give line and column of the value at `path`, or of the nearest one around it."""
    while path and path not in places:
        path = path.rpartition(".")[0]
    return line_and_column(text, places.get(path, 0))
