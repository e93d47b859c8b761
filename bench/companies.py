"""Many records at once: rows made by PostgreSQL for the real table of an object type, whatever its fields."""

from collections.abc import Callable

from metier.records.columns import columns
from metier.records.shape import Field, FieldType, ObjectType
from metier.store import Database

DAYS = 1_000  # over which the records were created


async def fill(db: Database, schema: str, kind: ObjectType, rows: int) -> None:
    """Put `rows` records into the object's table, the same ones each time."""
    made = _columns(kind)
    names = ", ".join(f'"{name}"' for name in made)
    values = ", ".join(made.values())
    await db.execute(
        f'insert into "{schema}"."{kind.name}" ({names}) select {values} from generate_series(1, {rows}) n'
    )
    await db.execute(f'vacuum (analyze) "{schema}"."{kind.name}"')


def by_hand(kind: ObjectType) -> tuple[str, str]:
    """Give what SQL by hand selects of all fields, and the joins it needs: the columns, and the members' names."""
    own = [f'c."{column}"' for field in kind.fields for column in columns(field)]
    people = [field.name for field in kind.fields if field.target == "member"]
    joins = [f"left join core.member m_{name} on m_{name}.id = c.{name}_id" for name in people]
    return ", ".join([*own, *(f"m_{name}.name as {name}_label" for name in people)]), " ".join(joins)


def _columns(kind: ObjectType) -> dict[str, str]:
    made: dict[str, str] = {}
    for salt, field in enumerate(kind.fields):
        made |= {field.name + suffix: sql for suffix, sql in _values(field, salt).items()}
    created = f"timestamptz '2026-11-01' - {_some(77, DAYS * 1440)} * interval '1 minute'"
    return made | {"id": "md5('company' || n)::uuid", "created_at": created, "updated_at": created}


def _values(field: Field, salt: int) -> dict[str, str]:
    """Give SQL per column suffix, `n` being the record's number."""
    make = _BY_TYPE.get(field.type)
    return make(field, salt) if make else {}


def _some(salt: int, below: int) -> str:
    """Give SQL for a number from 0 that looks random and is the same each time."""
    return f"(abs(hashint8(n::bigint * 64 + {salt})::bigint) % {below})"


def _text(field: Field, salt: int) -> dict[str, str]:
    words = "(array['Nord','Baltic','Alpine','Rhine','Harbor','Summit','Green','Iron','Silver','River'])"
    kinds = "(array['Systems','Foods','Energy','Labs','Works','Media','Logistics','Bank','Clinics','Tools'])"
    return {"": f"{words}[1 + {_some(salt, 10)}] || ' ' || {kinds}[1 + {_some(salt + 1, 10)}] || ' ' || n"}


def _number(field: Field, salt: int) -> dict[str, str]:
    return {"": _some(salt, 10_000) if not field.decimals else f"{_some(salt, 1_000_000)} / 100.0"}


def _select(field: Field, salt: int) -> dict[str, str]:
    values = ", ".join(f"'{option.value}'" for option in field.options)
    return {"": f"(array[{values}])[1 + {_some(salt, len(field.options))}]"}


def _currency(field: Field, salt: int) -> dict[str, str]:
    return {"_amount_micros": f"{_some(salt, 1_000_000)} * 1000000", "_currency_code": "'EUR'"}


def _owner(field: Field, salt: int) -> dict[str, str]:
    people = "(select id from core.member order by created_at limit 1)"
    return {"_id": f"case when {_some(salt, 4)} > 0 then {people} end"} if field.target == "member" else {}


_BY_TYPE: dict[FieldType, Callable[[Field, int], dict[str, str]]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: lambda field, salt: {"": f"{_some(salt, 3)} = 0"},
    FieldType.DATE: lambda field, salt: {"": f"date '2026-11-01' - {_some(salt, DAYS)}::int"},
    FieldType.DATE_TIME: lambda field, salt: {"": f"timestamptz '2026-11-01' - {_some(salt, DAYS)} * interval '1 day'"},
    FieldType.SELECT: _select,
    FieldType.CURRENCY: _currency,
    FieldType.EMAILS: lambda field, salt: {"_primary_email": "'office' || n || '@example.com'"},
    FieldType.LINKS: lambda field, salt: {"_primary_link_url": "'https://c' || n || '.example.com'"},
    FieldType.RELATION: _owner,
    FieldType.FULL_NAME: lambda field, salt: {"_first_name": "'Ada'", "_last_name": "'Park ' || n"},
}
