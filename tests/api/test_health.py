"""The health of a running server: for admins, looked at once a minute, and never at odds with itself."""

from pathlib import Path

import httpx2 as httpx
import pytest

from metier import health
from metier.store import Database
from metier.testing import FrozenClock, House

URL = "/api/v1/health"


@pytest.fixture(autouse=True)
def bundles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A built front end."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text("{}")
    monkeypatch.setattr(health, "MANIFEST", manifest)
    return manifest


async def as_key(house: House, client: httpx.AsyncClient, flag: str) -> None:
    await house.metier.access.create_role(house.actor, name="one", label="One", flags=[flag])
    key = await house.metier.access.create_key(house.actor, role="one", name="k")
    client.headers["Authorization"] = f"Bearer {key.token}"


async def test_nobody_is_refused(anonymous: httpx.AsyncClient):
    assert (await anonymous.get(URL)).status_code == 401


@pytest.mark.parametrize("flag", ["AI", "ROLES", "API_KEYS_AND_WEBHOOKS", "DATA_MODEL"])
async def test_other_flags_do_not_show_it(anonymous: httpx.AsyncClient, sample_house: House, flag: str):
    await as_key(sample_house, anonymous, flag)

    answer = await anonymous.get(URL)

    assert answer.status_code == 403
    assert "AI_SETTINGS or WORKSPACE_MEMBERS" in answer.json()["message"]
    assert str(sample_house.metier.settings.home) not in answer.text


@pytest.mark.parametrize("flag", health.FLAGS)
async def test_either_flag_shows_it(anonymous: httpx.AsyncClient, sample_house: House, flag: str):
    await as_key(sample_house, anonymous, flag)

    assert (await anonymous.get(URL)).status_code == 200


async def test_all_is_well_and_the_port_is_not_taken_by_the_server_itself(client: httpx.AsyncClient):
    answer = (await client.get(URL)).json()

    checks = {check["check"]: check for check in answer["data"]}
    assert list(checks) == ["python", "home", "database", "tables", "pages", "models", "schedules", "port"]
    assert answer["ok"] is True
    assert all(check["ok"] for check in checks.values()), checks
    assert checks["port"]["found"] == "this server answers on 127.0.0.1:8700"
    assert "scripted/model" in checks["models"]["found"]


async def test_what_was_found_is_kept_for_a_minute(
    client: httpx.AsyncClient, bundles: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
):
    looked: list[int] = []
    look = Database.health
    monkeypatch.setattr(Database, "health", lambda db: looked.append(1) or look(db))
    first = (await client.get(URL)).json()
    bundles.unlink()
    clock.forward(59)
    kept = (await client.get(URL)).json()
    clock.forward(1)
    fresh = (await client.get(URL)).json()

    assert kept == first
    assert fresh["ok"] is False
    (bad,) = [check for check in fresh["data"] if not check["ok"]]
    assert (bad["check"], "make setup" in bad["fix"]) == ("pages", True)
    assert len(looked) == 2
