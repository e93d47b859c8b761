"""Settings, Features: what the workspace has switched on."""

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access.features import FLAG
from metier.actor import check_flag
from metier.api.auth import Asker, House
from metier.web.forms import read_form
from metier.web.pages import page

URL = "/settings/features"


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=URL)
    routes.add_api_route("", show_features)
    routes.add_api_route("/{key}", set_feature, methods=["POST"])
    return routes


async def show_features(request: Request, house: House, actor: Asker, saved: str = "") -> Response:
    """List the feature flags with their switches."""
    check_flag(actor, FLAG)
    flags = await house.access.feature_flags(actor)
    return await page(
        request,
        "settings/features.html",
        actor=actor,
        flags=flags,
        saved=next((flag for flag in flags if flag.key == saved), None),
    )


async def set_feature(request: Request, house: House, actor: Asker, key: str) -> Response:
    """Switch a feature on (`value=on`) or off."""
    given = await read_form(request, "value")
    flag = await house.access.set_feature_flag(actor, key, value=given["value"] == "on")
    return RedirectResponse(f"{URL}?saved={flag.key}", status_code=303)
