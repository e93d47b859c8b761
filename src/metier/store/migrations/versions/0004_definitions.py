"""Definitions and their versions; what object types there are becomes the first version of each."""

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson
from alembic import op

revision = "0004"
down_revision = "0001"

SYSTEM = ("id", "created_at", "updated_at")  # fields that every object has, which no definition names


def upgrade() -> None:
    """Run the statements of the SQL file beside, then take over the object types."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute(Path(__file__).with_suffix(".sql").read_text())
    cursor.execute("select workspace_id, name, body, created_at, updated_at from core.object_type")
    for row in cursor.fetchall():
        _take_over(cursor, *row)
    cursor.close()


def _take_over(cursor: Any, workspace_id: Any, name: str, body: dict[str, Any], created: Any, updated: Any) -> None:
    fields = [field for field in body["fields"] if field["name"] not in SYSTEM]
    own = {**body, "fields": fields}
    values = {
        "workspace": workspace_id,
        "name": name,
        "folded": name.replace("_", "-"),
        "body": json.dumps(own),
        "source": orjson.dumps(own, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        "digest": hashlib.sha256(orjson.dumps(own, option=orjson.OPT_SORT_KEYS)).digest(),
        "created": created,
        "updated": updated,
    }
    cursor.execute(_DEFINITION, values)
    cursor.execute(_VERSION, values)


_DEFINITION = """
insert into core.definition (workspace_id, id, kind, name, folded, version, created_at, updated_at)
values (%(workspace)s, gen_random_uuid(), 'object', %(name)s, %(folded)s, 1, %(created)s, %(updated)s)
"""

_VERSION = """
insert into core.definition_version
    (workspace_id, definition_id, version, name, body, source, format, digest, note, origin, created_at)
select workspace_id, id, 1, name, %(body)s::json, %(source)s, 'json', %(digest)s, 'As it was before versions.', '',
    %(updated)s
from core.definition where workspace_id = %(workspace)s and kind = 'object' and name = %(name)s
"""
