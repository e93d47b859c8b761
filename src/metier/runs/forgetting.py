"""What is known of old runs is let go of: the steps of their logs, prompts as they were sent, what people were asked.

The runs themselves stay, with their messages, usage and end; so do the counts of their model calls.
"""

from datetime import datetime
from uuid import UUID

from metier.clock import uuid7
from metier.store import Database


class Forgetting:
    """Lets go of what is old, in batches; safe on all processes at once, and when done again."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def details(self, workspace_id: UUID, before: datetime, most: int) -> int:
        """Remove the events of root runs that ended before, but for how they ended; give how many."""
        since_1970 = max(0, int(before.timestamp() * 1000))
        edge = uuid7(since_1970, bytes(10))  # ids sort by time, so the index finds the old ones
        facts = {"workspace": workspace_id, "before": before, "most": most, "edge": edge}
        return await self._db.execute(_DETAILS, facts)

    async def prompts(self, workspace_id: UUID, before: datetime, most: int) -> int:
        """Remove what model calls that began before were sent; give how many calls that were."""
        facts = {"workspace": workspace_id, "before": before, "most": most}
        done = await self._db.execute(_SENT, facts)
        if done < most:
            await self._unused(workspace_id)
        return done

    async def requests(self, workspace_id: UUID, before: datetime, most: int) -> int:
        """Remove what was asked and is closed since before, in runs that have ended; give how many."""
        return await self._db.execute(_REQUESTS, {"workspace": workspace_id, "before": before, "most": most})

    async def _unused(self, workspace_id: UUID) -> None:
        """Remove system texts that no call has any more; whoever is about to use one waits, and writes it anew."""
        async with self._db.transaction() as transaction:
            await transaction.execute("set local lock_timeout = '5s'")
            await transaction.execute("lock table core.prompt in share row exclusive mode")
            await transaction.execute(_UNUSED, {"workspace": workspace_id})


_DETAILS = """
delete from core.event where (root_id, epoch, seq) in (
    select e.root_id, e.epoch, e.seq from core.event e join core.run r on r.id = e.root_id
    where e.root_id < %(edge)s and e.workspace_id = %(workspace)s and e.type not in ('complete', 'error')
        and r.ended_at < %(before)s
    order by e.root_id limit %(most)s
)
"""
_SENT = """
update core.model_call set messages = '[]', prompt_hash = null where (workspace_id, id) in (
    select workspace_id, id from core.model_call
    where workspace_id = %(workspace)s and started_at < %(before)s and prompt_hash is not null and ended_at is not null
    limit %(most)s
)
"""
_UNUSED = """
delete from core.prompt p where p.workspace_id = %(workspace)s and not exists (
    select from core.model_call c where c.workspace_id = p.workspace_id and c.prompt_hash = p.hash
)
"""
_REQUESTS = """
delete from core.request where (workspace_id, id) in (
    select q.workspace_id, q.id from core.request q join core.run r on r.id = q.root_id
    where q.workspace_id = %(workspace)s and q.status <> 'open' and q.answered_at < %(before)s
        and r.ended_at is not null
    limit %(most)s
)
"""
