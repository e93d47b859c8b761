"""The page of last results, `docs/performance.md`: one section a row, each with its date, commit and machine."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.harness import Report, as_markdown

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
HEAD = """\
# Speed

The last results of `make bench`, each a ratio to a floor that was measured in the same run: the least code that does
the same work, with nobody asked who they are and nothing stored. Rounds of all candidates take turns, and the least
of the rounds is shown. Machines differ, so read the ratios, which are good to about ±25 %.

`make bench ARGS="loop --rounds 5"` measures one row, `ARGS=--write` renews this page. Nothing here is a test: `make
test` never fails because a machine was slow.
"""
SECTION = re.compile(r"<!-- row: (\S+) -->\n.*?<!-- end -->\n", re.DOTALL)


def write(reports: Iterable[Report], page: Path = PAGE) -> None:
    """Put the reports into the page; sections of other rows stay as they are."""
    text = page.read_text() if page.exists() else ""
    sections = {found[1]: found[0] for found in SECTION.finditer(text)}
    sections |= {report.name: _section(report) for report in reports}
    page.parent.mkdir(exist_ok=True)
    page.write_text("\n".join([HEAD, *sections.values()]))


def _section(report: Report) -> str:
    when = datetime.now(UTC).strftime("%-d %B %Y")
    place = f"*{when}, {machine.commit()}; {machine.words()}, shared with other work.*"
    head, _, rest = as_markdown(report).partition("\n")
    return f"<!-- row: {report.name} -->\n{head}\n\n{place}\n{rest}\n<!-- end -->\n"
