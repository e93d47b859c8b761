"""The command line on a database of its own, in this process."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from metier.access import CHEAP, Access
from metier.actor import Actor
from metier.cli import main
from metier.clock import SystemClock
from metier.definitions import Definitions
from metier.records import DataModel, ObjectKind, ObjectType, Records
from metier.settings import Settings
from metier.store import Database


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json_lines(self) -> list[dict[str, Any]]:
        """Read what it printed as JSON, one object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Done]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], database_url: str, tmp_path: Path
) -> Iterator[Run]:
    """Run `metier …` on an empty database."""
    for name in Settings.model_fields.values():
        monkeypatch.delenv(str(name.validation_alias), raising=False)
    monkeypatch.setenv("METIER_HOME", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", database_url)

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["metier", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    yield call
    structlog.reset_defaults()


@pytest.fixture
def ships(database_url: str, tmp_path: Path) -> None:
    """A workspace with three ships."""

    async def make(db: Database) -> None:
        access, records = Access(db, SystemClock(), password_cost=CHEAP), Records(db, SystemClock())
        workspace_id = await access.create_workspace("Harbour")
        await access.create_member(workspace_id, name="Ada", email="ada@harbour.test", role="admin")
        operator = await access.operator()
        await DataModel(db, Definitions(db, SystemClock(), [ObjectKind()])).publish(operator, SHIP)
        await add_ships(records, operator)

    in_database(database_url, tmp_path, make)


async def add_ships(records: Records, operator: Actor) -> None:
    """Add three ships of different length."""
    rows = [{"name": name, "length": length} for name, length in (("Aurora", 120), ("Bora", 80), ("Calypso", 200))]
    await records.insert(operator, "ship", rows)


def in_database(database_url: str, home: Path, action: Callable[[Database], Any]) -> Any:
    """Do something with the database, outside of any command."""

    async def act() -> Any:
        db = await Database.open(Settings.for_tests(home, database_url=database_url), migrate=False)
        try:
            return await action(db)
        finally:
            await db.aclose()

    return asyncio.run(act())


SHIP = ObjectType.from_json(
    {
        "name": "ship",
        "plural": "ships",
        "label": "Ship",
        "label_plural": "Ships",
        "title": "name",
        "fields": [
            {"name": "name", "label": "Name", "type": "text"},
            {"name": "length", "label": "Length", "type": "number"},
        ],
    }
)
