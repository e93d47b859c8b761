"""`make proof`: the tests of many cases, run long, and those that measure time; the result is a page in `docs/proof/`.

Run by hand, not by CI: `python -m bench.proof [--times 20]`. The page says the commit, how many cases each test ran
times how much, and what failed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from bench.machine import commit, words

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "proof"


def main() -> None:
    """Run the tests marked `proof` or `budget` and write the page; exit 1 if one failed."""
    times = _read().times
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        began = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-m", "proof or budget", "-q", f"--junit-xml={report}"]
        code = subprocess.run(command, cwd=ROOT, env=os.environ | {"METIER_PROOF": str(times)}, check=False).returncode
        page = _page(ElementTree.parse(report).getroot(), times, time.monotonic() - began)
    PAGES.mkdir(exist_ok=True)
    path = PAGES / f"{datetime.now(UTC):%Y-%m-%d}.md"
    path.write_text(page)
    print(f"Written: {path.relative_to(ROOT)}")
    sys.exit(code)


def _read() -> argparse.Namespace:
    reading = argparse.ArgumentParser(prog="python -m bench.proof", description="The tests of many cases, run long.")
    reading.add_argument("--times", type=int, default=20, help="how many times the usual number of cases")
    return reading.parse_args()


def _page(report: ElementTree.Element, times: int, seconds: float) -> str:
    cases = sorted(report.iter("testcase"), key=_name)
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    lines = [
        f"# Proof, {datetime.now(UTC):%Y-%m-%d}",
        "",
        f"Commit `{commit()}`; {words()}. Each test ran {times} times its usual number of cases,",
        f"{seconds / 60:.0f} minutes in all: {len(cases)} tests, {len(failed)} failed.",
        "",
        "| test | result | seconds |",
        "| --- | --- | ---: |",
    ]
    lines += [
        f"| {_name(c)} | {'failed' if c in failed else 'passed'} | {float(c.get('time', 0)):.0f} |" for c in cases
    ]
    return "\n".join(lines) + "\n"


def _name(case: ElementTree.Element) -> str:
    room = (case.get("classname") or "").removeprefix("tests.")
    return f"{room}: {(case.get('name') or '').removeprefix('test_').replace('_', ' ')}"


if __name__ == "__main__":
    main()
