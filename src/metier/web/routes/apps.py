"""Settings, Apps: which are applied, what each has brought, and removing one."""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.definitions.apps import APP
from metier.errors import MetierError
from metier.web.pages import page
from metier.web.versions import version_page

URL = "/settings/apps"
PARENTS = (("Apps", URL),)

#: Where the page of a definition is, by kind; and the flag without which it cannot be opened.
PAGES = {
    "object": ("/settings/data-model", "DATA_MODEL"),
    "role": ("/settings/security/roles", "ROLES"),
    "agent": ("/settings/ai/agents", "AI_SETTINGS"),
}


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=URL)
    routes.add_api_route("", show_apps)
    routes.add_api_route("/{name}", show_app)
    routes.add_api_route("/{name}/remove", remove_app, methods=["POST"])
    routes.add_api_route("/{name}/versions/{version}", show_version)
    return routes


async def show_apps(request: Request, house: House, actor: Asker) -> Response:
    """List the apps, and those that were removed."""
    return await page(
        request,
        "settings/apps.html",
        actor=actor,
        apps=await house.apps.listed(actor),
        archived=await house.apps.listed(actor, archived=True),
    )


async def show_app(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Show what an app has brought."""
    return await _app_page(request, house, actor, name)


async def remove_app(request: Request, house: House, actor: Asker, name: str) -> Response:
    """Archive an app with all it brought."""
    try:
        await house.apps.remove(actor, name)
    except MetierError as error:
        return await _app_page(request, house, actor, name, error=error)
    return RedirectResponse(URL, status_code=303)


async def show_version(request: Request, house: House, actor: Asker, name: str, version: int) -> Response:
    """Show what a version changed of what the app says of itself."""
    return await version_page(request, house, actor, APP, name, version, url=URL, parents=PARENTS, may=False)


async def _app_page(
    request: Request, house: Metier, actor: Actor, name: str, *, error: MetierError | None = None
) -> Response:
    found = await house.apps.get(actor, name)
    app = found.definition
    parts = [(*part, _url(actor, *part)) for part in found.parts]
    return await page(
        request,
        "settings/app.html",
        actor=actor,
        status=error.status if error else 200,
        app=app,
        parts=parts,
        versions=await house.definitions.history(actor, APP, app.name),
        url=f"{URL}/{quote(app.name, safe='')}",
        problem=error.message if error else None,
        cure=error.cure if error else None,
    )


def _url(actor: Actor, kind: str, name: str, _label: str, archived: bool) -> str | None:
    """Give where a part is shown, if the actor may open that and there is something to see."""
    base, flag = PAGES.get(kind, ("", ""))
    return f"{base}/{quote(name, safe='')}" if base and not archived and actor.holds(flag) else None
