"""Messages that are sent with a key: a repetition is answered with the run of the first one (S-51).

key claimed, with the id of the run to be → run opened under this id, unless it is there → the same run for all

A process that dies in between leaves a key without a run; the next repetition opens it.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from metier.actor import Actor
from metier.clock import Clock
from metier.records import Cause
from metier.records.effects import KEY_LASTS_S, claim, settle
from metier.store import Database, Transaction


class Repeats:
    """The keys of messages, beside those of writes: one key stands for one request, whatever that asks for."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def run_of(self, actor: Actor, key: str, thread_id: UUID, text: str) -> UUID:
        """Give the id of the run that answers a message, the same for each repetition within a day.

        Raises:
            KeyReused: The key stands for another request.
        """
        cause = Cause(effect_key=key, key_lasts_s=KEY_LASTS_S)
        asked = ["message", str(thread_id), text]
        async with self._db.transaction() as tx:
            first = await claim(tx, actor, cause, asked, self._clock.now())
            if first is not None:
                return UUID(first["run"])
            run_id = self._clock.new_id()
            await settle(tx, actor, cause, {"run": str(run_id)})
            return run_id

    @asynccontextmanager
    async def alone(self, actor: Actor, key: str) -> AsyncGenerator[Transaction]:
        """Let nobody else look for the run of a key, or open it, until the block ends, on any process.

        What is done in it takes no further connection: those who wait here have taken theirs.
        """
        async with self._db.transaction() as tx:
            mine = [actor.workspace_id, key]
            await tx.execute("select from core.effect where workspace_id = %s and key = %s for update", mine)
            yield tx
