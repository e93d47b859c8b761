"""Two servers on one database are killed at random, and put to sleep beyond their time, while turns are at work.

Judged from outside: each message has one turn that ended well, its messages are whole, its record was written once, and
who followed it over all breaks saw the log as it is stored.
"""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2 as httpx
import pytest

import metier
from metier.llm.history import find_break
from metier.testing import FrozenClock, House, open_house
from tests.engine.mortal_servers import WORDS
from tests.scale import cases

ROOT = Path(__file__).parents[2]
KILLS = 60
AT_ONCE = 12
SEED = 7


@dataclass
class Servers:
    """Two servers that are killed and started again."""

    zygote: subprocess.Popen[str]
    ports: tuple[int, int]
    pids: list[int] = field(default_factory=lambda: [0, 0])

    def start(self, n: int) -> None:
        assert self.zygote.stdin
        assert self.zygote.stdout
        self.zygote.stdin.write(f"{self.ports[n]}\n")
        self.zygote.stdin.flush()
        self.pids[n] = int(self.zygote.stdout.readline())

    async def up(self, n: int) -> None:
        """Wait until a server answers."""
        async with httpx.AsyncClient() as client, asyncio.timeout(60):
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{self.ports[n]}/healthz")
                    return
                except httpx.TransportError:
                    await asyncio.sleep(0.02)

    async def harm(self, chance: random.Random) -> None:
        """Kill a server and start it again; now and then let it sleep until it is taken for dead, and wake it."""
        n = chance.randrange(2)
        await asyncio.sleep(chance.uniform(0.0, 0.15))
        if chance.random() < 0.04:
            os.kill(self.pids[n], signal.SIGSTOP)
            await asyncio.sleep(2.0)
            os.kill(self.pids[n], signal.SIGCONT)
            return
        os.kill(self.pids[n], signal.SIGKILL)
        self.start(n)
        if chance.random() < 0.5:  # else the next may be killed while it starts
            await self.up(n)


@dataclass
class Turn:
    """One message and what its sender saw."""

    text: str
    thread: str = ""
    run: str = ""
    frames: list[tuple[tuple[int, int], str, dict[str, Any]]] = field(default_factory=list)


