"""`metier agents`: who can be asked; those of the workspace can be made and changed."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from metier.cli.terminal import say, say_json, say_table
from metier.cli.versions import AsJson, Name, Note, add_versions, change, in_house, read_text

if TYPE_CHECKING:
    from metier.actor import Actor
    from metier.agents import Agent
    from metier.app import Metier

AGENT = "agent"

Label = Annotated[str | None, typer.Option(help="What people read; made of the name if left out.")]
Description = Annotated[str | None, typer.Option(help="For those who choose an agent.")]
Prompt = Annotated[str | None, typer.Option(help="What it is for and how it works.")]
PromptFile = Annotated[Path | None, typer.Option(help="A file with the prompt.")]
Model = Annotated[str | None, typer.Option(help="A model's name.")]
Toolsets = Annotated[str | None, typer.Option(help="Groups of tools it works with: records,record_writes,http,asking.")]
Role = Annotated[str | None, typer.Option(help="What it may do at most, whoever asks; none for what the asker may.")]
Limit = Annotated[
    list[str] | None, typer.Option(help="Where a run ends: max_steps=10, max_seconds=60; may be given again.")
]
Confirm = Annotated[str | None, typer.Option(help="What is confirmed: always, outside_own, never; none for as chosen.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    agents = typer.Typer(help="Agents: who can be asked.", no_args_is_help=True)
    app.add_typer(agents, name="agents")
    _add_reading(agents)
    _add_changes(agents)
    add_versions(agents, AGENT)


def _add_reading(agents: typer.Typer) -> None:
    @agents.command("list")
    def list_agents(as_json: AsJson = False) -> None:
        """List the agents that can be asked."""
        asyncio.run(_list(as_json=as_json))

    @agents.command("show")
    def show_agent(name: Name, as_json: AsJson = False) -> None:
        """Show an agent with its prompt and limits."""
        found = asyncio.run(in_house(lambda m, actor: _one(m, actor, name)))
        if as_json:
            say_json(found)
        else:
            _say(found)


def _add_changes(agents: typer.Typer) -> None:
    @agents.command("create")
    def create_agent(
        name: Name,
        prompt: Prompt = None,
        prompt_file: PromptFile = None,
        label: Label = None,
        description: Description = None,
        model: Model = None,
        toolsets: Toolsets = None,
        role: Role = None,
        limit: Limit = None,
        confirm: Confirm = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Make an agent; it can be asked at once."""
        from metier.definitions import NEW

        body = {"name": name} | _form(prompt, prompt_file, label, description, model, toolsets, role, limit, confirm)
        change(lambda m, actor: m.definitions.publish(actor, AGENT, body, expected=NEW, note=note), as_json=as_json)

    @agents.command("change")
    def change_agent(
        name: Name,
        prompt: Prompt = None,
        prompt_file: PromptFile = None,
        label: Label = None,
        description: Description = None,
        model: Model = None,
        toolsets: Toolsets = None,
        role: Role = None,
        limit: Limit = None,
        confirm: Confirm = None,
        note: Note = "",
        as_json: AsJson = False,
    ) -> None:
        """Change an agent; an option replaces what was there, and what is left out stays."""
        said = _form(prompt, prompt_file, label, description, model, toolsets, role, limit, confirm)
        change(lambda m, actor: m.definitions.amend(actor, AGENT, name, said, note=note), as_json=as_json)


async def _list(*, as_json: bool) -> None:
    async def all_of(metier: "Metier", actor: "Actor") -> list[dict[str, Any]]:
        return [_whole(metier, agent) for agent in await metier.agents.all(actor.workspace_id)]

    found = await in_house(all_of)
    if as_json:
        for agent in found:
            say_json(agent)
    else:
        titles = ("name", "label", "model", "role", "from")
        say_table(titles, [(a["name"], a["label"], a["model"], a["role"] or "", a["source"]) for a in found])


async def _one(metier: "Metier", actor: "Actor", name: str) -> dict[str, Any]:
    agent = await metier.agents.get(actor.workspace_id, name)
    return _whole(metier, agent) | {"limited_by": await metier.agents.limited_by(actor.workspace_id, agent)}


def _whole(metier: "Metier", agent: "Agent") -> dict[str, Any]:
    return agent.to_json() | {"source": metier.agents.source(agent)}


def _form(
    prompt: str | None,
    prompt_file: Path | None,
    label: str | None,
    description: str | None,
    model: str | None,
    toolsets: str | None,
    role: str | None,
    limit: list[str] | None,
    confirm: str | None,
) -> dict[str, Any]:
    """Give what the options say of an agent; `none` takes a value away."""
    said = {
        "prompt": read_text(prompt_file) if prompt_file else prompt,
        "label": label,
        "description": description,
        "model": model,
        "toolsets": None if toolsets is None else [name.strip() for name in toolsets.split(",") if name.strip()],
        "role": role,
        "limits": dict(map(_limit, limit)) if limit else None,
        "confirm": confirm,
    }
    given = {key: value for key, value in said.items() if value is not None}
    return {key: None if key in ("role", "confirm") and value == "none" else value for key, value in given.items()}


def _limit(text: str) -> tuple[str, float | str]:
    """Read `max_steps=10`."""
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value) if "." in value else int(value)
    except ValueError:
        return name.strip(), value  # refused at its place, with what is expected


def _say(agent: dict[str, Any]) -> None:
    say(f"{agent['label']} ({agent['name']})")
    if agent["description"]:
        say(f"  {agent['description']}")
    say(f"  model: {agent['model']}")
    say(f"  toolsets: {', '.join(agent['toolsets']) or 'none'}")
    if agent["tools"]:
        say(f"  tools: {', '.join(agent['tools'])}")
    limits = " and ".join(agent["limited_by"])
    say(f"  may: {f'at most what {limits} and the asker may' if limits else 'what the asker may'}")
    say(f"  limits: {', '.join(f'{key} {value:g}' for key, value in agent['limits'].items())}")
    say(f"  confirmed: {agent['confirm'] or 'as the workspace chose'}")
    say(f"  from: {agent['source']}")
    say("")
    say(agent["prompt"].strip())
