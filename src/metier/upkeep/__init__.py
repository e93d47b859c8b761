"""Upkeep: the schedules as people see and change them, and how long things are kept."""

from metier.upkeep.kept import Kept, kept_things
from metier.upkeep.retention import Retention, Term
from metier.upkeep.schedules import FLAG, Schedules
from metier.upkeep.work import house_schedules

__all__ = ["FLAG", "Kept", "Retention", "Schedules", "Term", "house_schedules", "kept_things"]
