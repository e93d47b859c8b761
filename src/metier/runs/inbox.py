"""The inbox: what waits for a person, and which of their runs went wrong since they last cleared it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metier.actor import Actor, check_acts
from metier.clock import Clock
from metier.runs.requests import Request, Requests, State
from metier.runs.requests.requests import PAGE_MAX
from metier.runs.run import COLUMNS, Run
from metier.store import Database

MOST = 50  # failed runs shown

_FAILED = f"""
select {COLUMNS} from core.run
where workspace_id = %(workspace)s and principal_id = %(me)s and parent_id is null
    and status in ('failed', 'interrupted') and created_at > %(now)s - interval '30 days'
    and ended_at > coalesce((
        select cleared_at from core.inbox where workspace_id = %(workspace)s and principal_id = %(me)s
    ), '-infinity')
order by created_at desc, id desc limit {MOST}
"""


@dataclass(frozen=True)
class Waiting:
    """What is in an inbox, the newest first."""

    requests: Sequence[Request]
    failed: Sequence[Run]

    @property
    def count(self) -> int:
        """How much that is."""
        return len(self.requests) + len(self.failed)


class Inbox:
    """The inboxes of all."""

    def __init__(self, db: Database, clock: Clock, requests: Requests) -> None:
        self._db = db
        self._clock = clock
        self._requests = requests

    async def of(self, actor: Actor) -> Waiting:
        """Give what is in the actor's inbox."""
        page = await self._requests.list(actor, status=State.OPEN, for_me=True, limit=PAGE_MAX)
        rows = await self._db.rows(_FAILED, self._facts(actor))
        return Waiting(page.requests, [Run.of(row) for row in rows])

    async def clear(self, actor: Actor) -> None:
        """Take out the runs that have failed so far; they stay in the list of runs."""
        check_acts(actor)
        await self._db.execute(
            "insert into core.inbox (workspace_id, principal_id, cleared_at) values (%(workspace)s, %(me)s, %(now)s)"
            " on conflict (workspace_id, principal_id) do update set cleared_at = excluded.cleared_at",
            self._facts(actor),
        )

    def _facts(self, actor: Actor) -> dict[str, Any]:
        return {"workspace": actor.workspace_id, "me": actor.own_id, "now": self._clock.now()}
