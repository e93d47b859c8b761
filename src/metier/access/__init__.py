"""Who there is and what they may do: workspaces, members, roles, keys, sign-ins; the only maker of Actors (S-01)."""

from metier.access.confirming import Confirm, ConfirmChoices, Confirming
from metier.access.features import FeatureFlag, Features
from metier.access.hosts import AllowedHost, AllowedHosts
from metier.access.invitations import Invitations
from metier.access.keys import Keys
from metier.access.outside import Outside
from metier.access.passwords import CHEAP, STRONG, Cost
from metier.access.role_kind import ROLE, ApplicationRole, RoleKind, define_application_role
from metier.access.roles import Roles
from metier.access.secrets import NamedSecret, Secrets, keyring_of
from metier.access.values import (
    Invitation,
    Invited,
    Key,
    Member,
    NewInvitation,
    NewKey,
    Profile,
    SignedIn,
    Welcome,
    Workspace,
)
from metier.access.views import Sights, Views
from metier.clock import Clock
from metier.definitions import Definitions
from metier.store import Database

__all__ = [
    "CHEAP",
    "ROLE",
    "Access",
    "AllowedHost",
    "AllowedHosts",
    "ApplicationRole",
    "Confirm",
    "Confirming",
    "Cost",
    "FeatureFlag",
    "Invitation",
    "Invited",
    "Key",
    "Member",
    "NamedSecret",
    "NewInvitation",
    "NewKey",
    "Outside",
    "Profile",
    "RoleKind",
    "Secrets",
    "Sights",
    "SignedIn",
    "Welcome",
    "Workspace",
    "define_application_role",
    "keyring_of",
]


class Access(Invitations, Views, Roles, Keys, Features, ConfirmChoices):
    """The room's one door; tests say `Access(db, clock, password_cost=CHEAP)`.

    Args:
        definitions: Keeps the roles, among others; if left out, nothing else, and names in roles are taken as they are.
    """

    def __init__(
        self, db: Database, clock: Clock, *, definitions: Definitions | None = None, password_cost: Cost = STRONG
    ) -> None:
        kept = definitions or Definitions(db, clock, [RoleKind(clock)])
        super().__init__(db, clock, definitions=kept, password_cost=password_cost)
