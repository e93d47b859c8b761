"""How well the offline planner understands questions it was not made with; the questions are in `bench/questions/`."""

from bench.harness import Goal, Options, Report
from bench.planner import Row
from bench.planner import run as ask_all

NAME = "planner"
TITLE = "Offline planner, on questions of three styles"
COLUMNS = {
    "name": "questions",
    "questions": "in scope",
    "beyond": "beyond",
    "exact": "% exact",
    "precision": "% right of answered",
    "refused": "% of beyond not answered",
    "p50_ms": "CPU p50 ms",
    "p95_ms": "CPU p95 ms",
}
SHARES = ("exact", "precision", "refused")


async def run(options: Options) -> Report:
    """Measure the row; the questions are few enough to ask all of them always."""
    rows = ask_all()
    note = "Shares, not times: each question leads to exactly the right call, to another, or to a plain abstention."
    return Report(
        NAME, TITLE, COLUMNS, [_line(row) for row in rows], SHARES, [g for r in rows for g in _goals(r)], [note]
    )


def _line(row: Row) -> dict[str, float | str]:
    shares = {key: getattr(row, key) * 100 for key in SHARES}
    counts = {"questions": str(row.questions), "beyond": str(row.beyond)}
    return {"name": row.name, **counts, **shares, "p50_ms": row.p50_ms, "p95_ms": row.p95_ms}


def _goals(row: Row) -> list[Goal]:
    return [
        Goal(f"{row.name}: exact", 50, row.exact * 100, "%", at_least=True),
        Goal(f"{row.name}: right where it answers", 85, row.precision * 100, "%", at_least=True),
    ]
