"""Who there is and what they may do: workspaces, members, roles, keys, sign-ins; the only maker of Actors (S-01)."""

from metier.access.features import FeatureFlag, Features
from metier.access.keys import Keys
from metier.access.passwords import CHEAP, Cost
from metier.access.roles import Roles
from metier.access.sign_ins import SignIns
from metier.access.values import Key, NewKey, Profile, SignedIn, Welcome, Workspace
from metier.access.workspaces import Workspaces

__all__ = ["CHEAP", "Access", "Cost", "FeatureFlag", "Key", "NewKey", "Profile", "SignedIn", "Welcome", "Workspace"]


class Access(SignIns, Workspaces, Roles, Keys, Features):
    """The room's one door: `Access(db, clock)`; tests say `Access(db, clock, password_cost=CHEAP)`."""
