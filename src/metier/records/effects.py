"""Effect keys: a write that is repeated does nothing more and gets the first result (S-37, S-51).

The key is inserted first, in the write's own transaction; a second executor waits there for the first one's end.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from metier.actor import Actor
from metier.errors import KeyReused
from metier.records.changes import Cause
from metier.store import Database, Json, Transaction

KEY_LASTS_S = 86_400.0  # a key that comes with a request; S-51
SWEPT = 100  # outlived keys that are forgotten with each new one that will outlive itself


async def claim(tx: Transaction, actor: Actor, cause: Cause, asked: Any, now: datetime) -> dict[str, Any] | None:
    """Take the key of a write.

    Args:
        asked: What is to be written, as JSON (Any); the same on every attempt.

    Returns:
        The first result if this was done before; None if it is to be done now.

    Raises:
        KeyReused: The key was used for something else.
    """
    until = None if cause.key_lasts_s is None else now + timedelta(seconds=cause.key_lasts_s)
    mine = {"workspace": actor.workspace_id, "key": cause.effect_key, "now": now, "until": until}
    digest = _digest(actor, asked)
    if await tx.row(_CLAIM, mine | {"asked": digest}):
        if until is not None:
            await tx.execute(_SWEEP, {"now": now, "most": SWEPT})
        return None
    found = await tx.row(_READ, mine)
    if found is None or found["asked"] != digest:
        raise KeyReused
    return found["result"]


async def forget(db: Database, now: datetime, most: int) -> int:
    """Remove outlived keys of all workspaces; give how many, at most `most`."""
    return await db.execute(_SWEEP, {"now": now, "most": most})


async def settle(tx: Transaction, actor: Actor, cause: Cause, result: Any) -> None:
    """Keep the result (JSON, Any) under the key."""
    mine = {"workspace": actor.workspace_id, "key": cause.effect_key}
    await tx.execute(_SETTLE, mine | {"result": Json(result)})


def _digest(actor: Actor, asked: Any) -> bytes:
    who: Sequence[str] = (actor.principal.kind.value, str(actor.principal.id), *actor.chain)
    text = json.dumps([who, asked], sort_keys=True, default=str)
    return blake2b(text.encode(), digest_size=32).digest()


_CLAIM = """
insert into core.effect (workspace_id, key, asked, created_at, lasts_until)
values (%(workspace)s, %(key)s, %(asked)s, %(now)s, %(until)s)
on conflict (workspace_id, key) do update
    set asked = excluded.asked, result = null, created_at = excluded.created_at, lasts_until = excluded.lasts_until
    where core.effect.lasts_until <= excluded.created_at
returning key
"""
_READ = "select asked, result from core.effect where workspace_id = %(workspace)s and key = %(key)s"
_SETTLE = "update core.effect set result = %(result)s where workspace_id = %(workspace)s and key = %(key)s"
_SWEEP = """
delete from core.effect where (workspace_id, key) in (
    select workspace_id, key from core.effect where lasts_until <= %(now)s limit %(most)s for update skip locked
)
"""
