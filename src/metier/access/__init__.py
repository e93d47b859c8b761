"""Who there is and what they may do: workspaces, members, roles, keys, sign-ins; the only maker of Actors (S-01)."""

from metier.access.features import FeatureFlag, Features
from metier.access.keys import Keys
from metier.access.passwords import CHEAP, Cost
from metier.access.roles import Roles
from metier.access.secrets import NamedSecret, Secrets, keyring_of
from metier.access.sign_ins import SignIns
from metier.access.values import Key, NewKey, Profile, SignedIn, Welcome, Workspace
from metier.access.workspaces import Workspaces

__all__ = [
    "CHEAP",
    "Access",
    "Cost",
    "FeatureFlag",
    "Key",
    "NamedSecret",
    "NewKey",
    "Profile",
    "Secrets",
    "SignedIn",
    "Welcome",
    "Workspace",
    "keyring_of",
]


class Access(SignIns, Workspaces, Roles, Keys, Features):
    """The room's one door: `Access(db, clock)`; tests say `Access(db, clock, password_cost=CHEAP)`."""
