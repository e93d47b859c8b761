"""Roles become definitions: what each allows now is its first version. A definition has the id of its role."""

import hashlib
import json
from typing import Any

import orjson
from alembic import op

revision = "0019"
down_revision = "0018"

#: What a role is that says nothing, in the order of a body.
SILENT: dict[str, Any] = {
    "description": "",
    "icon": "",
    "can_be_assigned_to": ["users", "agents", "api_keys"],
    "can_update_all_settings": False,
    "can_access_all_tools": False,
    "all_objects": [],
    "objects": {},
    "fields": {},
    "rows": {},
    "flags": [],
}


def upgrade() -> None:
    """Take over the roles."""
    cursor = op.get_bind().connection.cursor()
    cursor.execute("select workspace_id, id, name, label, body, created_at, updated_at from core.role")
    for row in cursor.fetchall():
        _take_over(cursor, *row)
    cursor.close()


def _take_over(cursor: Any, workspace: Any, id: Any, name: str, label: str, said: dict[str, Any], *times: Any) -> None:
    body = {"name": name, "label": label} | {key: said.get(key, silent) for key, silent in SILENT.items()}
    values = {
        "workspace": workspace,
        "id": id,
        "name": name,
        "folded": name.replace("_", "-"),
        "body": json.dumps(body),
        "source": orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
        "digest": hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest(),
        "created": times[0],
        "updated": times[1],
    }
    cursor.execute(_DEFINITION, values)
    cursor.execute(_VERSION, values)


_DEFINITION = """
insert into core.definition (workspace_id, id, kind, name, folded, version, created_at, updated_at)
values (%(workspace)s, %(id)s, 'role', %(name)s, %(folded)s, 1, %(created)s, %(updated)s)
"""

_VERSION = """
insert into core.definition_version
    (workspace_id, definition_id, version, name, body, source, format, digest, note, origin, created_at)
values (%(workspace)s, %(id)s, 1, %(name)s, %(body)s::json, %(source)s, 'json', %(digest)s,
    'As it was before versions.', '', %(updated)s)
"""
