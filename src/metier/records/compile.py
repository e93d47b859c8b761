"""From a shape to SQL: composed once per shape by SQLAlchemy Core, executed as text ever after.

    scope (what the actor may see) → joined scopes of the relations named → filter → order, cursor, limit: `page`
    page → JSON of its records, keys of the last one if there are more, total

PostgreSQL builds the JSON; only text comes back. No caller's value is ever in the SQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import sqlalchemy as sa

from metier.actor import Action
from metier.filters import Kind, Node, Not, Op, Test
from metier.records import columns as cols
from metier.records.catalog import View
from metier.records.columns import Expression
from metier.records.conditions import RANGES, Condition, matches, parameter, value_type
from metier.records.query import COUNT_CAP, Shape, SortKey
from metier.records.scope import Source, label_scope, scope
from metier.records.shape import FieldType, ObjectType

_RECORD = "#record"  # no field is called so, else its name would mean the field


@dataclass(frozen=True)
class Statement:
    """SQL with `%(name)s` parameters.

    Attributes:
        constants: The values of those parameters that the schema decides.
        by_value: The plan depends on the values, so it must not be kept from one run to the next.
    """

    sql: str
    constants: Mapping[str, Any]
    by_value: bool = False


def compose(view: View, shape: Shape) -> Statement:
    """Compose the query of a shape: one row of `data` (JSON array), `next` (JSON array or null), `total`."""
    pieces: list[Expression] = []
    if shape.limit:
        page = _page(view, shape)
        pieces += [_data(view, shape, page).label("data"), _next(shape, page).label("next")]
    else:
        pieces += [cols.sql("'[]'").label("data"), sa.null().label("next")]
    pieces.append((_total(view, shape) if shape.count != "no" else sa.null()).label("total"))
    return replace(render(sa.select(*pieces)), by_value=_by_value(shape.tree, shape.sort[0]))


def compose_labels(view: View, object_name: str) -> Statement:
    """Compose the look-up of records by the parameter `ids`: rows of `id` and `label`."""
    target = view.objects[object_name]
    there = label_scope(view, object_name, "r")
    label = cols.label(target.by_name[target.title], there.c).label("label")
    one_of = there.c["id"] == sa.any_(parameter("ids", sa.ARRAY(sa.Uuid())))
    return render(sa.select(there.c["id"], label).where(one_of))


def compose_ids(view: View, object_name: str, *, action: Action = Action.READ, deleted: bool = False) -> Statement:
    """Compose the question with which of the records of the parameter `ids` the action is possible: rows of `id`."""
    there = scope(view, object_name, "s", action=action, deleted=deleted)
    return render(sa.select(there.c["id"]).where(there.c["id"] == sa.any_(parameter("ids", sa.ARRAY(sa.Uuid())))))


def render(query: sa.Executable) -> Statement:
    """Give the text of a query."""
    compiled = cast(sa.ClauseElement, query).compile(dialect=cols.dialect())  # every query is both
    return Statement(
        str(compiled), {name: value for name, value in (compiled.params or {}).items() if value is not None}
    )


_SPANS = {*RANGES, Op.GT, Op.GTE, Op.LT, Op.LTE, Op.LIKE, Op.ILIKE, Op.STARTS_WITH}


def _by_value(node: Node, first: SortKey) -> bool:
    """Say whether the best plan depends on the values: a range holds a few records or most.

    For a range of the first sort key it does not: the scan of its index begins there. For any other, PostgreSQL
    would soon settle for one plan for all values, usually the walk down the sort's index, and read it to the end
    when the range is narrow (300,000 rows: 34 ms instead of 0.6; planning costs 0.2).
    """
    if isinstance(node, Test):
        return node.op in _SPANS and (node.path, node.thing) != (first.path, first.thing)
    return any(_by_value(part, first) for part in ((node.part,) if isinstance(node, Not) else node.parts))


# --- order and cursor ------------------------------------------------------------------------------------------------


def _sort_value(key: SortKey, source: Source) -> Expression:
    """Give what a key sorts by: text by its folded form, a select by the place of its option."""
    value = source.value(key.path, key.thing)
    if key.thing.kind is Kind.TEXT:
        return cols.folded(value)
    if key.thing.kind is Kind.SELECT:
        field, _ = source.field(key.path)
        order = sa.bindparam(None, [option.value for option in field.options], type_=sa.ARRAY(sa.Text()), unique=True)
        return sa.cast(sa.func.array_position(sa.cast(order, sa.ARRAY(sa.Text())), value), sa.BigInteger())
    return value


def _ordered(key: SortKey, value: Expression) -> sa.UnaryExpression[Any]:
    step = value.desc() if key.descending else value.asc()
    return step if key.filled else step.nulls_last()


def _behind(shape: Shape, values: Sequence[Expression]) -> Condition:
    """Give the condition for records behind the cursor: keys may be null (last) and differ in direction."""
    if shape.after is None:
        return sa.true()
    behind: Condition = sa.false()
    for i in reversed(range(len(values))):
        same, later = _same(shape, values, i), _later(shape, values, i)
        behind = sa.or_(later, sa.and_(same, behind))
    return sa.and_(_bound(shape, values), behind)


def _cursor(shape: Shape, i: int) -> Expression:
    key = shape.sort[i]
    return parameter(f"k{i}", sa.BigInteger() if key.thing.kind is Kind.SELECT else value_type(key.thing))


def _is_null(shape: Shape, i: int) -> bool:
    return bool(shape.after and shape.after[i])


def _same(shape: Shape, values: Sequence[Expression], i: int) -> Condition:
    return values[i].is_(None) if _is_null(shape, i) else values[i] == _cursor(shape, i)


def _later(shape: Shape, values: Sequence[Expression], i: int) -> Condition:
    if _is_null(shape, i):
        return sa.false()  # nulls are last: nothing comes after them
    key, value = shape.sort[i], values[i]
    later = value < _cursor(shape, i) if key.descending else value > _cursor(shape, i)
    return later if key.filled else sa.or_(later, value.is_(None))


def _bound(shape: Shape, values: Sequence[Expression]) -> Condition:
    """Give a plain bound on the first key, from which a scan of its index can start."""
    key, value = shape.sort[0], values[0]
    if _is_null(shape, 0):
        return value.is_(None)
    if not key.filled:
        return sa.true()
    return value <= _cursor(shape, 0) if key.descending else value >= _cursor(shape, 0)


# --- the page --------------------------------------------------------------------------------------------------------


def _page(view: View, shape: Shape) -> sa.CTE:
    """Give the page's rows and one more, with raw columns and sort keys. Small, so it may be materialised."""
    object_type = view.objects[shape.object]
    source = Source(view, shape.object, deleted=shape.deleted)
    where = matches(shape.tree, source)
    values = [_sort_value(key, source) for key in shape.sort]
    wanted = dict.fromkeys(column for name in shape.select for column in _columns(object_type, name))
    keys = [value.label(_key(i)) for i, value in enumerate(values)]
    return (
        sa.select(*(source.root.c[column] for column in wanted), *keys)
        .select_from(source.tables)
        .where(where, _behind(shape, values))
        .order_by(*(_ordered(key, value) for key, value in zip(shape.sort, values, strict=True)))
        .limit(_number(shape.limit + 1))
        .cte("page")
    )


