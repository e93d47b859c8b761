"""Health: looks whether everything Metier needs is there, and says the cure where it is not.

`examine()` looks from outside, for the command line; a `Checkup` looks at a running house, for its API and pages.
"""

import asyncio
import os
import platform
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from metier.actor import Actor, check_any_flag
from metier.app import Metier
from metier.clock import SystemClock
from metier.egress import Egress, Limits
from metier.engine import standing
from metier.errors import Invalid, MetierError
from metier.llm import ModelInfo, providers_from
from metier.settings import Settings
from metier.store import Database, check_home
from metier.store import Health as DatabaseHealth

OLDEST_PYTHON = (3, 11)
MANIFEST = Path(__file__).parent / "web" / "static" / "dist" / "manifest.json"
FLAGS = ("AI_SETTINGS", "WORKSPACE_MEMBERS")  # one of them lets a person see the health of the server
KEPT_S = 60  # how long what a Checkup found is shown again


@dataclass(frozen=True)
class Check:
    """One thing looked at. `fix` is the cure, or a hint if all is well; empty if there is nothing to do."""

    check: str
    ok: bool
    found: str
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give the check as data: `{"check", "ok", "found", "fix"}`."""
        return asdict(self)


class Checkup:
    """The checks of a running Metier, kept for a minute: a page that shows them is as fast as one that does not."""

    def __init__(self, metier: Metier) -> None:
        self._metier = metier
        self._found: Sequence[Check] = ()
        self._found_at: float | None = None  # by the clock's monotonic time
        self._looking = asyncio.Lock()

    async def checks(self, actor: Actor) -> Sequence[Check]:
        """Give what was found, at most a minute ago.

        Raises:
            MissingPermission: The actor holds none of `FLAGS`.
        """
        check_any_flag(actor, *FLAGS)
        async with self._looking:
            now = self._metier.clock.monotonic()
            if self._found_at is None or now - self._found_at >= KEPT_S:
                self._found = await _checks_inside(self._metier)
                self._found_at = now
            return self._found

    async def ails(self, actor: Actor) -> bool:
        """Say whether there is a failed check that this person may see."""
        return may_see(actor) and not all(check.ok for check in await self.checks(actor))


def may_see(actor: Actor) -> bool:
    """Say whether this person may see the health of the server."""
    return any(actor.holds(flag) for flag in FLAGS)


async def examine() -> AsyncGenerator[Check]:
    """Look at everything, from the environment on; gives each check as it is made."""
    yield _python()
    try:
        settings = Settings.load()
    except Invalid as error:
        yield _failed("settings", error)
        return
    yield _home(settings)
    *found, schedules = await _database(settings)
    for check in found:
        yield check
    yield _bundles()
    yield await _models(settings)
    yield schedules
    yield await _port(settings)


async def _checks_inside(metier: Metier) -> Sequence[Check]:
    settings = metier.settings
    return (
        _python(),
        _home(settings),
        *await _open_database(metier.db),
        _bundles(),
        _model_words(metier.catalog.models()),
        await _schedules(metier.db, metier.engine.jobs.fault),
        Check("port", True, f"this server answers on {_place(settings)}"),
    )


def _failed(name: str, error: MetierError) -> Check:
    return Check(name, ok=False, found=error.message, fix=error.cure or "Mend what the message names.")


def _python() -> Check:
    oldest = ".".join(map(str, OLDEST_PYTHON))
    ok = sys.version_info >= OLDEST_PYTHON
    return Check("python", ok, platform.python_version(), "" if ok else f"Install Python {oldest} or newer.")


def _home(settings: Settings) -> Check:
    home = settings.home
    try:
        check_home(home)
    except MetierError as error:
        return _failed("home", error)
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Check("home", False, f"{nearest} is not writable", "Set METIER_HOME to a folder you may write in.")
    return Check("home", True, str(home) if home.exists() else f"{home} (made at the first start)")


async def _database(settings: Settings) -> list[Check]:
    """Look at the database, then at the schedules that are in it."""
    try:
        database = await Database.open(settings, migrate=False)
    except MetierError as error:
        return [_failed("database", error), _UNKNOWN]
    try:
        found = await _open_database(database)
        is_ready = all(check.ok for check in found) and (await database.health()).up_to_date
        return [*found, await _schedules(database) if is_ready else _UNKNOWN]
    finally:
        await database.aclose()


_UNKNOWN = Check("schedules", True, "none yet")


async def _schedules(database: Database, fault: str = "") -> Check:
    """Look whether what the server does by itself goes well.

    Args:
        fault: Why they do not run in this process, if they should.
    """
    found = await standing(database)
    if found.failed:
        name, words = next(iter(found.failed.items()))
        return Check("schedules", False, f"{name} failed: {words}", f"metier schedules history {name}")
    if fault and not found.is_run:
        return Check("schedules", False, fault, "Mend what the message names, then start the server again.")
    went = f"{found.done} went well last" if found.done else "none was done yet"
    runs = "a server runs them" if found.is_run else "no server runs them now"
    return Check("schedules", True, f"{went}; {runs}")


async def _open_database(database: Database) -> list[Check]:
    try:
        health = await database.health()
    except MetierError as error:
        return [_failed("database", error)]
    place = "embedded" if health.embedded else "from DATABASE_URL"
    vectors = f"pgvector {health.vector}" if health.vector else "without pgvector"
    return [
        Check("database", True, f"PostgreSQL {health.server_version}, {place}, {vectors}"),
        _tables(health),
    ]


def _tables(health: DatabaseHealth) -> Check:
    if health.revision is None:
        return Check("tables", True, "none yet", "They are made at the first start: metier demo, or metier serve")
    if health.up_to_date:
        return Check("tables", True, f"at migration {health.revision}")
    found = f"at migration {health.revision}, this Metier needs {health.head}"
    return Check("tables", False, found, "They are brought up to date at the next start: metier serve")


def _bundles() -> Check:
    if MANIFEST.exists():
        return Check("pages", True, "scripts and styles are built")
    return Check(
        "pages", False, "scripts and styles are not built", "In a clone: make setup. Else install the wheel again."
    )


async def _models(settings: Settings) -> Check:
    async with Egress() as egress:
        providers = providers_from(settings, egress, SystemClock())
        models = [model for provider in providers for model in provider.models()]
        for provider in providers:
            await provider.aclose()
    return _model_words(models)


def _model_words(models: Sequence[ModelInfo]) -> Check:
    names = [model.id for model in models if model.ai]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return Check("models", True, ", ".join(names[:3]) + more)
    hint = "For AI set OPENAI_API_KEY, XAI_API_KEY or OPENAI_COMPATIBLE_BASE_URL."
    return Check("models", True, "only the offline planner: rules, not AI", hint)


async def _port(settings: Settings) -> Check:
    place = _place(settings)
    if _is_free(settings.host, settings.port):
        return Check("port", True, f"{place} is free")
    version = await _served(settings)
    if version:
        return Check("port", True, f"Metier {version} answers on {place}")
    return Check(
        "port", False, f"something else has {place}", f"Set METIER_PORT, or: metier serve --port {settings.port + 1}"
    )


def _place(settings: Settings) -> str:
    return f"{settings.host}:{settings.port}"


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


async def _served(settings: Settings) -> str | None:
    """Give the version of the Metier that answers there, or None if it is something else."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    base = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    async with Egress() as egress:
        try:
            reply = await egress.trusting(base).fetch(
                "GET", f"{base}/healthz", limits=Limits(total_s=5, max_bytes=10_000)
            )
            return orjson.loads(reply.body).get("version")
        except (MetierError, orjson.JSONDecodeError, AttributeError):
            return None
