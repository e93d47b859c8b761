"""What the commands print: results to standard output, everything else to standard error."""

import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from metier.errors import MetierError

WIDEST = 40  # characters of a cell where the rows would not fit the terminal
DIM, RED = "\x1b[2m", "\x1b[31m"


def say(text: str) -> None:
    """Print a line of the result."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def say_bytes(data: bytes) -> None:
    """Print a result byte for byte."""
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def say_part(text: str) -> None:
    """Print a piece of the result."""
    sys.stdout.write(text)
    sys.stdout.flush()


def say_json(value: Any) -> None:  # Any: any JSON value
    """Print a result as one line of JSON."""
    import orjson

    say(orjson.dumps(value).decode())


def say_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns. Long cells are cut where a terminal is too narrow; a file or program gets them whole."""
    cells = [[" ".join(cell.split()) for cell in row] for row in [titles, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(titles))]
    if sys.stdout.isatty() and sum(widths) + 2 * len(widths) > shutil.get_terminal_size().columns:
        cells = [[_cut(cell) for cell in row] for row in cells]
        widths = [min(width, WIDEST) for width in widths]
    for row in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def note(text: str) -> None:
    """Print a remark beside the result, dim on a terminal."""
    sys.stderr.write(_colored(text, DIM, sys.stderr) + "\n")
    sys.stderr.flush()


def complain(error: "MetierError", *, as_json: bool) -> None:
    """Print what went wrong and the cure; as JSON it is part of the result."""
    if as_json:
        say_json(error.to_json())
        return
    lines = [f"{_colored('error:', RED, sys.stderr)} {error.message}"]
    if len(error.problems) > 1:
        lines += [f"  {problem.path or 'all'}: {problem.problem}" for problem in error.problems]
    if error.cure and error.cure not in error.message:
        lines.append(f"cure: {error.cure}")
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()


def _cut(cell: str) -> str:
    return cell if len(cell) <= WIDEST else cell[: WIDEST - 1] + "…"


def _colored(text: str, color: str, stream: TextIO) -> str:
    return f"{color}{text}\x1b[0m" if stream.isatty() else text
