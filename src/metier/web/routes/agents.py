"""Settings, Agents: who can be asked, what the workspace's own are told, their versions, and what is confirmed."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access.roles import SEEN_WITH
from metier.actor import Actor, Holder, check_flag
from metier.agents import AGENT, Agent, AgentKind, Limits
from metier.agents.form import LIMIT_KEYS
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.definitions import NEW
from metier.errors import MetierError, NotFound
from metier.web.forms import Inputs, read_form, read_inputs, wrong
from metier.web.pages import page
from metier.web.versions import go_back, version_page

URL = "/settings/ai/agents"
PARENTS = (("Agents", URL),)

CONFIRMING = {
    "always": "Every change",
    "outside_own": "Changes of what is not the person's own",
    "never": "No change",
}
LIMITS = {
    "max_steps": "Model calls",
    "max_seconds": "Seconds",
    "max_tokens": "Tokens",
    "max_same_call": "Same call at most",
}
TEXTS = ("label", "description", "prompt", "model", "role", "confirm")


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=URL)
    routes.add_api_route("", show_agents)
    routes.add_api_route("", choose_confirming, methods=["POST"])
    routes.add_api_route("/new", create_agent, methods=["POST"])
    routes.add_api_route("/{name}", show_agent)
    routes.add_api_route("/{name}", save_agent, methods=["POST"])
    routes.add_api_route("/{name}/archive", archive_agent, methods=["POST"])
    routes.add_api_route("/{name}/restore", restore_agent, methods=["POST"])
    routes.add_api_route("/{name}/versions/{version}", show_version)
    routes.add_api_route("/{name}/versions/{version}/rollback", roll_back, methods=["POST"])
    return routes


# --- all agents ------------------------------------------------------------------------------------------------------


async def show_agents(request: Request, house: House, actor: Asker, saved: str = "") -> Response:
    """List the agents, and show which changes they have confirmed."""
    return await _agents_page(request, house, actor, saved=saved)


async def choose_confirming(request: Request, house: House, actor: Asker) -> Response:
    """Choose which changes agents have confirmed."""
    names = await house.agents.names(actor.workspace_id)
    given = await read_form(request, "default", *(f"agent.{name}" for name in names))
    agents = {name: given[f"agent.{name}"] or None for name in names}
    await house.access.choose_confirming(actor, default=given["default"] or None, agents=agents, known=names)
    return RedirectResponse(f"{URL}?saved=1", status_code=303)


async def create_agent(request: Request, house: House, actor: Asker) -> Response:
    """Make an agent that works with records, and go on to it."""
    sent = await read_inputs(request)
    given = {key: sent.first(key).replace("\r\n", "\n").strip() for key in ("name", "label", "prompt")}
    body = {key: value or None for key, value in given.items()} | {"toolsets": ["records"]}
    try:
        made = await house.definitions.publish(actor, AGENT, body, expected=NEW)
    except MetierError as error:
        return await _agents_page(request, house, actor, given=given, error=error)
    return _to(made.name)


async def _agents_page(
    request: Request,
    house: Metier,
    actor: Actor,
    *,
    given: Mapping[str, str] | None = None,
    error: MetierError | None = None,
    saved: str = "",
) -> Response:
    check_flag(actor, AgentKind.flag)
    chosen = await house.access.confirming(actor.workspace_id)
    agents = await house.agents.all(actor.workspace_id)
    return await page(
        request,
        "settings/agents.html",
        actor=actor,
        status=error.status if error else 200,
        agents=[(agent, chosen.of(agent.name, agent.confirm)) for agent in agents],
        coded=house.agents.coded,
        archived=await house.definitions.listed(actor, AGENT, archived=True),
        chosen=chosen,
        words=CONFIRMING,
        saved=saved,
        given=dict.fromkeys(("name", "label", "prompt"), "") | dict(given or {}),
        **wrong(error, "name", "label", "prompt"),
    )


# --- one agent -------------------------------------------------------------------------------------------------------


async def show_agent(request: Request, house: House, actor: Asker, name: str, saved: str = "") -> Response:
    """Show what an agent is; one of the workspace can be changed here."""
    return await _agent_page(request, house, actor, name, saved=saved)


async def save_agent(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Publish what the form says."""
    sent = await read_inputs(request)
    try:
        await house.definitions.amend(actor, AGENT, name, _form(sent))
    except MetierError as error:
        return await _agent_page(request, house, actor, name, sent=sent, error=error)
    return _to(name, "?saved=1")


