"""Why can somebody see or do something, or not: a form that answers with the rule that decides, and leads to it.

Everything that is asked is in the address. What the one who asks may not see stays unknown here too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from metier.actor import ALL_FLAGS, Action, Actor, check_flag
from metier.actor.reason import Reason, Rule
from metier.api.auth import Asker, House
from metier.api.why import reason_of
from metier.app import Metier
from metier.errors import Invalid, MetierError, NotFound
from metier.records import ObjectType
from metier.web.pages import page
from metier.web.wording import where_line

URL = "/settings/security/why"
MEMBERS_MAX = 500


def router() -> APIRouter:
    """Make the routes."""
    routes = APIRouter(prefix=URL)
    routes.add_api_route("", show_why)
    return routes


@dataclass(frozen=True)
class Asked:
    """What the form says.

    Attributes:
        who: `role:NAME` or `member:ID`; empty: nothing is asked yet.
        what: An object's name, or `flag:NAME`.
        agent: One that acts for them; empty: they themselves.
    """

    who: str = ""
    action: str = Action.READ.value
    what: str = ""
    field: str = ""
    record_id: str = ""
    agent: str = ""

    @property
    def flag(self) -> str:
        """The flag that is asked about; empty for an object."""
        return self.what.removeprefix("flag:") if self.what.startswith("flag:") else ""

    def named(self) -> dict[str, Any]:
        """Give what `reason_of` takes."""
        kind, _, name = self.who.partition(":")
        if kind not in ("role", "member"):
            raise Invalid("Choose a role or a member.")
        whom = {kind: name, "agent": self.agent or None}
        if self.flag:
            return whom | {"flag": self.flag}
        action = Action(self.action) if self.action in tuple(Action) else Action.READ
        return whom | {"action": action, "field": self.field or None, "record_id": self.record_id or None}


async def show_why(
    request: Request,
    house: House,
    actor: Asker,
    who: str = "",
    action: str = "read",
    object: str = "",
    field: str = "",
    record_id: str = "",
    agent: str = "",
) -> Response:
    """Show the form, and the answer if something is asked."""
    check_flag(actor, "ROLES")
    asked = Asked(who.strip(), action, object.strip(), field, record_id.strip(), agent)
    objects = {kind.name: kind for kind in await house.records.objects(actor)}
    kind = objects.get(asked.what)
    if kind is None or field not in kind.by_name:
        asked = replace(asked, field="")  # a field of the object before
    reason, error = await _answer(house, actor, asked)
    return await page(
        request,
        "settings/why.html",
        actor=actor,
        status=error.status if error else 200,
        asked=asked,
        people=await _people(house, actor),
        agents=await house.agents.all(actor.workspace_id),
        objects=list(objects.values()),
        kind=kind,
        record=await _record(house, actor, kind, asked.record_id),
        actions=[one.value for one in Action],
        flags=ALL_FLAGS,
        reason=reason,
        rule=_link(reason, asked) if reason else None,
        where=where_line(reason.where) if reason and reason.where else "",
        problem=error.message if error else None,
    )


async def _answer(house: Metier, actor: Actor, asked: Asked) -> tuple[Reason | None, MetierError | None]:
    if not (asked.who and asked.what):
        return None, None
    try:
        named = asked.named()
        return await reason_of(house, actor, "" if asked.flag else asked.what, **named), None
    except MetierError as error:
        return None, error


async def _people(house: Metier, actor: Actor) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Give whom one can ask about: roles, and the members that the one who asks may see."""
    roles = [(f"role:{role.name}", role.label) for role in await house.access.roles(actor)]
    try:
        found = await house.records.find(actor, "member", limit=MEMBERS_MAX)
    except NotFound:
        return {"Roles": roles}
    members = [(f"member:{one['id']}", str(one.get("name") or one["id"])) for one in found.records]
    return {"Roles": roles, "Members": sorted(members, key=lambda one: one[1].casefold())}


async def _record(house: Metier, actor: Actor, kind: ObjectType | None, record_id: str) -> Mapping[str, Any] | None:
    if kind is None or not record_id:
        return None
    try:
        return await house.records.get(actor, kind.name, record_id)
    except NotFound:
        return None


def _link(reason: Reason, asked: Asked) -> str | None:
    """Give where the rule stands."""
    if reason.rule is Rule.FEATURE:
        return "/settings/features"
    if reason.role is None:
        return None
    role = f"/settings/security/roles/{quote(reason.role)}"
    beside = reason.rule in (Rule.FIELD, Rule.ROW) or (reason.rule is Rule.NONE and not asked.flag)
    return f"{role}?object={quote(asked.what)}" if beside else role
