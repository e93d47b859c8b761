"""Each row of the bench runs and prints its ratio. No time is looked at: a slow machine fails nothing."""

import json
import math
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import page
from bench.__main__ import modules
from bench.harness import Candidate, Goal, Options, Report, as_text, interleave, ratio

TINY = Options(rounds=1, rows=2_000, tiny=True)


@pytest.fixture(scope="module", autouse=True)
def homes() -> Iterator[None]:
    """Keep the bench's homes in a folder of their own, with a path short enough for a socket."""
    before, tempfile.tempdir = tempfile.tempdir, tempfile.mkdtemp(prefix="mb-")
    yield
    shutil.rmtree(tempfile.tempdir)
    tempfile.tempdir = before


@pytest.mark.parametrize("name", sorted(modules()))
async def test_row_prints_its_ratio(name: str) -> None:
    report = await modules()[name].run(TINY)

    assert report.ratios
    assert all(line[key] >= 0 and math.isfinite(line[key]) for line in report.lines for key in report.ratios)
    assert f"{report.name}: {report.title}" in as_text(report)
    assert json.loads(json.dumps(report.to_json()))["row"] == name


async def test_candidates_take_turns_and_the_least_of_the_rounds_counts() -> None:
    called: list[str] = []
    costs = {"floor": iter([1.0, 4.0, 2.0]), "ours": iter([1.0, 6.0, 8.0])}  # the first round is thrown away

    def candidate(name: str) -> Candidate:
        async def measure() -> dict[str, float]:
            called.append(name)
            return {"cpu_us": next(costs[name])}

        return Candidate(name, measure)

    measured = await interleave([candidate("floor"), candidate("ours")], rounds=2)

    assert called == ["floor", "ours"] * 3
    assert ratio(measured["ours"], measured["floor"], "cpu_us") == 3.0


def test_page_renews_the_rows_measured_and_keeps_the_others(tmp_path: Path) -> None:
    def report(name: str, value: float) -> Report:
        goals = [Goal("CPU", 0.5, value)]
        lines = [{"name": "metier", "x": value}]
        return Report(name, name.title(), {"name": "candidate", "x": "x floor"}, lines, ("x",), goals)

    where = tmp_path / "performance.md"

    page.write([report("loop", 0.4), report("stream", 0.7)], where)
    page.write([report("loop", 0.6)], where)

    text = where.read_text()
    assert text.count("## Loop") == text.count("## Stream") == 1
    assert "0.60x" in text
    assert "0.70x" in text
    assert "0.40x" not in text
    assert "missed: CPU: 0.60x (goal <= 0.5x)" in text
