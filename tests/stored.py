"""All that a database holds, as text: to look for what must not be in it."""

from metier.store import Database

_RELATIONS = """
select format('%I.%I', table_schema, table_name) as name from information_schema.tables
where table_schema not in ('pg_catalog', 'information_schema') order by 1
"""


async def everything_stored(db: Database) -> str:
    """Give every row of every table and view, as JSON, one a line."""
    lines: list[str] = []
    for relation in await db.rows(_RELATIONS):
        rows = await db.rows(f"select to_jsonb(t)::text as row from {relation['name']} t")
        lines += [f"{relation['name']} {row['row']}" for row in rows]
    return "\n".join(lines)
