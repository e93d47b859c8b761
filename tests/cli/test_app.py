"""Apps from the command line: planned with exit codes for scripts, applied, removed; code only of trusted folders."""

from pathlib import Path

import pytest

from tests.apps.test_apps import CODE
from tests.cli.conftest import Run

pytestmark = pytest.mark.usefixtures("ships")


def test_an_app_is_planned_applied_and_removed(run: Run, tmp_path: Path):
    (tmp_path / "objects").mkdir()
    (tmp_path / "metier.toml").write_text('name = "shop"\nversion = "1.0.0"\n')
    (tmp_path / "objects" / "item.toml").write_text('name = "item"\n[[fields]]\nname = "name"\ntype = "text"\n')
    app = str(tmp_path)

    planned = run("app", "plan", app)
    applied = run("app", "apply", app, "--json")
    again = run("app", "plan", app)
    removed = run("app", "remove", "shop")

    assert (planned.code, planned.out) == (3, "create app shop\ncreate object item\n")
    assert (applied.code, len(applied.json_lines()[0]["steps"])) == (0, 2)
    assert (again.code, again.out) == (0, "")
    assert (removed.code, removed.out) == (0, "archived object item\narchived app shop\n")
    assert "shop" in run("app", "list", "--archived").out
    assert "item" in run("app", "show", "shop").out
    (tmp_path / "objects" / "item.toml").write_text("name = item")
    wrong = run("app", "plan", app)
    assert (wrong.code, "objects/item.toml" in wrong.err) == (1, True)


def test_code_runs_only_of_a_trusted_folder(run: Run, tmp_path: Path):
    (tmp_path / "metier.toml").write_text('name = "shop"\nversion = "1.0.0"\n')
    (tmp_path / "shop.py").write_text(CODE.replace("company", "ship"))
    app = str(tmp_path)

    refused = run("app", "plan", app)
    assert (refused.code, f"metier app trust {app}" in refused.err) == (1, True)
    assert run("app", "trust", app).out == f"Trusted: {app}\n"
    assert run("app", "trusted").out == f"{app}\n"
    assert run("app", "apply", app).code == 0
    assert run("app", "untrust", app).code == 0
    assert run("app", "plan", app).code == 1
