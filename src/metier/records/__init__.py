"""Business data: object types, their tables, and the one door to their records.

publish(object type) → a table; find(actor, object, where) → what the actor may see of it, nothing else exists.
"""

from metier.records.door import Page, Records
from metier.records.search import Hit
from metier.records.shape import Field, FieldType, ObjectType, Option

__all__ = ["Field", "FieldType", "Hit", "ObjectType", "Option", "Page", "Records"]
