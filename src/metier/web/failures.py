"""Errors that people can read: a page where a browser asked for one, the API's JSON everywhere else."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from metier.actor import Actor
from metier.api.auth import looking_actor
from metier.errors import MetierError, NotFound, NotSignedIn
from metier.web.headers import complete
from metier.web.pages import page, swap_target

Handler = Callable[[Request, Exception], Awaitable[Response]]

TITLES = {
    403: "Not allowed",
    404: "Not found",
    405: "Not found",
    409: "Not possible now",
    422: "That does not work",
    429: "Too many tries",
    500: "Something broke",
    503: "Not available now",
}


def show_failures(app: FastAPI) -> None:
    """Put pages before the API's answers to errors, for whoever wants a page."""
    for kind in (MetierError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _or_page(app.exception_handlers[kind]))


def wants_page(request: Request) -> bool:
    """Say whether a browser is to show the answer."""
    path = request.url.path
    data = path.startswith(("/api/", "/static/")) or path.endswith(".json")
    return not data and "text/html" in request.headers.get("accept", "")


def sign_in_url(request: Request) -> str:
    """Give where to sign in, and to come back from."""
    asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = request.method == "GET" and asked != "/" and swap_target(request) is None
    return "/login" + (f"?{urlencode({'next': asked})}" if back else "")


def _or_page(json_answer: Any) -> Handler:  # the API's handlers, loosely typed by starlette
    async def answer(request: Request, error: Exception) -> Response:
        as_json: Response = await json_answer(request, error)  # logs what has to be logged
        if not wants_page(request):
            return as_json
        if isinstance(error, NotSignedIn):
            return _to_sign_in(request)
        if request.headers.get("HX-Request") == "true":
            as_json.headers["HX-Reswap"] = "none"  # the page stays as it is and says the sentence in a toast
            return as_json
        shown = await error_page(request, error, as_json.status_code)
        if retry := as_json.headers.get("Retry-After"):
            shown.headers["Retry-After"] = retry
        return shown

    return answer


def _to_sign_in(request: Request) -> Response:
    url = sign_in_url(request)
    if request.headers.get("HX-Request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": url})
    return RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})


async def error_page(request: Request, error: Exception, status: int) -> HTMLResponse:
    """Answer with the page that tells what went wrong, in the frame if somebody is signed in."""
    known = isinstance(error, MetierError)
    values = {
        "code": status,
        "heading": TITLES.get(status, "That did not work"),
        "message": error.message if known else _plain(status),
        "cure": error.cure if known and not isinstance(error, NotFound) else None,  # a NotFound's sentence holds it
    }
    actor = await _asker(request) if status != 500 else None  # what broke may break the frame too
    answer = await page(request, "error.html" if actor else "error_alone.html", actor=actor, status=status, **values)
    complete(answer.headers)
    return answer


async def _asker(request: Request) -> Actor | None:
    try:
        return await looking_actor(request)
    except MetierError:
        return None


def _plain(status: int) -> str:
    if status in (404, 405):
        return "There is no page at this address."
    if status == 500:
        return "Metier failed inside. The operator's log has the cause; trying again may help."
    return "The request could not be read."
