"""Makes pages of templates: a route says `return await page(request, "records/list.html", actor=actor, …)`.

Every template finds `shell` (what the frame around the page shows; None for somebody not signed in), `actor`, `fmt`
(how values read), `icon`, `asset`, `bundles`, `path`, `done` (what was written just now) and `nonce`. A fragment is a
template of its own that its page includes, so both look the same.
"""

import gzip
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from metier.actor import Actor
from metier.api.auth import checkup_of
from metier.app import Metier
from metier.web.assets import BUILD_COMMAND, Assets
from metier.web.editing import done_note
from metier.web.entry import currencies
from metier.web.headers import POLICY, complete, new_nonce, policy
from metier.web.icons import icon
from metier.web.reading import Reading
from metier.web.shell import Shell, build_shell

TEMPLATES = Path(__file__).parent / "templates"
WORTH_PACKING = 2_000  # bytes


class Pages:
    """The templates of one app, and what they all are given. Found at `request.app.state.pages`."""

    def __init__(self, metier: Metier, assets: Assets) -> None:
        self.metier = metier
        self.assets = assets
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            auto_reload=False,  # an upgrade under a running server must not mix two versions
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        shared: dict[str, Any] = {
            "icon": icon,
            "asset": assets.url,
            "build_command": BUILD_COMMAND,
            "currencies": currencies,
        }  # functions, texts
        self._templates.globals.update(shared)

    def reading(self, actor: Actor | None) -> Reading:
        """Give the forms in which values read for this person, now."""
        now = self.metier.clock.now()
        if actor is None:
            return Reading(now, ZoneInfo("UTC"))
        return Reading(now, ZoneInfo(actor.me.time_zone), actor.me.locale, actor.me.formats)

    def render(self, template: str, **values: Any) -> str:
        """Fill in a template. `values` are what the template names."""
        return self._templates.get_template(template).render(values)


async def page(
    request: Request, template: str, *, actor: Actor | None, status: int = 200, **values: Any
) -> HTMLResponse:
    """Answer with a whole page, in its frame if somebody is signed in, under a policy with a fresh nonce."""
    pages = pages_of(request)
    shell = await build_shell(pages.metier, checkup_of(request), actor, request.url.path) if actor else None
    nonce = new_nonce()
    common = _common(request, actor, shell)
    if actor and (change_id := request.query_params.get("done")):
        common["done"] = await done_note(pages.metier, actor, change_id)
    html = pages.render(template, nonce=nonce, **common, **values)
    answer = _html(request, html, status)
    answer.headers[POLICY] = policy(nonce)
    complete(answer.headers)
    return answer


def fragment(request: Request, template: str, *, actor: Actor | None, status: int = 200, **values: Any) -> HTMLResponse:
    """Answer with a piece of a page, to be swapped in."""
    return _html(request, pages_of(request).render(template, **_common(request, actor, None), **values), status)


def swap_target(request: Request) -> str | None:
    """Give the id of the element that asks to be filled, or None for a visit of the whole page."""
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-History-Restore-Request"):
        return None
    return request.headers.get("HX-Target", "").partition("#")[2] or None


def pages_of(request: Request) -> Pages:
    """Give the app's pages."""
    found = request.app.state.pages
    assert isinstance(found, Pages)
    return found


def metier_of(request: Request) -> Metier:
    """Give the Metier behind the app."""
    return pages_of(request).metier


def _html(request: Request, html: str, status: int) -> HTMLResponse:
    headers = {"Vary": "Accept-Encoding, HX-Request"}
    body = html.encode()
    if len(body) > WORTH_PACKING and "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=4)
    return HTMLResponse(body, status_code=status, headers=headers)


def _common(request: Request, actor: Actor | None, shell: Shell | None) -> dict[str, Any]:
    pages = pages_of(request)
    return {
        "actor": actor,
        "shell": shell,
        "path": request.url.path,
        "done": None,
        "fmt": pages.reading(actor),
        "bundles": not pages.assets.missing,
    }
