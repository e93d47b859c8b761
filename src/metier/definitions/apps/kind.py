"""Apps as definitions: what `metier.toml` says, and what the app has added to definitions of others."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from metier.definitions import rows
from metier.definitions.bodies import Body
from metier.definitions.kind import Edit, Future, Kind, Renames
from metier.errors import Conflict, Invalid, Problem, nearest
from metier.registry import fold_name
from metier.store import Transaction

APP = "app"
ROLE = "role"  # the kind of the application role

APP_KEYS = ("name", "label", "version", "description", "author", "role", "universal_identifier")

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,48}")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+){0,3}([-+.][0-9A-Za-z.+-]{1,40})?")
_ONE_LINE = {"label": 100, "author": 200, "role": 49, "version": 60}  # characters at most


class AppKind(Kind):
    """Apps. They are applied and removed as a whole, by `Apps`; no other way changes one."""

    name = APP
    label = "app"
    flag = "APPLICATIONS"
    purge_flag = "APPLICATIONS"
    refers_to = frozenset({ROLE, "object"})

    def form(self, raw: Body) -> Body:
        """Give an app in canonical form; `added` is what it has added to others, by kind, name and part."""
        said = {key: value for key, value in raw.items() if value is not None}
        if problems := list(_problems({key: value for key, value in said.items() if key != "added"})):
            raise Invalid.of(problems, what=f"The app {raw.get('name', '')!r}"[:120])
        name = fold_name(said["name"])
        body = {"name": name, "label": name.replace("-", " ").capitalize()} | said | {"name": name}
        if "role" in body:
            body["role"] = fold_name(body["role"])
        return {key: body[key] for key in (*APP_KEYS, "added") if body.get(key) not in (None, "", {})}

    async def validate(self, tx: Transaction, edit: Edit, future: Future) -> None:
        """Check that it is applied as a whole, and that its agents have a role to limit them.

        Raises:
            Conflict: Somebody changes the app alone, or purges it while something of it is left.
            Invalid: There is no such role, or it is not for agents.
        """
        if edit.purged:
            await _check_empty(tx, edit)
        elif not edit.applies and not edit.follows:
            cure = "metier app apply DIR, or metier app remove NAME"
            raise Conflict(f"The app {edit.name!r} is applied and removed as a whole.", cure=cure)
        if edit.after is None or "role" not in edit.after:
            return
        roles = await future.live(ROLE)
        role = roles.get(edit.after["role"])
        if role is None:
            near = nearest(edit.after["role"], roles)
            problem = Problem("role", f"there is no role {edit.after['role']!r}", tuple(roles), did_you_mean=near)
            raise Invalid.of([problem], what=f"The app {edit.name!r}", cure="Bring it in roles/, or name another.")
        _check_for_agents(edit.name, role)

    async def check_referred(self, edit: Edit, future: Future) -> None:
        """Refuse to take from an app the role that limits its agents."""
        if edit.kind != ROLE:
            return
        for name, body in (await future.live(APP)).items():
            if body.get("role") == edit.name and edit.after is None:
                raise Conflict(f"The role {edit.name!r} limits the app {name!r}.", cure=f"metier app remove {name}")
            if body.get("role") == edit.name and edit.after is not None:
                _check_for_agents(name, edit.after)

    def renamed(self, body: Body, renames: Renames) -> Body:
        """Let what it has added be known by new names."""
        added = {kind: dict(named) for kind, named in body.get("added", {}).items()}
        if renames.kind not in added:
            return body
        followed: dict[str, Any] = {}
        for name, parts in added[renames.kind].items():
            new = renames.parts.get(name, {})
            followed[renames.names.get(name, name)] = [
                part | {"name": new.get(part["name"], part["name"])} for part in parts
            ]
        return body | {"added": added | {renames.kind: followed}}


def added_by(body: Body | None, kind: str) -> Mapping[str, list[Body]]:
    """Give what an app has added to definitions of a kind: parts by the definition's name."""
    found: Mapping[str, list[Body]] = (body or {}).get("added", {}).get(kind, {})
    return found


def _problems(said: Mapping[str, Any]) -> Iterator[Problem]:
    for key in said:
        if key not in APP_KEYS:
            near = nearest(key, APP_KEYS)
            yield Problem(key[:60], f"there is no key {key[:60]!r} here", allowed=APP_KEYS, did_you_mean=near)
    name, version = said.get("name"), said.get("version")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        problem = f"{str(name)[:100]!r} must begin with a to z, then a to z, 0 to 9, _ and -, at most 49"
        yield Problem("name", problem, example="fleet")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        yield Problem("version", f"{str(version)[:60]!r} must be a version as text", example="1.0.0")
    for key, longest in _ONE_LINE.items():
        text = said.get(key, "x")
        if not isinstance(text, str) or not 0 < len(text) <= longest or not text.isprintable() or text != text.strip():
            yield Problem(key, f"must be one line of at most {longest} characters, no space around")
    if not isinstance(said.get("description", ""), str) or len(said.get("description", "")) > 2_000:
        yield Problem("description", "must be a text of at most 2,000 characters")
    try:
        UUID(said.get("universal_identifier", str(UUID(int=0))))
    except (ValueError, AttributeError, TypeError):
        yield Problem("universal_identifier", "must be a UUID", example="b3c4d5e6-f7a8-4012-8cde-f34567890123")


async def _check_empty(tx: Transaction, edit: Edit) -> None:
    left = [f"{row.kind} {row.name!r}" for row in await rows.of_app(tx, edit.workspace_id, edit.id)]
    if left:
        raise Conflict(f"The app {edit.name!r} has brought {', '.join(left)}.", cure="Purge these first.")


def _check_for_agents(app: str, role: Mapping[str, Any]) -> None:
    if "agents" not in role["can_be_assigned_to"]:
        cure = "Let agents have it: can_be_assigned_to."
        raise Conflict(f"The role {role['name']!r} limits agents of the app {app!r} and is not for agents.", cure=cure)