@dataclass
class Client:
    """Somebody who tries again."""

    ports: tuple[int, int]
    key: str
    http: httpx.AsyncClient

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask either server until one answers; only for what may be asked twice."""
        while True:
            for port in random.sample(self.ports, 2):
                try:
                    answer = await self.http.request(method, self._url(port, path), headers=self._headers, json=body)
                except httpx.TransportError:
                    await asyncio.sleep(0.02)
                    continue
                if answer.status_code < 500:
                    assert answer.status_code < 300, answer.text
                    return answer.json()

    async def talk(self, turn: Turn) -> Turn:
        """Send a message in a chat of its own and follow its turn to the end."""
        turn.thread = (await self.call("POST", "/threads", {"agent": "clerk"}))["id"]
        await self._send(turn)
        while not turn.frames or turn.frames[-1][1] != "complete":
            try:
                await self._follow(turn, random.choice(self.ports))
            except httpx.TransportError:
                await asyncio.sleep(0.02)
        return turn

    async def _send(self, turn: Turn) -> None:
        """Send the message; who does not know whether it came looks first."""
        path = f"/threads/{turn.thread}/messages"
        while not turn.run:
            try:
                url = self._url(random.choice(self.ports), path)
                answer = await self.http.post(url, headers=self._headers, json={"text": turn.text})
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 202:
                turn.run = answer.json()["run_id"]
            elif stored := (await self.call("GET", path))["data"]:
                turn.run = stored[0]["run_id"]

    async def _follow(self, turn: Turn, port: int) -> None:
        last = {"Last-Event-ID": "{}-{}".format(*turn.frames[-1][0])} if turn.frames else {}
        url = self._url(port, f"/runs/{turn.run}/events")
        async with self.http.stream("GET", url, headers=self._headers | last) as answer:
            lines: dict[str, str] = {}
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if line:
                    lines[name] = value
                elif "event" in lines:
                    epoch, seq = map(int, lines["id"].split("-"))
                    turn.frames.append(((epoch, seq), lines["event"], json.loads(lines["data"])))
                    lines = {}

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def _url(self, port: int, path: str) -> str:
        return f"http://127.0.0.1:{port}/api/v1{path}"


@pytest.fixture
def servers(database_url: str, tmp_path: Path) -> Iterator[Servers]:
    command = [sys.executable, "-m", "tests.engine.mortal_servers", database_url, str(tmp_path)]
    env = os.environ | {"PYTHONPATH": f"{ROOT}:{Path(metier.__file__).parents[1]}"}
    zygote = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
    made = Servers(zygote, (free_port(), free_port()))
    try:
        yield made
    finally:
        for pid in filter(None, made.pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        zygote.kill()
        zygote.communicate()


@pytest.mark.proof
async def test_turns_outlive_their_servers(servers: Servers, database_url: str, clock: FrozenClock):
    async with open_house(url=database_url, clock=clock) as house:
        await house.metier.engine.rest()  # this one only looks on
        key = (await house.metier.access.create_key(house.actor, role="admin", name="sender")).token
        for n in range(2):
            servers.start(n)
            await servers.up(n)

        turns = await talk_while_harmed(servers, key)

        assert len(turns) > AT_ONCE
        await check(house, turns)


async def talk_while_harmed(servers: Servers, key: str) -> list[Turn]:
    """Keep some turns at work while the servers are killed; gives them all, ended."""
    chance, done, harmed = random.Random(SEED), [], asyncio.Event()

    async def keep_talking(client: Client, person: int) -> None:
        count = 0
        while not harmed.is_set() or not count:
            done.append(await client.talk(Turn(f"turn {person}.{count}")))
            count += 1

    async with (
        httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as http,
        asyncio.TaskGroup() as all_,
    ):
        for person in range(AT_ONCE):
            all_.create_task(keep_talking(Client(servers.ports, key, http), person))
        for _ in range(cases(KILLS)):
            await servers.harm(chance)
        harmed.set()
    return done


async def check(house: House, turns: list[Turn]) -> None:
    """Look at what is stored, and compare it with what was seen."""
    db = house.metier.db
    runs = await db.rows("select id, thread_id, status, stop_reason from core.run order by created_at")
    assert {row["status"] for row in runs} == {"succeeded"}
    assert sorted(str(row["id"]) for row in runs) == sorted(turn.run for turn in turns)
    assert await db.value("select count(*) from core.model_call where status = 'reserved'") == 0
    assert sorted(await names_of(house)) == sorted(turn.text for turn in turns)  # each wrote its record, once
    for turn in turns:
        await check_turn(house, turn)
    assert await db.value("select count(*) from core.event where type = 'resumed'") > 0, "nothing was taken over"


async def names_of(house: House) -> list[str]:
    """Give the names of all companies."""
    page = await house.metier.records.find(house.actor, "company", limit=500)
    names = [record["name"] for record in page.records]
    while page.next_cursor:
        page = await house.metier.records.find(house.actor, "company", limit=500, cursor=page.next_cursor)
        names += [record["name"] for record in page.records]
    return names


async def check_turn(house: House, turn: Turn) -> None:
    run_id = UUID(turn.run)
    run = await house.metier.runs.get(house.actor, run_id)
    stored = await house.metier.runs.messages(run.workspace_id, thread_id=UUID(turn.thread))
    messages = [one.message for one in stored]
    assert [one.seq for one in stored] == [1, 2, 3, 4, 5, 6]
    assert [m.role for m in messages] == ["user", "assistant", "tool", "assistant", "tool", "assistant"]
    assert find_break(messages) is None
    assert (messages[0].text, messages[-1].text) == (turn.text, "".join(WORDS))
    log = await house.metier.runs.events(run_id)
    assert [(tuple(e.cursor), e.type.value, e.data) for e in log if e.type != "token"] == [
        frame for frame in turn.frames if frame[1] != "token"
    ]
    places = [frame[0] for frame in turn.frames]
    assert places == sorted(set(places))
    assert said(turn.frames) == ["Let me see. ", "Let me see. ", "".join(WORDS)]
    answered = [frame[2]["call_id"] for frame in turn.frames if frame[1] == "tool_result"]
    assert answered == ["call-0", "call-1"]
    count = await house.metier.records.find(house.actor, "company", where={"name": {"eq": turn.text}}, limit=5)
    assert len(count.records) == 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def said(frames: list[tuple[tuple[int, int], str, dict[str, Any]]]) -> list[str]:
    """Put the pieces of text together as a reader does; what is taken back goes."""
    parts: dict[int, str] = {}
    for _, name, data in frames:
        if name == "resumed":
            parts = {part: text for part, text in parts.items() if part < data["part"]}
        elif name == "token":
            assert len(parts.get(data["part"], "")) == data["offset"]
            parts[data["part"]] = parts.get(data["part"], "") + data["text"]
    return [text for _, text in sorted(parts.items())]
