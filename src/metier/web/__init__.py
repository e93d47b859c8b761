"""Pages: rendered by the server, on the same functions as the API.

`attach(app, metier)` puts them on the application that `metier.api.build(metier, renderers(metier))` made.
"""

import importlib
import pkgutil

from fastapi import FastAPI

from metier.api.sse import Renderer
from metier.app import Metier
from metier.web import routes
from metier.web.assets import Assets
from metier.web.failures import show_failures
from metier.web.headers import SecurityHeaders
from metier.web.pages import Pages
from metier.web.stream import HtmlRenderer

__all__ = ["attach", "renderers"]


def renderers(metier: Metier) -> dict[str, Renderer]:
    """Give the ways to show a run's events that pages ask for, for `metier.api.build`."""
    return {"html": HtmlRenderer(Pages(metier, Assets()))}


def attach(app: FastAPI, metier: Metier) -> None:
    """Add pages, static files, security headers and errors that people can read."""
    app.state.pages = Pages(metier, Assets())
    app.add_middleware(SecurityHeaders)
    show_failures(app)
    for found in pkgutil.iter_modules(routes.__path__, f"{routes.__name__}."):
        app.include_router(importlib.import_module(found.name).router(), include_in_schema=False)
