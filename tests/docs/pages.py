"""Reading the pages under docs: sections, tables, blocks and commands; and comparing what they show with what is.

`…` in an example stands for anything, and a word in capitals in JSON for an id that comes again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
GUIDES = DOCS / "guides"
ANY = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block. `lang` is what stands after the fence."""

    lang: str
    text: str


@dataclass(frozen=True)
class Command:
    """A line of a console block, and what is shown below it."""

    line: str
    output: str


def blocks(text: str, *langs: str) -> list[Block]:
    """Give the blocks of these languages, or all, in order."""
    found = [Block(lang, body) for lang, body in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)]
    return [block for block in found if not langs or block.lang in langs]


def sections(text: str, level: int) -> dict[str, str]:
    """Give what stands under each heading of a level, without code's marks in the heading."""
    parts = re.split(rf"^{'#' * level} (.+)$", text, flags=re.MULTILINE)
    return {title.replace("`", ""): _cut(body, level) for title, body in zip(parts[1::2], parts[2::2], strict=True)}


def _cut(body: str, level: int) -> str:
    higher = re.search(rf"^#{{1,{level - 1}}} ", body, re.MULTILINE) if level > 1 else None
    return body[: higher.start()] if higher else body


def rows(text: str) -> list[list[str]]:
    """Give the cells of all tables' rows, heads left out."""
    lines = text.splitlines()
    heads = {i - 1 for i, line in enumerate(lines) if re.fullmatch(r"\|( -+ \|)+", line)}
    kept = [line for i, line in enumerate(lines) if line.startswith("|") and i not in heads and i - 1 not in heads]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in kept]


def names(text: str) -> list[str]:
    """Give the first cells of all tables' rows, without code's marks."""
    return [cells[0].strip("`") for cells in rows(text)]


def commands(text: str) -> list[Command]:
    """Give the commands of the console blocks."""
    return [command for block in blocks(text, "console") for command in _commands(block.text)]


def _commands(block: str) -> Iterator[Command]:
    block = re.sub(r"\\\n\s*", "", block)
    if not block.startswith("$ "):
        yield from (Command(line, "") for line in block.splitlines() if line.strip())
        return
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        yield Command(line, output)


def fits(shown: str, given: str) -> bool:
    """Say whether a text is as shown; runs of spaces are one, `…` alone on a line is any lines."""
    pattern = [r"(?s:.*)" if line == ANY else r"[^\n]*".join(map(re.escape, line.split(ANY))) for line in _lines(shown)]
    return re.fullmatch("\n".join(pattern), "\n".join(_lines(given))) is not None


def _lines(text: str) -> list[str]:
    return [re.sub(r" +", " ", line).strip() for line in text.strip().splitlines()]


def check_json(shown: Any, given: Any, ids: dict[str, str], place: str = "answer") -> None:
    """Fail unless a JSON value is as shown; learns the ids that stand for words in capitals."""
    match shown:
        case "…":
            return
        case str() if shown.isalpha() and shown.isupper():
            assert ids.setdefault(shown, given) == given, place
        case str() if ANY in shown:
            assert isinstance(given, str), place
            assert fits(shown, given), f"{place}: {given!r}"
        case dict():
            assert isinstance(given, dict), place
            missing = shown.keys() - given.keys() - {ANY}
            strays = set() if ANY in shown else given.keys() - shown.keys()
            assert not missing, f"{place} has no {missing}"
            assert not strays, f"{place} has {strays} too"
            for key in shown.keys() - {ANY}:
                check_json(shown[key], given[key], ids, f"{place}.{key}")
        case list():
            assert isinstance(given, list), place
            wanted = shown[:-1] if shown[-1:] == [ANY] else shown
            assert len(wanted) == len(given) or (len(wanted) < len(given) and wanted != shown), f"{place}: {given!r}"
            for i, (one, other) in enumerate(zip(wanted, given, strict=False)):
                check_json(one, other, ids, f"{place}.{i}")
        case _:
            assert shown == given, place
