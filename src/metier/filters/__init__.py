"""Filters: trees of conditions on the fields of an object, their operators, and time words. No SQL here.

What people write → `read_where` (names the actor may use, values checked) → a tree that `records` compiles.
"""

from metier.filters.operands import (
    LONGEST_TEXT,
    MICROS,
    OPERATORS,
    RESERVED,
    Choice,
    Comparable,
    Here,
    Kind,
    storable_text,
)
from metier.filters.predicates import OPERANDS, is_predicate, read_flat, read_predicate
from metier.filters.times import DAY_WORDS, UNITS, Ends, day_start, range_ends, read_word, time_range
from metier.filters.tree import (
    And,
    Entry,
    Names,
    Node,
    Not,
    Op,
    Or,
    Said,
    Scope,
    Spot,
    Test,
    Where,
    read_where,
    snake,
    time_words,
)

__all__ = [
    "DAY_WORDS",
    "LONGEST_TEXT",
    "MICROS",
    "OPERANDS",
    "OPERATORS",
    "RESERVED",
    "UNITS",
    "And",
    "Choice",
    "Comparable",
    "Ends",
    "Entry",
    "Here",
    "Kind",
    "Names",
    "Node",
    "Not",
    "Op",
    "Or",
    "Said",
    "Scope",
    "Spot",
    "Test",
    "Where",
    "day_start",
    "is_predicate",
    "range_ends",
    "read_flat",
    "read_predicate",
    "read_where",
    "read_word",
    "snake",
    "storable_text",
    "time_range",
    "time_words",
]
