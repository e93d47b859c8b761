"""What this room gives out: workspaces, profiles, keys, sign-ins."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from metier.actor import Actor
from metier.formats import Formats


@dataclass(frozen=True)
class Workspace:
    """A tenant.

    Attributes:
        schema_name: PostgreSQL schema of its records, `w_<id>`.
        schema_epoch: Raised by every change of an object type.
    """

    id: UUID
    name: str
    schema_name: str
    schema_epoch: int


@dataclass(frozen=True)
class Profile:
    """What a member sees and changes of himself or herself. `role` is the role's label."""

    id: UUID
    name: str
    email: str | None
    time_zone: str
    locale: str
    formats: Formats
    role: str
    has_password: bool

    def to_json(self) -> dict[str, Any]:
        """Give the profile as data, each format by its name."""
        return {
            "name": self.name,
            "email": self.email,
            "time_zone": self.time_zone,
            "locale": self.locale,
            **self.formats.to_json(),
        }


@dataclass(frozen=True)
class Member:
    """A member as admins see them. `role` is the role's name; deactivated ones keep it, and may not sign in."""

    id: UUID
    name: str
    email: str | None
    role: str
    role_label: str
    time_zone: str
    locale: str
    has_password: bool
    created_at: datetime
    deactivated_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Give the member as data; times are ISO 8601."""
        return {
            "id": str(self.id),
            "name": self.name,
            "email": self.email,
            "role": self.role,
            "time_zone": self.time_zone,
            "locale": self.locale,
            "has_password": self.has_password,
            "active": self.deactivated_at is None,
            "created_at": self.created_at.isoformat(),
            "deactivated_at": self.deactivated_at and self.deactivated_at.isoformat(),
        }


@dataclass(frozen=True)
class Invitation:
    """An open invitation. `role` is the role's name, `invited_by` what people call who made it.

    Attributes:
        member_id: The member it lets in; None: who accepts it becomes one.
    """

    id: UUID
    email: str
    role: str
    role_label: str
    member_id: UUID | None
    invited_by: str
    created_at: datetime
    expires_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Give the invitation as data; times are ISO 8601."""
        return {
            "id": str(self.id),
            "email": self.email,
            "role": self.role,
            "member_id": self.member_id and str(self.member_id),
            "invited_by": self.invited_by,
            "created_at": self.created_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
        }


@dataclass(frozen=True)
class NewInvitation:
    """An invitation just made. `token` is shown this once; only its hash is stored."""

    id: UUID
    email: str
    token: str
    expires_at: datetime
    member_id: UUID | None


@dataclass(frozen=True)
class Invited:
    """What whoever holds a link is invited to. `name` is empty for somebody new."""

    workspace: str
    email: str
    role_label: str
    name: str
    invited_by: str


@dataclass(frozen=True)
class NewKey:
    """A key just made. `token` is shown this once; only its hash is stored."""

    id: UUID
    token: str
    prefix: str


@dataclass(frozen=True)
class Key:
    """A key as it is listed. `prefix` is how its token begins, `role` the role's name, `made_by` its maker's."""

    id: UUID
    name: str
    role: str
    role_label: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    expires_at: datetime | None
    expired: bool | None
    made_by: str | None

    @property
    def state(self) -> str:
        """`valid`, `revoked` or `expired`."""
        return "revoked" if self.revoked_at else "expired" if self.expired else "valid"

    def to_json(self) -> dict[str, Any]:
        """Give the key as data; times are ISO 8601."""
        return {
            "id": str(self.id),
            "name": self.name,
            "role": self.role,
            "prefix": self.prefix,
            "created_at": self.created_at.isoformat(),
            "last_used_at": self.last_used_at and self.last_used_at.isoformat(),
            "revoked_at": self.revoked_at and self.revoked_at.isoformat(),
            "expires_at": self.expires_at and self.expires_at.isoformat(),
            "state": self.state,
            "made_by": self.made_by,
        }


@dataclass(frozen=True)
class SignedIn:
    """A browser that is signed in. `token` goes into its cookie; only its hash is stored."""

    token: str
    actor: Actor
    expires_at: datetime


@dataclass(frozen=True)
class Welcome:
    """The right to make the first workspace. `token` is a fresh link for the form to send back, good for one use."""

    token: str
    expires_at: datetime