async def archive_agent(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Archive an agent."""
    try:
        await house.definitions.archive(actor, AGENT, name)
    except MetierError as error:
        return await _agent_page(request, house, actor, name, error=error)
    return RedirectResponse(URL, status_code=303)


async def restore_agent(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Bring an archived agent back."""
    try:
        await house.definitions.restore(actor, AGENT, name)
    except MetierError as error:
        return await _agents_page(request, house, actor, error=error)
    return RedirectResponse(URL, status_code=303)


async def show_version(request: Request, house: House, actor: Asker, name: str, version: int) -> Response:
    """Show what a version changed."""
    return await version_page(request, house, actor, AGENT, name, version, url=URL, parents=PARENTS)


async def roll_back(request: Request, house: House, actor: Asker, name: str, version: int) -> Response:
    """Publish an old version anew."""
    return await go_back(request, house, actor, AGENT, name, version, url=URL, parents=PARENTS)


async def _agent_page(
    request: Request,
    house: Metier,
    actor: Actor,
    name: str,
    *,
    sent: Inputs | None = None,
    error: MetierError | None = None,
    saved: str = "",
) -> Response:
    check_flag(actor, AgentKind.flag)
    agent = await house.agents.find(actor.workspace_id, name)
    if agent is None:
        raise NotFound("agent", name[:100], await house.agents.names(actor.workspace_id))
    coded = agent.name in house.agents.coded
    places = (*TEXTS, *(f"limits.{key}" for key in LIMIT_KEYS))
    return await page(
        request,
        "settings/agent.html",
        actor=actor,
        status=error.status if error else 200,
        agent=agent,
        coded=coded,
        limited_by=await house.agents.limited_by(actor.workspace_id, agent),
        given=_given(agent, sent),
        toolsets=[(one, one in (sent.all("toolset") if sent else agent.toolsets)) for one in house.shelf.toolsets],
        roles=await _roles(house, actor, agent),
        models=["default-smart-model", "default-fast-model", *(model.id for model in house.catalog.models())],
        confirming=CONFIRMING,
        limits=LIMITS,
        versions=() if coded else await house.definitions.history(actor, AGENT, agent.name),
        url=f"{URL}/{quote(agent.name, safe='')}",
        saved=saved,
        cure=error.cure if error else None,
        **wrong(error, *places),
    )


async def _roles(house: Metier, actor: Actor, agent: Agent) -> list[tuple[str, str]]:
    """Give the roles that agents can have, as name and label; only that of the agent to who may not see them."""
    if not any(map(actor.holds, SEEN_WITH)):
        return [(agent.role, agent.role)] if agent.role else []
    return [(r.name, r.label) for r in await house.access.roles(actor) if Holder.AGENTS in r.can_be_assigned_to]


def _given(agent: Agent, sent: Inputs | None) -> dict[str, str]:
    """Give what the form shows: what was sent, or what the agent is."""
    keys = (*TEXTS, *LIMIT_KEYS)
    if sent is not None:
        return {key: sent.first(key) for key in keys}
    limits = {key: str(getattr(agent.limits, key)).removesuffix(".0") for key in LIMIT_KEYS}
    own = {key: getattr(agent, key) for key in TEXTS}
    return {key: "" if value is None else str(value) for key, value in (own | limits).items()}


def _form(sent: Inputs) -> dict[str, Any]:
    """Read an agent's form; what is empty is not said, and limits as usual are not said either."""
    texts = {key: sent.first(key).replace("\r\n", "\n").strip() for key in TEXTS}
    said: dict[str, Any] = {key: text or None for key, text in texts.items()}
    usual = Limits()
    limits = {key: _number(sent.first(key)) for key in LIMIT_KEYS if sent.first(key).strip()}
    said["limits"] = {key: value for key, value in limits.items() if value != getattr(usual, key)} or None
    return said | {"toolsets": sent.all("toolset") or None}


def _number(text: str) -> float | str:
    """Read a number; what is none stays as it is, and is refused at its place."""
    try:
        return int(text) if text.strip().isdecimal() else float(text)
    except ValueError:
        return text


def _to(name: str, query: str = "") -> Response:
    return RedirectResponse(f"{URL}/{quote(name, safe='')}{query}", status_code=303)
