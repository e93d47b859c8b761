"""What is kept for some time only, and what lets go of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from metier.access import Access
from metier.actor import Action, Actor, Role
from metier.errors import MetierError, Unavailable
from metier.records import Cause, Operation, Origin, Records
from metier.runs import Forgetting

RECORDS = 200  # destroyed in one transaction

#: Lets go of what a workspace has of before a moment, at most so many; gives how many, 0 only if nothing is left.
Forget = Callable[[UUID, datetime, int], Awaitable[int]]


@dataclass(frozen=True)
class Kept:
    """One kind of thing that is kept for some time.

    Attributes:
        days: How long, if a workspace has chosen nothing.
    """

    name: str
    label: str
    description: str
    days: int
    forget: Forget


def kept_things(access: Access, records: Records, old: Forgetting) -> Sequence[Kept]:
    """Give all kinds."""
    return (
        Kept(
            "deleted_records",
            "Deleted records",
            "Records that were deleted: until then they can be restored, then they and their values are gone for good.",
            30,
            _Destroying(access, records).forget,
        ),
        Kept(
            "run_details",
            "Steps of runs",
            "The log of what a run did, step by step. Its messages, its end and what it cost stay.",
            365,
            old.details,
        ),
        Kept(
            "prompts",
            "Prompts",
            "What models were sent, as shown by the page of a run. What the calls used and cost stays.",
            180,
            old.prompts,
        ),
        Kept(
            "requests",
            "Answered requests",
            "What agents asked people, and the answers; the audit log keeps who decided what.",
            365,
            old.requests,
        ),
        Kept(
            "sign_ins",
            "Ended sign-ins",
            "Sign-ins and one-time links that are over, and invitations that were accepted or withdrawn.",
            30,
            access.forget_sign_ins,
        ),
    )


class _Destroying:
    """Destroys deleted records through the one door to records, with a role that can do just that."""

    def __init__(self, access: Access, records: Records) -> None:
        self._access = access
        self._records = records

    async def forget(self, workspace_id: UUID, before: datetime, most: int) -> int:
        """Destroy records of one object that were deleted before; the next call goes on with the rest."""
        actor = await self._access.system(workspace_id, "Retention", _role(workspace_id))
        for kind in await self._records.objects(actor):
            if not kind.read_only and (done := await self._of(actor, kind.name, before, min(most, RECORDS))):
                return done
        return 0

    async def _of(self, actor: Actor, object_name: str, before: datetime, most: int) -> int:
        where = {"updated_at": {"lt": before.isoformat()}}  # a deleted record changes no more
        found = await self._records.find(
            actor, object_name, where=where, sort="updated_at", limit=most, select=["updated_at"], deleted=True
        )
        gone = [Operation("destroy", one["id"], if_updated_at=one["updated_at"]) for one in found.records]
        if not gone:
            return 0
        try:
            await self._records.batch(actor, object_name, gone, cause=_CAUSE)
        except Unavailable:
            raise
        except MetierError:  # one was restored in this moment, or cannot go: the others by themselves
            return sum([await self._one(actor, object_name, one) for one in gone])
        return len(gone)

    async def _one(self, actor: Actor, object_name: str, operation: Operation) -> int:
        try:
            await self._records.batch(actor, object_name, [operation], cause=_CAUSE)
        except Unavailable:
            raise
        except MetierError:
            return 0
        return 1


_CAUSE = Cause(Origin.SYSTEM)


def _role(workspace_id: UUID) -> Role:
    """Give the role of the job: it finds deleted records and destroys them, and nothing else."""
    actions = frozenset({Action.READ, Action.DELETE, Action.DESTROY})
    return Role(uuid5(workspace_id, "retention"), "retention", "Retention", all_objects=actions)
