"""Settings, Audit: who did and tried what, and whether the log is whole."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from metier.api.auth import Asker, House
from metier.web.pages import page

PAGE = 50
THINGS = ("tool", "record", "definition", "role", "member", "key", "sign_in", "budget", "feature")
DECISIONS = ("done", "allowed", "refused")


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix="/settings")
    routes.add_api_route("/audit", show_audit, response_class=Response)
    return routes


async def show_audit(
    request: Request,
    house: House,
    actor: Asker,
    action: str = "",
    decision: str = "",
    cursor: str = "",
    verify: bool = False,
) -> Response:
    """List the log, the newest first, or those rows of it that are looked for."""
    found = await house.audit.list(
        actor, action=action or None, decision=decision or None, limit=PAGE, cursor=cursor or None
    )
    return await page(
        request,
        "settings/audit.html",
        actor=actor,
        rows=[_row(row) for row in found.rows],
        action=action,
        decision=decision,
        things=THINGS,
        decisions=DECISIONS,
        address=_address,
        older=_address(action, decision, found.next_cursor) if found.next_cursor else "",
        verdict=await house.audit.verify(actor) if verify else None,
    )


def _address(action: str, decision: str, cursor: str = "") -> str:
    asked = {"action": action, "decision": decision, "cursor": cursor}
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/settings/audit?{query}" if query else "/settings/audit"


def _row(row: Mapping[str, Any]) -> dict[str, Any]:  # Any: columns
    """Give a row as it reads: through whom, to what, and why."""
    through = [link.partition(":")[2] for link in row["actor"].get("chain", ())]
    return {
        **row,
        "who": row["actor"].get("label", ""),
        "through": ", ".join(through),
        "what": row["tool"] or row["target"],
        "count": "" if row["rows"] is None else f"{row['rows']:,} {'row' if row['rows'] == 1 else 'rows'}",
    }
