"""Business data: object types, their tables, and the one door to their records.

publish(actor, object type) → a table; find(actor, object, where) → what the actor may see of it, nothing else exists.
"""

from metier.records.changes import Cause, Change, Origin, Told
from metier.records.data_model import DataModel, HiddenField
from metier.records.define import DefinedField, define_field, define_object
from metier.records.door import Page, Records
from metier.records.history import History
from metier.records.kind import ObjectKind
from metier.records.operations import Operation
from metier.records.policy import settable_fields
from metier.records.rule_indexes import RuleIndexes
from metier.records.search import Hit
from metier.records.shape import Field, FieldType, ObjectType, Option
from metier.records.write import Done, Written

__all__ = [
    "Cause",
    "Change",
    "DataModel",
    "DefinedField",
    "Done",
    "Field",
    "FieldType",
    "HiddenField",
    "History",
    "Hit",
    "ObjectKind",
    "ObjectType",
    "Operation",
    "Option",
    "Origin",
    "Page",
    "Records",
    "RuleIndexes",
    "Told",
    "Written",
    "define_field",
    "define_object",
    "settable_fields",
]
