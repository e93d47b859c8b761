"""`metier link` lets the operator in when no password does."""

from pathlib import Path

import pytest

from metier.access import Access, SignedIn, Welcome
from metier.clock import SystemClock
from metier.errors import NotSignedIn
from metier.store import Database
from tests.cli.conftest import Run, in_database


def used(database_url: str, home: Path, link: str) -> SignedIn | Welcome:
    async def use(db: Database) -> SignedIn | Welcome:
        return await Access(db, SystemClock()).use_link(link.strip().rpartition("/")[2])

    return in_database(database_url, home, use)


@pytest.mark.usefixtures("ships")
def test_the_link_is_printed_alone_and_signs_the_admin_in_once(run: Run, database_url: str, tmp_path: Path):
    first, second = run("link"), run("link")

    assert first.out.startswith("http://127.0.0.1:8700/link/")
    assert first.out.count("\n") == 1
    assert "first admin" in first.err
    assert first.out != second.out, "each is a fresh one"
    found = used(database_url, tmp_path, first.out)
    assert isinstance(found, SignedIn)
    assert found.actor.label == "Ada"
    with pytest.raises(NotSignedIn, match="'metier link' prints a new one"):
        used(database_url, tmp_path, first.out)


def test_on_an_empty_home_it_leads_to_the_first_workspace(run: Run, database_url: str, tmp_path: Path):
    done = run("link")

    assert "first workspace" in done.err
    assert isinstance(used(database_url, tmp_path, done.out), Welcome)


@pytest.mark.usefixtures("ships")
def test_it_leads_to_where_people_reach_the_server(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METIER_PUBLIC_URL", "https://metier.example/")

    assert run("link").out.startswith("https://metier.example/link/")
    assert run("link", "--url", "http://127.0.0.1:8701/").out.startswith("http://127.0.0.1:8701/link/")


@pytest.mark.usefixtures("ships")
def test_an_address_that_leads_nowhere_is_not_printed(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("METIER_PORT", "0")

    unknown, wrong = run("link"), run("link", "--url", "metier.example")

    assert (unknown.code, unknown.out, wrong.code, wrong.out) == (1, "", 1, "")
    assert "--url http://127.0.0.1:PORT" in unknown.err
    assert "'metier.example' is not the address" in wrong.err
