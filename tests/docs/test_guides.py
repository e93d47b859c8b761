"""The guides work as they are written: their files are made, their commands run and print what is shown."""

import re
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from metier.testing.faults import Call, ModelServer, Reply, calls, fails, says
from tests.docs.pages import GUIDES, Command, blocks, commands, fits, sections
from tests.docs.shell import Shell

FIRST_AGENT = (GUIDES / "first-agent.md").read_text()
CONNECT = (GUIDES / "connect-a-model.md").read_text()
APPS = (GUIDES / "apps.md").read_text()
CONNECTIONS = (GUIDES / "connections.md").read_text()
OLLAMA = "127.0.0.1:11434"  # where the guides say that a server of one's own listens


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    """A server that speaks a model's protocol."""
    async with ModelServer() as server:
        yield server


@pytest.fixture
def shell(model: ModelServer, database_url: str, tmp_path: Path) -> Shell:
    """A shell in an empty folder, with a database of its own and that server."""
    return Shell(tmp_path, {"DATABASE_URL": database_url}, {OLLAMA: f"127.0.0.1:{model.port}", "sk-…": "sk-none"})


async def follow(shell: Shell, shown: list[Command]) -> None:
    """Run the commands and hold what they print to what is shown."""
    import asyncio

    for command in shown:
        printed = await asyncio.to_thread(shell.run, command.line)
        assert fits(command.output, printed), f"$ {command.line}\n{printed}"


def files(page: str) -> Iterator[tuple[str, str]]:
    """Give the files that a page says to write: name and content."""
    for block in blocks(page, "python", "toml"):
        found = re.match(r"# ([\w.]+)\n", block.text)
        assert found, block.text
        yield found[1], block.text


async def test_the_first_agent_is_written_tested_asked_and_installed(shell: Shell, model: ModelServer):
    asks_price = calls(Call("price_of", '{"sku":"A-1"}'))
    model.then(asks_price, says("A-1 costs 12.50 euros."), asks_price, says("A-1 costs 12.50 euros."))
    for name, text in files(FIRST_AGENT):
        (shell.folder / name).write_text(text)
    shell.instead["pip install"] = lambda: install(shell)

    await follow(shell, commands(FIRST_AGENT))

    assert len(model.chats) == 4


def install(shell: Shell) -> str:
    """Do what an editable installation leaves behind, without touching the environment of these tests."""
    project = tomllib.loads((shell.folder / "pyproject.toml").read_text())["project"]
    note = shell.folder / f"{project['name']}-{project['version']}.dist-info"
    note.mkdir()
    (note / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = project["entry-points"]["metier"].items()
    (note / "entry_points.txt").write_text("[metier]\n" + "".join(f"{name} = {aim}\n" for name, aim in points))
    shell.env["PYTHONPATH"] = str(shell.folder)
    return "…\n"


async def test_a_key_is_all_that_a_vendor_needs(shell: Shell, model: ModelServer):
    shell.env["OPENAI_BASE_URL"] = model.base_url

    await follow(shell, commands(sections(CONNECT, 2)["With a key"]))

    assert not model.requests


async def test_a_server_of_ones_own_is_connected_chosen_and_fails_as_told(shell: Shell, model: ModelServer):
    shell.run("metier demo --load-only")
    week = calls(Call("find_companies", '{"where":{"created_at":{"within":"last_7_days"}}}'))
    people: list[Reply] = [calls(Call("find_people", '{"limit":0}')), says("There are 140 people.")]
    model.then(week, says("These companies are new: Acme."), *people, *people)
    model.then(fails(401, "Incorrect API key provided."))
    told = sections(CONNECT, 2)
    titles = ["With a server of your own", "Say which model", "See what it did and cost", "If it does not work"]

    await follow(shell, [command for title in titles for command in commands(told[title])])

    assert list(told) == ["With a key", *titles]
    assert [asked.body["model"] for asked in model.chats][2:] == ["qwen3"] * 2 + ["llama3.1"] * 2 + ["qwen3"]


async def test_agents_are_let_out_as_told(shell: Shell):
    shell.run("metier demo --load-only")

    await follow(shell, commands(CONNECTIONS))

    assert shell.env["METIER_EGRESS_ALLOW"] == "wiki.local:8080"


async def test_an_app_is_built_applied_and_removed_as_told(shell: Shell):
    for block in blocks(APPS, "python", "toml"):
        found = re.match(r"# ([\w./-]+)\n", block.text)
        assert found, block.text
        (shell.folder / found[1]).parent.mkdir(parents=True, exist_ok=True)
        (shell.folder / found[1]).write_text(block.text)

    await follow(shell, commands(APPS))
