"""Business data: object types, their tables, and the one door to their records.

publish(object type) → a table; find(actor, object, where) → what the actor may see of it, nothing else exists.
"""

from metier.records.changes import Cause, Change, Origin, Told
from metier.records.door import Page, Records
from metier.records.history import History
from metier.records.operations import Operation
from metier.records.search import Hit
from metier.records.shape import Field, FieldType, ObjectType, Option
from metier.records.write import Done, Written

__all__ = [
    "Cause",
    "Change",
    "Done",
    "Field",
    "FieldType",
    "History",
    "Hit",
    "ObjectType",
    "Operation",
    "Option",
    "Origin",
    "Page",
    "Records",
    "Told",
    "Written",
]
