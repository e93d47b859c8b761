"""The REST API: JSON under `/api/v1`, events as a stream, one error shape."""

from collections.abc import Mapping

from fastapi import FastAPI

from metier.api import (
    agents,
    apps,
    audit,
    budgets,
    chat,
    data,
    definitions,
    features,
    hosts,
    me,
    members,
    objects,
    requests,
    roles,
    schedules,
    secrets,
    usage,
    views,
    why,
    workspace,
    writes,
)
from metier.api.auth import OriginCheck
from metier.api.credentials import describe_credentials
from metier.api.errors import handle_errors
from metier.api.sse import Renderer
from metier.app import Metier
from metier.health import Checkup

__all__ = ["build"]


def build(metier: Metier, renderers: Mapping[str, Renderer] | None = None) -> FastAPI:
    """Make the web application that serves a Metier.

    Args:
        renderers: Ways to show a run's events besides JSON, for `?format=`.
    """
    app = FastAPI(
        title="Metier",
        version=metier.version,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        telemetry={"tracing": False, "metrics": False, "logs": False},  # else looked for at each request
    )
    app.state.metier = metier
    app.state.checkup = Checkup(metier)
    app.add_middleware(OriginCheck)
    handle_errors(app)
    app.include_router(data.router())  # first, for each route before a hot one costs a match
    app.include_router(writes.router())
    app.include_router(objects.router())
    app.include_router(definitions.router())
    app.include_router(chat.router(dict(renderers or {})))
    app.include_router(requests.router())
    app.include_router(me.router())
    app.include_router(views.router())
    app.include_router(workspace.router())
    app.include_router(agents.router())
    app.include_router(apps.router())
    app.include_router(roles.router())
    app.include_router(why.router())
    app.include_router(features.router())
    app.include_router(budgets.router())
    app.include_router(usage.router())
    app.include_router(secrets.router())
    app.include_router(members.router())
    app.include_router(audit.router())
    app.include_router(hosts.router())
    app.include_router(schedules.router())
    app.include_router(workspace.health_router())
    describe_credentials(app)
    return app
