"""Secrets of the workspace: set and thrown away, never shown."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access import NamedSecret
from metier.actor import Actor
from metier.api.auth import Asker, House
from metier.app import Metier
from metier.errors import MetierError
from metier.web.forms import read_form, wrong
from metier.web.pages import page

PAGE = "/settings/secrets"
FIELDS = ("name", "value", "hosts", "description")


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=PAGE)
    routes.add_api_route("", show_secrets)
    routes.add_api_route("", save_secret, methods=["POST"])
    routes.add_api_route("/{name}/delete", delete_secret, methods=["POST"])
    return routes


async def show_secrets(
    request: Request, house: House, actor: Asker, change: str = "", saved: str = "", deleted: str = ""
) -> Response:
    """List the secrets, and show the form for a new one or for `change`."""
    secrets = await house.secrets.secrets(actor)
    chosen = next((secret for secret in secrets if secret.name == change), None)
    return await _page(
        request, house, actor, given=_given(chosen), change=chosen is not None, saved=saved, gone=deleted
    )


async def save_secret(request: Request, house: House, actor: Asker) -> Response:
    """Set a secret."""
    given = await read_form(request, *FIELDS, "change")
    try:
        secret = await house.secrets.put(
            actor,
            given["name"],
            value=given["value"] or None,
            hosts=given["hosts"].replace(",", " ").split(),
            description=given["description"],
        )
    except MetierError as error:
        shown = given | {"value": ""}
        return await _page(request, house, actor, given=shown, change=bool(given["change"]), error=error)
    return RedirectResponse(f"{PAGE}?saved={secret.name}", status_code=303)


async def delete_secret(house: House, actor: Asker, name: str) -> Response:
    """Throw a secret away."""
    await house.secrets.delete(actor, name)
    return RedirectResponse(f"{PAGE}?deleted=1", status_code=303)


def _given(secret: NamedSecret | None) -> dict[str, str]:
    if secret is None:
        return dict.fromkeys(FIELDS, "")
    return {"name": secret.name, "value": "", "hosts": ", ".join(secret.hosts), "description": secret.description}


async def _page(
    request: Request,
    house: Metier,
    actor: Actor,
    *,
    given: Mapping[str, str],
    change: bool,
    saved: str = "",
    gone: str = "",
    error: MetierError | None = None,
) -> Response:
    secrets = await house.secrets.secrets(actor)
    return await page(
        request,
        "settings/secrets.html",
        actor=actor,
        status=error.status if error else 200,
        secrets=secrets,
        given=given,
        change=change,
        saved=next((secret.name for secret in secrets if secret.name == saved), ""),
        gone=bool(gone),
        **wrong(error, *FIELDS),
    )
