"""Commands as pages show them: checked against what there is, and run."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import structlog
import typer

from metier import __version__, api
from metier.cli import build, main
from metier.settings import Settings
from tests.docs.pages import ROOT

ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
KEPT = ("LANG", "LC_ALL", "SSL_CERT_FILE")  # variables that a shell takes from here


def leaves() -> dict[str, Any]:
    """Give the commands of `metier` that do something, by their words: `records list`."""
    return dict(_leaves(typer.main.get_command(build()), ()))


def _leaves(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    inner: Mapping[str, Any] = getattr(command, "commands", {})
    if not inner:
        yield " ".join(words), command
    for name, one in inner.items():
        yield from _leaves(one, (*words, name))


@cache
def operations() -> dict[str, dict[str, Any]]:
    """Give the API's operations by method and path: `GET /healthz`."""
    document = openapi()
    return {
        f"{method.upper()} {path}": body
        for path, methods in document["paths"].items()
        for method, body in methods.items()
    }


@cache
def openapi() -> dict[str, Any]:
    """Give the API's description."""
    house: Any = SimpleNamespace(version=__version__)  # nothing else is asked of it before a request
    return api.build(house).openapi()


def variables() -> set[str]:
    """Give the environment variables that Metier reads."""
    of_commands = {p.envvar for command in leaves().values() for p in command.params if p.envvar}
    return of_commands | {str(f.validation_alias) for f in Settings.model_fields.values()}


def check(line: str) -> None:
    """Fail unless every program, option and variable of a shown line exists."""
    for words in _simple(shlex.split(line, comments=True)):
        rest = list(words)
        while rest and (found := ASSIGNMENT.fullmatch(rest[0])):
            assert found[1] in variables(), f"no variable {found[1]}: {line}"
            rest.pop(0)
        if rest:
            program, *arguments = rest
            known = {name: one for name, one in CHECKS.items() if program in (name, f".venv/bin/{name}")}
            assert known, f"nobody checks {program!r}: {line}"
            next(iter(known.values()))(arguments)


def _simple(words: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        if word in ("|", "&&", "&"):
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _metier(arguments: Sequence[str]) -> None:
    command: Any = typer.main.get_command(build())
    rest = list(arguments)
    while inner := getattr(command, "commands", None):
        assert rest, f"`metier {' '.join(arguments)}` is no whole command"
        assert rest[0] in inner, f"no command {rest[0]!r}: metier {' '.join(arguments)}"
        command = inner[rest.pop(0)]
    command.make_context("metier", rest)  # refuses what it cannot read


def _python(arguments: Sequence[str]) -> None:
    if arguments[0] == "-m":
        assert find_spec(arguments[1]), arguments[1]


def _make(arguments: Sequence[str]) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for word in arguments:
        assert word in targets or ASSIGNMENT.fullmatch(word), f"make has no {word!r}"


def _curl(arguments: Sequence[str]) -> None:
    sends = any(word in ("-d", "--data", "--json") for word in arguments)
    method = arguments[arguments.index("-X") + 1] if "-X" in arguments else "POST" if sends else "GET"
    (url,) = [word for word in arguments if word.startswith("http")]
    parts = urlsplit(url)
    found = operation_of(method, parts.path)
    assert found, f"no operation {method} {parts.path}"


def _export(arguments: Sequence[str]) -> None:
    for word in arguments:
        found = ASSIGNMENT.fullmatch(word)
        assert found, word
        assert found[1] in variables(), f"no variable {found[1]}"


def _anything(arguments: Sequence[str]) -> None:
    """Not ours."""


def operation_of(method: str, path: str) -> str | None:
    """Find the operation that a request goes to; a path without parameters first."""
    for name in sorted(operations(), key=lambda name: name.count("{")):
        of_method, _, template = name.partition(" ")
        if of_method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return name
    return None


CHECKS: Mapping[str, Callable[[Sequence[str]], None]] = {
    "metier": _metier,
    "python": _python,
    "make": _make,
    "curl": _curl,
    "export": _export,
    "pytest": _anything,
    "pip": _anything,
}


@dataclass
class Shell:
    """Runs shown lines, one after the other, in one folder; `export` holds for the next.

    Attributes:
        replaced: Texts of the page that are others here, such as a port.
        instead: What is done instead of a line that begins so.
    """

    folder: Path
    env: dict[str, str] = field(default_factory=dict[str, str])
    replaced: dict[str, str] = field(default_factory=dict[str, str])
    instead: dict[str, Callable[[], str]] = field(default_factory=dict[str, Callable[[], str]])

    def run(self, line: str) -> str:
        """Run a line and give what it printed."""
        for shown, real in self.replaced.items():
            line = line.replace(shown, real)
        if found := next((act for start, act in self.instead.items() if line.startswith(start)), None):
            return found()
        if line.startswith("export "):
            for word in shlex.split(line)[1:]:
                name, _, value = word.partition("=")
                self.env[name] = value.replace("$PWD", str(self.folder))
            return ""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        return done.stdout

    def _environment(self) -> dict[str, str]:
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return kept | {"PATH": programs, "HOME": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"} | self.env


def run_here(line: str, env: Mapping[str, str]) -> str:
    """Run one `metier …` in this process, which is quicker, and give what it printed."""
    words = shlex.split(line)
    given = dict(env)
    while found := ASSIGNMENT.fullmatch(words[0]):
        given[found[1]] = found[2]
        words.pop(0)
    assert words[0] == "metier", line
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with pytest.MonkeyPatch.context() as patch:
        for name in variables():
            patch.delenv(name, raising=False)
        for name, value in given.items():
            patch.setenv(name, value)
        for name, value in {"argv": words, "stdout": printed, "stderr": printed}.items():
            patch.setattr(sys, name, value)
        with contextlib.suppress(SystemExit):
            main()
    structlog.reset_defaults()
    printed.seek(0)
    return printed.read()
