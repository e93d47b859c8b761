"""`python -m bench [ROW …] [--json] [--write] [--rounds N] [--rows N]`: speed as ratios to floors."""

import argparse
import json
import pkgutil
from importlib import import_module
from types import ModuleType

import uvloop

from bench import rows
from bench.harness import Options, Report, as_text
from bench.page import write


def modules() -> dict[str, ModuleType]:
    """Give the rows by name."""
    found = [import_module(f"{rows.__name__}.{module.name}") for module in pkgutil.iter_modules(rows.__path__)]
    return {module.NAME: module for module in found}


def main() -> None:
    """Read the command line, measure, and print each row when it is done."""
    known = modules()
    given = _read(list(known))
    reports: list[Report] = []
    for name in given.names or known:
        reports.append(uvloop.run(known[name].run(Options(given.rounds, given.rows))))
        if not given.json:
            print(as_text(reports[-1]), end="\n\n", flush=True)
    if given.json:
        print(json.dumps([one.to_json() for one in reports], indent=1))
    if given.write:
        write(reports)


def _read(known: list[str]) -> argparse.Namespace:
    reading = argparse.ArgumentParser(prog="python -m bench", description="Speed as ratios to floors of the same run.")
    reading.add_argument("names", nargs="*", metavar="ROW", help=f"{', '.join(known)}; all if none is named")
    reading.add_argument("--json", action="store_true", help="print JSON")
    reading.add_argument("--write", action="store_true", help="put the results into docs/performance.md")
    reading.add_argument("--rounds", type=int, default=5, help="rounds, each candidate in turn (5)")
    reading.add_argument("--rows", type=int, default=1_000_000, help="records in the big table (1,000,000)")
    given = reading.parse_args()
    if unknown := set(given.names) - set(known):
        reading.error(f"no row {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return given


if __name__ == "__main__":
    main()
