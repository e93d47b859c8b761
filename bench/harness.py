"""Rounds, ratios and reports: what every row is measured with.

candidates ──▶ interleaved rounds ──▶ the least of each quantity ──▶ ratios to the floor ──▶ Report
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

READING = "Ratios are what counts; they are good to about ±25 %. The least of the rounds is shown."


@dataclass(frozen=True)
class Options:
    """How much to measure.

    Attributes:
        rounds: How often each candidate is measured, in turn with the others.
        rows: Records in the big table.
        tiny: Only as much as shows that the row works; its numbers mean nothing.
    """

    rounds: int = 5
    rows: int = 1_000_000
    tiny: bool = False

    def units(self, wanted: int) -> int:
        """Give how many units a round has."""
        return min(wanted, 4) if self.tiny else wanted


@dataclass(frozen=True)
class Candidate:
    """Something to measure; `measure` does one round and gives each quantity per unit, e.g. `{"cpu_us": 812.0}`."""

    name: str
    measure: Callable[[], Awaitable[Mapping[str, float]]]


Measured = dict[str, dict[str, float]]  # candidate's name → quantity → least of the rounds


async def interleave(candidates: Sequence[Candidate], rounds: int) -> Measured:
    """Measure all candidates in turn, `rounds` times, after one round that is thrown away."""
    least: Measured = {one.name: {} for one in candidates}
    for number in range(rounds + 1):
        for one in candidates:
            for quantity, value in (await one.measure()).items():
                if number:
                    least[one.name][quantity] = min(value, least[one.name].get(quantity, value))
    return least


@dataclass(frozen=True)
class Goal:
    """What a quantity should not exceed, or what it should reach if `at_least`."""

    what: str
    limit: float
    got: float
    unit: str = "x"
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it is so."""
        return self.got >= self.limit if self.at_least else self.got <= self.limit

    def __str__(self) -> str:
        unit = "x" if self.unit == "x" else f" {self.unit}"
        aim = f"goal {'>=' if self.at_least else '<='} {self.limit:g}{unit}"
        return f"{'met   ' if self.met else 'missed'} {self.what}: {number(self.got)}{unit} ({aim})"


@dataclass(frozen=True)
class Report:
    """What a row found.

    Attributes:
        columns: Quantity → heading, in order; the first is the name of the line. What has a heading that begins with
            `x ` is written as a factor.
        lines: One mapping per candidate; a missing quantity is shown as `-`.
        ratios: The columns that compare; the others hold what they were made of.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    lines: Sequence[Mapping[str, Any]]
    ratios: Sequence[str]
    goals: Sequence[Goal] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def to_json(self) -> dict[str, Any]:
        """Give the report as data."""
        goals = [asdict(goal) | {"met": goal.met} for goal in self.goals]
        return {
            "row": self.name,
            "title": self.title,
            "columns": dict(self.columns),
            "ratios": list(self.ratios),
            "lines": [dict(line) for line in self.lines],
            "goals": goals,
            "notes": list(self.notes),
        }

    def cells(self) -> list[list[str]]:
        """Give the table as text, headings first."""
        body = [[_cell(line.get(key), heading) for key, heading in self.columns.items()] for line in self.lines]
        return [list(self.columns.values()), *body]


def ratio(got: Mapping[str, float], floor: Mapping[str, float], quantity: str) -> float:
    """Give how many times the floor's quantity was used."""
    return got[quantity] / floor[quantity] if floor.get(quantity) else float("nan")


def number(value: float) -> str:
    """Write a number with about three digits that count."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _cell(value: Any, heading: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{number(value)}x" if heading.startswith("x ") else number(value)


def as_text(report: Report) -> str:
    """Lay a report out for a terminal."""
    cells = report.cells()
    widths = [max(len(line[i]) for line in cells) for i in range(len(report.columns))]
    table = [
        "  ".join(_padded(cell, width, i) for i, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    ]
    below = [str(goal) for goal in report.goals] + list(report.notes)
    return "\n".join([f"{report.name}: {report.title}", "", *table, "", *below])


def _padded(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column else cell.ljust(width)


def as_markdown(report: Report) -> str:
    """Lay a report out for the docs."""
    head, *body = report.cells()
    rule = ["---"] + ["---:"] * (len(head) - 1)
    table = ["| " + " | ".join(line) + " |" for line in (head, rule, *body)]
    goals = [f"- {goal}".replace("met   ", "met:").replace("missed", "missed:") for goal in report.goals]
    return "\n".join([f"## {report.title}", "", *table, "", *goals, *[f"- {note}" for note in report.notes]])
