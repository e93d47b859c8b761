"""`metier doctor`: looks whether everything Metier needs is there, and says the cure where it is not."""

import asyncio
import os
import platform
import socket
import sys
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metier.cli.terminal import say, say_json
from metier.errors import Invalid, MetierError

if TYPE_CHECKING:
    from metier.settings import Settings

OLDEST_PYTHON = (3, 11)
MANIFEST = Path(__file__).parents[1] / "web" / "static" / "dist" / "manifest.json"


@dataclass(frozen=True)
class Check:
    """One thing looked at. `fix` is the cure, or a hint if all is well; empty if there is nothing to do."""

    check: str
    ok: bool
    found: str
    fix: str = ""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one check a line.")] = False) -> None:
        """Check whether everything Metier needs is there."""
        raise typer.Exit(0 if asyncio.run(_examine(as_json=as_json)) else 1)


async def _examine(*, as_json: bool) -> bool:
    """Print the checks as they are made and say whether all is well."""
    well = True
    async for check in _checks():
        well = well and check.ok
        if as_json:
            say_json(asdict(check))
        else:
            say(f"{'ok ' if check.ok else 'BAD'}  {check.check:<9} {check.found}")
            if check.fix:
                say(f"     {'':<9} {check.fix}")
    return well


async def _checks() -> AsyncGenerator[Check]:
    from metier.settings import Settings

    yield _python()
    try:
        settings = Settings.load()
    except Invalid as error:
        yield _failed("settings", error)
        return
    yield _home(settings)
    for check in await _database(settings):
        yield check
    yield _bundles()
    yield await _models(settings)
    yield await _port(settings)


def _failed(name: str, error: MetierError) -> Check:
    return Check(name, ok=False, found=error.message, fix=error.cure or "Mend what the message names.")


def _python() -> Check:
    oldest = ".".join(map(str, OLDEST_PYTHON))
    ok = sys.version_info >= OLDEST_PYTHON
    return Check("python", ok, platform.python_version(), "" if ok else f"Install Python {oldest} or newer.")


def _home(settings: "Settings") -> Check:
    from metier.store import check_home

    home = settings.home
    try:
        check_home(home)
    except MetierError as error:
        return _failed("home", error)
    nearest = next(folder for folder in (home, *home.parents) if folder.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Check("home", False, f"{nearest} is not writable", "Set METIER_HOME to a folder you may write in.")
    return Check("home", True, str(home) if home.exists() else f"{home} (made at the first start)")


async def _database(settings: "Settings") -> list[Check]:
    from metier.store import Database

    try:
        database = await Database.open(settings, migrate=False)
    except MetierError as error:
        return [_failed("database", error)]
    try:
        health = await database.health()
    finally:
        await database.aclose()
    place = "embedded" if health.embedded else "from DATABASE_URL"
    vectors = f"pgvector {health.vector}" if health.vector else "without pgvector"
    checks = [Check("database", True, f"PostgreSQL {health.server_version}, {place}, {vectors}")]
    if health.revision is None:
        checks.append(
            Check("tables", True, "none yet", "They are made at the first start: metier demo, or metier serve")
        )
    elif health.up_to_date:
        checks.append(Check("tables", True, f"at migration {health.revision}"))
    else:
        found = f"at migration {health.revision}, this Metier needs {health.head}"
        checks.append(Check("tables", False, found, "They are brought up to date at the next start: metier serve"))
    return checks


def _bundles() -> Check:
    if MANIFEST.exists():
        return Check("pages", True, "scripts and styles are built")
    return Check(
        "pages", False, "scripts and styles are not built", "In a clone: make setup. Else install the wheel again."
    )


async def _models(settings: "Settings") -> Check:
    from metier.clock import SystemClock
    from metier.egress import Egress
    from metier.llm import providers_from

    async with Egress() as egress:
        providers = providers_from(settings, egress, SystemClock())
        names = [model.id for provider in providers for model in provider.models() if model.ai]
        for provider in providers:
            await provider.aclose()
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return Check("models", True, ", ".join(names[:3]) + more)
    hint = "For AI set OPENAI_API_KEY, XAI_API_KEY or OPENAI_COMPATIBLE_BASE_URL."
    return Check("models", True, "only the offline planner: rules, not AI", hint)


async def _port(settings: "Settings") -> Check:
    place = f"{settings.host}:{settings.port}"
    if _is_free(settings.host, settings.port):
        return Check("port", True, f"{place} is free")
    version = await _served(settings)
    if version:
        return Check("port", True, f"Metier {version} answers on {place}")
    return Check(
        "port", False, f"something else has {place}", f"Set METIER_PORT, or: metier serve --port {settings.port + 1}"
    )


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


async def _served(settings: "Settings") -> str | None:
    """Give the version of the Metier that answers there, or None if it is something else."""
    import orjson

    from metier.egress import Egress, Limits

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
