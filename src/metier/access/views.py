"""Looking as another: as a role or a member would see the workspace, to change nothing.

What is seen is what the other sees and the viewer may see (S-02). It needs IMPERSONATE, looked up live; begin and end
are in the audit log, and so is each single look of a program or command.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from metier.access.desk import roles_of
from metier.access.sign_ins import SignIns
from metier.access.tokens import digest
from metier.actor import Actor, check_flag
from metier.audit import note
from metier.errors import Invalid, NotSignedIn, Problem

FLAG = "IMPERSONATE"


@dataclass(frozen=True)
class Sights:
    """Whom one can look as: roles by name and label, members by id and name."""

    roles: Sequence[tuple[str, str]]
    members: Sequence[tuple[UUID, str]]

    def to_json(self) -> dict[str, Any]:
        """Give them as data: `{"roles": [{"name", "label"}], "members": [{"id", "name"}]}`."""
        return {
            "roles": [{"name": name, "label": label} for name, label in self.roles],
            "members": [{"id": str(one), "name": name} for one, name in self.members],
        }


class Views(SignIns):
    """Begins and ends views."""

    async def sights(self, actor: Actor) -> Sights:
        """Give whom somebody can look as.

        Raises:
            MissingPermission: They do not hold IMPERSONATE.
        """
        check_flag(actor, FLAG)
        members = await self._db.rows(
            """
            select id, name from core.member
            where workspace_id = %s and deleted_at is null and deactivated_at is null order by lower(name), id
            """,
            [actor.workspace_id],
        )
        roles = await roles_of(self._db, actor.workspace_id)
        return Sights([(r.name, r.label) for r in roles], [(m["id"], m["name"]) for m in members])

    async def begin_view(
        self, actor: Actor, token: str, *, role: str | None = None, member: str | None = None
    ) -> Actor:
        """Let a browser look as a role or a member from its next request on, until it is ended.

        Args:
            token: The sign-in of that browser, and of no other.

        Raises:
            MissingPermission, OnlyViewing, NotFound, Invalid: As `viewed` says.
            NotSignedIn: The sign-in is none of the actor's.
        """
        seen = await self.viewed(actor, role=role, member=member)
        assert seen.viewing is not None  # as it has just been begun
        ids = (seen.roles[0].id, None) if seen.viewing.kind == "role" else (None, UUID(seen.viewing.name))
        async with self._change(
            actor, "view.begun", seen.viewing.label, ids[0] or ids[1], **seen.viewing.to_json()
        ) as transaction:
            begun = await transaction.execute(
                """
                update core.sign_in set view_role = %s, view_member = %s
                where token_hash = %s and workspace_id = %s and member_id = %s
                """,
                [*ids, digest(token), actor.workspace_id, actor.principal.id],
            )
            if not begun:
                raise NotSignedIn("You are signed out. Sign in again.")
        return seen

    async def end_view(self, actor: Actor, token: str) -> None:
        """Let a browser see as its own member again; again is no error."""
        viewer = actor.viewing.viewer if actor.viewing else actor
        await self._end_view(viewer, token, rule="stopped")

    async def look(self, actor: Actor, text: str, what: str) -> Actor:
        """Give somebody who looks as another for one request or command, which is written down.

        Args:
            text: `role:sales-rep`, or `member:` with an id or an e-mail.
            what: The request or command, e.g. `GET /api/v1/records/company`.

        Raises:
            MissingPermission, OnlyViewing, NotFound: As `viewed` says.
            Invalid: The text is none.
        """
        kind, _, name = text.partition(":")
        if kind not in ("role", "member") or not name:
            problem = f"{text[:100]!r} must be role:NAME or member:EMAIL"
            raise Invalid.of([Problem("view_as", problem, example="role:member")])
        seen = await self.viewed(actor, **{kind: name.strip()})
        assert seen.viewing is not None  # as it has just been begun
        told = {**seen.viewing.to_json(), "what": what}
        await note(self._db, self._clock, actor, "view.used", target=seen.viewing.label, details=told)
        return seen
