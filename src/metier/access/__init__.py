"""Who there is and what they may do: workspaces, members, roles, keys, sign-ins; the only maker of Actors (S-01)."""

from metier.access.confirming import Confirm, ConfirmChoices, Confirming
from metier.access.features import FeatureFlag, Features
from metier.access.hosts import AllowedHost, AllowedHosts
from metier.access.invitations import Invitations
from metier.access.keys import Keys
from metier.access.outside import Outside
from metier.access.passwords import CHEAP, Cost
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

__all__ = [
    "CHEAP",
    "Access",
    "AllowedHost",
    "AllowedHosts",
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
    "Secrets",
    "Sights",
    "SignedIn",
    "Welcome",
    "Workspace",
    "keyring_of",
]


class Access(Invitations, Views, Roles, Keys, Features, ConfirmChoices):
    """The room's one door: `Access(db, clock)`; tests say `Access(db, clock, password_cost=CHEAP)`."""
