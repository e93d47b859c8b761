"""From a filter tree to a condition in SQL. The one compiler: for what people ask, and for the row rules of roles."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from metier.filters import Comparable, Kind, Node, Not, Op, Or, Test
from metier.records import columns as cols
from metier.records.columns import KIND_TYPES, Expression

Condition = sa.ColumnElement[bool]


class Fields(Protocol):
    """Where a filter's fields are."""

    def value(self, path: tuple[str, ...], thing: Comparable) -> Expression:
        """Give what is compared."""
        ...


def matches(node: Node, fields: Fields, slots: str = "v") -> Condition:
    """Give the condition of a filter tree; it is never unknown where it matters: NOT makes unknown true.

    Args:
        fields: Where the fields are.
        slots: What the names of the parameters begin with; the place of the value follows.
    """
    if isinstance(node, Test):
        return _test(node, fields, slots)
    if isinstance(node, Not):
        return sa.type_coerce(matches(node.part, fields, slots), sa.Boolean()).self_group().is_not(sa.true())
    parts = [matches(part, fields, slots) for part in node.parts]
    if isinstance(node, Or):
        return sa.or_(sa.false(), *parts)
    return sa.and_(sa.true(), *parts)


def _test(test: Test, fields: Fields, slots: str) -> Condition:
    value = fields.value(test.path, test.thing)
    kind = value_type(test.thing)
    first = parameter(f"{slots}{test.slot}", kind)
    if test.op in RANGES:
        low, high = RANGES[test.op]
        return sa.and_(low(value, first), high(value, parameter(f"{slots}{test.slot + 1}", kind)))
    if test.op in (Op.IN, Op.NOT_IN):
        one_of = value == sa.any_(parameter(f"{slots}{test.slot}", sa.ARRAY(kind)))
        return one_of if test.op is Op.IN else one_of.self_group().is_not(sa.true())
    return _COMPARE[test.op](value, first)


def value_type(thing: Comparable) -> TypeEngine[Any]:
    """Give the SQL type of the values a thing is compared with."""
    return sa.BigInteger() if thing.kind is Kind.NUMBER and thing.whole else KIND_TYPES[thing.kind]


def parameter(name: str, kind: TypeEngine[Any]) -> Expression:
    """Give a parameter whose type does not depend on its value."""
    return sa.cast(sa.bindparam(name, type_=sa.types.NullType()), kind)


def starts_with(value: Expression, prefix: Expression) -> Condition:
    """Match a prefix whatever its case, by a range that an index on the folded text serves under any plan."""
    low = cols.folded(prefix)
    high = cols.folded(prefix).op("||")(cols.sql("chr(1114111)"))  # the last code point
    return sa.and_(cols.folded(value) >= low, cols.folded(value) <= sa.collate(high, "C"))


def contains(value: Expression, part: Expression) -> Condition:
    """Match a part of a text, whatever its case."""
    return sa.func.strpos(sa.func.lower(value), sa.func.lower(part)) > cols.sql("0")


def _ends_with(value: Expression, end: Expression) -> Condition:
    folded = sa.func.lower(end)
    return sa.func.right(sa.func.lower(value), sa.func.length(folded)) == folded


Compare = Callable[[Expression, Expression], Condition]

RANGES: Mapping[Op, tuple[Compare, Compare]] = {
    Op.BOTH_ENDS: (lambda x, v: x >= v, lambda x, v: x <= v),
    Op.FIRST_END: (lambda x, v: x >= v, lambda x, v: x < v),
    Op.LAST_END: (lambda x, v: x > v, lambda x, v: x <= v),
}

_COMPARE: Mapping[Op, Compare] = {
    Op.EQ: lambda x, v: x == v,
    Op.NEQ: lambda x, v: x.is_distinct_from(v),
    Op.GT: lambda x, v: x > v,
    Op.GTE: lambda x, v: x >= v,
    Op.LT: lambda x, v: x < v,
    Op.LTE: lambda x, v: x <= v,
    Op.LIKE: lambda x, v: x.like(v),
    Op.ILIKE: lambda x, v: sa.func.lower(x).like(sa.func.lower(v)),
    Op.CONTAINS: contains,
    Op.STARTS_WITH: starts_with,
    Op.ENDS_WITH: _ends_with,
    Op.NULL: lambda x, _: x.is_(None),
    Op.NOT_NULL: lambda x, _: x.is_not(None),
}
