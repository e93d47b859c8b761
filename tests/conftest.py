"""What every test can ask for: a database of its own, a clock that stands still, a whole house."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest

from metier.settings import Settings
from metier.store import Database
from metier.testing import FrozenClock, House, open_house, postgres

#: Modules of more than ten seconds; and all of `tests/acceptance`.
LONG = frozenset(
    {
        "test_bench_smoke.py",
        "test_find_equals_brute_force.py",
        "test_foreign.py",
        "test_fuzz.py",
        "test_guides.py",
        "test_kill.py",
        "test_policy_doors.py",
        "test_policy_equals_brute_force.py",
        "test_round_trip.py",
        "test_serve.py",
        "test_writes_equal_brute_force.py",
    }
)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of an embedded PostgreSQL that lives as long as the test session."""
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a migrated, empty database to copy."""
    return postgres.template(server)


@pytest.fixture(scope="session")
def furnished_template(server: str, template: str) -> str:
    """The name of a database to copy that has the workspace of a house."""
    return postgres.furnished(server, template)


@pytest.fixture(scope="session")
def sample_template(server: str, template: str) -> str:
    """The name of a database to copy that has the sample workspace."""
    return postgres.furnished(server, template, sample=True)


@pytest.fixture
def furnished() -> None:
    """Let `database_url` have the workspace of a house, so that `open_house` need not found it."""


@pytest.fixture
def database_url(request: pytest.FixtureRequest, server: str, template: str) -> Iterator[str]:
    """A migrated database: empty, but for who asks for `furnished`, `house` or `sample_house`."""
    asked = request.fixturenames
    if "sample_house" in asked:
        template = request.getfixturevalue("sample_template")
    elif "furnished" in asked:
        template = request.getfixturevalue("furnished_template")
    url = postgres.clone(server, template)
    yield url
    postgres.drop(url)


@pytest.fixture
async def db(database_url: str, tmp_path) -> AsyncIterator[Database]:
    """An open Database on it."""
    database = await Database.open(Settings.for_tests(tmp_path, database_url=database_url), migrate=False)
    yield database
    await database.aclose()


@pytest.fixture
def clock() -> FrozenClock:
    """Saturday, 21 November 2026, 09:00 UTC."""
    return FrozenClock()


@pytest.fixture
async def house(furnished: None, database_url: str, clock: FrozenClock) -> AsyncIterator[House]:
    """A whole Metier with the shelf's objects and no records."""
    async with open_house(url=database_url, clock=clock) as opened:
        yield opened


@pytest.fixture
async def sample_house(database_url: str, clock: FrozenClock) -> AsyncIterator[House]:
    """A whole Metier with the sample workspace."""
    async with open_house(url=database_url, clock=clock, sample=True) as opened:
        yield opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that the workers of one run end together."""
    items.sort(key=lambda item: "tests/acceptance/" not in item.nodeid and item.path.name not in LONG)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Under METIER_CI nothing may be skipped: a missing tool is a failure there."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("METIER_CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but nothing may be skipped here: {report.longrepr}"
    return report
