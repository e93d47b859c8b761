"""Where our side lives while it is measured: a home folder in the system's temporary folder, kept for the next run.

`metier-bench-ROWS` holds a workspace with ROWS companies and `bench.json` with the key that may read them.
"""

import json
import os
import shutil
import socket
import sys
import tempfile
from asyncio import sleep
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench.client import Client
from bench.companies import by_hand, fill
from bench.processes import Child, python
from metier.app import Metier
from metier.settings import Settings

MODELS = ("loop", "stream-100", "paced-100")
PROVIDER = "compatible"
START_S = 60.0


@dataclass(frozen=True)
class Home:
    """A prepared home folder.

    Attributes:
        key: Bearer key of a role that may do everything.
        schema: Where the workspace's records live.
        selects, joins: What SQL by hand says of all fields of a company `c`.
        url: Of the embedded database.
    """

    folder: Path
    key: str
    schema: str
    url: str
    selects: str
    joins: str

    @property
    def postgres(self) -> int:
        """The process id of the embedded server."""
        return int((self.folder / "pg" / "postmaster.pid").read_text().splitlines()[0])

    @property
    def headers(self) -> Mapping[str, str]:
        """What a request needs."""
        return {"authorization": f"Bearer {self.key}"}


def settings(folder: Path, model_url: str | None = None) -> Settings:
    """Give the settings of our side; the model server's models are there if `model_url` is."""
    if model_url is None:
        return Settings.for_tests(folder)
    return Settings.for_tests(folder, openai_compatible_base_url=model_url, openai_compatible_model_names=MODELS)


@asynccontextmanager
async def home(rows: int) -> AsyncGenerator[Home, None]:
    """Prepare a home folder, or take the one of an earlier run; its database runs as long as the block."""
    folder = Path(tempfile.gettempdir()) / f"metier-bench-{rows}"
    noted = folder / "bench.json"
    if not noted.exists():
        shutil.rmtree(folder, ignore_errors=True)  # left by a run that was broken off
        folder.mkdir(mode=0o700)
    async with Metier.open(settings(folder)) as metier:
        if not noted.exists():
            known = await _furnish(metier, rows)
            noted.touch(mode=0o600)
            noted.write_text(json.dumps(known))
        known = json.loads(noted.read_text())
        actor = await metier.access.operator()
        await metier.data_model.publish_all(actor, metier.shelf.objects)  # what is new since the home was made
        company = await metier.records.object(actor, "company")
        yield Home(folder, known["key"], known["schema"], metier.db.url, *by_hand(company))


async def _furnish(metier: Metier, rows: int) -> dict[str, str]:
    actor = await metier.found_workspace("Bench")
    (workspace,) = await metier.access.workspaces()
    if rows:
        print(f"Making {rows:,} companies, once …", file=sys.stderr)
        await fill(metier.db, workspace.schema_name, await metier.records.object(actor, "company"), rows)
    key = await metier.access.create_key(actor, role="admin", name="bench")
    return {"key": key.token, "schema": workspace.schema_name}


@asynccontextmanager
async def serving(folder: Path, model_url: str | None = None) -> AsyncGenerator[tuple[Child, int, float], None]:
    """Run `metier serve` on a home folder.

    Yields:
        The process, its port, and the seconds from its start until `/healthz` answered.
    """
    port = free_port()
    env = _bare_environment() | {"METIER_HOME": str(folder), "METIER_PORT": str(port), "METIER_LOG_LEVEL": "warning"}
    if model_url:
        env |= {"OPENAI_COMPATIBLE_BASE_URL": model_url, "OPENAI_COMPATIBLE_MODEL_NAMES": ",".join(MODELS)}
    start = perf_counter()
    async with python("-m", "metier.cli", "serve", env=env) as child:
        await until_healthy(port, child)
        yield child, port, perf_counter() - start


def _bare_environment() -> dict[str, str]:
    """Blank what the operator set for Metier, so that only the bench decides."""
    names = {str(field.validation_alias) for field in Settings.model_fields.values()}
    return {name: "" for name in names if name in os.environ}


async def until_healthy(port: int, child: Child) -> None:
    """Wait until `/healthz` answers 200.

    Raises:
        RuntimeError: The server ended, or does not answer within START_S.
    """
    deadline = perf_counter() + START_S
    while perf_counter() < deadline and child.alive:
        try:
            client = await Client.open(port)
            status, _ = await client.json("GET", "/healthz")
            await client.close()
            if status == 200:
                return
        except (OSError, EOFError):
            pass
        await sleep(0.005)
    raise RuntimeError(f"no answer from the server within {START_S:g} s")


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
