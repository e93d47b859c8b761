"""Apps: folders of definitions that are planned and applied as a whole.

folder or upload → `Bundle` (what it brings) → `Apps.plan` says what would happen → `Apps.apply` does it, all or nothing
"""

from metier.definitions.apps.bundle import Bundle
from metier.definitions.apps.door import Apps, AppView
from metier.definitions.apps.files import read_folder, read_uploaded
from metier.definitions.apps.kind import APP, AppKind
from metier.definitions.apps.plan import Plan, Step
from metier.definitions.apps.trust import Trust

__all__ = [
    "APP",
    "AppKind",
    "AppView",
    "Apps",
    "Bundle",
    "Plan",
    "Step",
    "Trust",
    "read_folder",
    "read_uploaded",
]