def _key(i: int) -> str:
    return f"#{i}"  # no field is called so


def _columns(object_type: ObjectType, name: str) -> Sequence[str]:
    """Give the columns behind a selected name: a field's, or `<relation>_id`."""
    field = object_type.by_name.get(name)
    return [name] if field is None else list(cols.columns(field))


def _data(view: View, shape: Shape, page: sa.CTE) -> sa.ScalarSelect[Any]:
    """Build the JSON array of the page's records."""
    object_type = view.objects[shape.object]
    shown = [_shown(view, object_type, name, page).label(name) for name in shape.select]
    records = sa.select(*shown).select_from(page).limit(_number(shape.limit)).subquery(_RECORD)
    array = sa.func.coalesce(sa.func.json_agg(cols.sql(f'"{_RECORD}"')), cols.sql("'[]'"))
    return sa.select(sa.cast(array, sa.Text())).select_from(records).scalar_subquery()


def _shown(view: View, object_type: ObjectType, name: str, page: sa.CTE) -> Expression:
    field = object_type.by_name.get(name)
    if field is not None and field.type is not FieldType.RELATION:
        return cols.as_json(field, page.c)
    relation = field or object_type.by_name[name.removesuffix("_id")]
    target = view.objects[relation.target or ""]
    there = label_scope(view, target.name, "r")
    label = cols.label(target.by_name[target.title], there.c)
    pair = sa.func.json_build_object(cols.sql("'id'"), there.c["id"], cols.sql("'label'"), label)
    answer = pair if field is not None else there.c["id"]
    return sa.select(answer).where(there.c["id"] == page.c[f"{relation.name}_id"]).scalar_subquery()


def _next(shape: Shape, page: sa.CTE) -> Expression:
    """Give the sort keys of the page's last record, if there are more."""
    more = sa.select(sa.func.count()).select_from(page).scalar_subquery() > _number(shape.limit)
    keys = sa.func.json_build_array(*(page.c[_key(i)] for i in range(len(shape.sort))))
    last = sa.select(sa.cast(keys, sa.Text())).select_from(page).offset(_number(shape.limit - 1)).limit(_number(1))
    return sa.case((more, last.scalar_subquery()))


def _total(view: View, shape: Shape) -> Expression:
    source = Source(view, shape.object, deleted=shape.deleted)
    where = matches(shape.tree, source)
    found = sa.select(cols.sql("1")).select_from(source.tables).where(where)
    if shape.count == "capped":
        found = found.limit(_number(COUNT_CAP + 1))
    return sa.select(sa.func.count()).select_from(found.subquery("found")).scalar_subquery()


def _number(number: int) -> Expression:
    """Write a number into the SQL: a plan made for all parameters must know the page's size."""
    return cols.sql(str(number))
