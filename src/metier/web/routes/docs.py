"""The API, described for people: what there is to call and what to send."""

from fastapi import APIRouter, Request, Response

from metier.api.auth import Asker
from metier.web.pages import page
from metier.web.reference import operations


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    routes.add_api_route("/docs", show_reference)
    return routes


async def show_reference(request: Request, actor: Asker) -> Response:
    """Show every operation of the API."""
    return await page(
        request,
        "docs.html",
        actor=actor,
        groups=operations(request.app.openapi()),
        document_url=request.app.openapi_url,
        api_base=str(request.base_url).rstrip("/"),
    )
