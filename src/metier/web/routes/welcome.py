"""The welcome: whoever holds the link of an empty home makes its workspace and becomes the first admin."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from metier.access import SignedIn, Welcome
from metier.access.checks import clean_email, clean_name
from metier.access.passwords import SHORTEST, check_password
from metier.api.auth import House
from metier.app import Metier
from metier.errors import Invalid, MetierError, NotSignedIn, Problem
from metier.web.cookies import WELCOME_COOKIE, keep_sign_in
from metier.web.forms import read_form, time_zones, wrong
from metier.web.pages import page
from metier.web.routes.home import home_of

FIELDS = ("workspace", "name", "email", "password")


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter()
    routes.add_api_route("/welcome", show_welcome)
    routes.add_api_route("/welcome", make_workspace, methods=["POST"])
    return routes


async def show_welcome(request: Request, house: House) -> Response:
    """Ask what the workspace is called and who its first admin is; without the link's cookie this is the sign-in."""
    if WELCOME_COOKIE not in request.cookies or await house.access.workspaces():
        return RedirectResponse("/login", status_code=303)
    return await _welcome_page(request, {"sample": "yes"})


async def make_workspace(request: Request, house: House) -> Response:
    """Make the workspace, its first admin and, if wanted, the sample data; then sign in.

    The link is used up only when everything typed is right, so that a slip costs nothing.
    """
    given = await read_form(request, *FIELDS, "sample", "time_zone")
    try:
        _check(given)
        found = await house.access.use_link(request.cookies.get(WELCOME_COOKIE, ""))
    except NotSignedIn as error:
        return await page(
            request, "signin/link.html", actor=None, status=error.status, message=error.message, cure=None
        )
    except MetierError as error:
        return await _welcome_page(request, given, error)
    if not isinstance(found, Welcome):
        raise NotSignedIn("This link is not for making a workspace.")
    signed_in = await _begin(house, given)
    return keep_sign_in(request, RedirectResponse(home_of(signed_in.actor), status_code=303), signed_in)


async def _begin(house: Metier, given: Mapping[str, str]) -> SignedIn:
    actor = await house.found_workspace(given["workspace"])
    zone = given["time_zone"] if given["time_zone"] in time_zones() else None
    await house.access.update_profile(actor, name=given["name"], time_zone=zone)
    await house.access.set_password(actor, email=given["email"], password=given["password"])
    if given["sample"]:
        await house.load_sample(await house.access.operator())
    return await house.access.sign_in(given["email"], given["password"])


def _check(given: Mapping[str, str]) -> None:
    """Let pass what can be stored.

    Raises:
        Invalid: Names every field that is wrong.
    """
    problems: list[Problem] = []
    for check in (
        lambda: clean_name(given["workspace"], "workspace"),
        lambda: clean_name(given["name"], "name"),
        lambda: clean_email(given["email"]),
        lambda: check_password(given["password"]),
    ):
        try:
            check()
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid.of(problems)


async def _welcome_page(request: Request, given: Mapping[str, str], error: MetierError | None = None) -> Response:
    return await page(
        request,
        "signin/welcome.html",
        actor=None,
        status=error.status if error else 200,
        given=dict.fromkeys((*FIELDS, "sample"), "") | dict(given),
        shortest=SHORTEST,
        **wrong(error, *FIELDS),
    )
