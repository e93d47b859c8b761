"""What carries jobs over the death of a process: the contract of `Durable`, and of the fake that tests take for it."""

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol, TypeVar
from uuid import UUID

T = TypeVar("T")

#: Does a job of this id. It does not raise for a job that fails; what cancels it leaves the job to be taken over.
Run = Callable[[UUID], Awaitable[None]]


class Carrier(Protocol):
    """Runs jobs so that they outlive the process."""

    @property
    def is_on(self) -> bool:
        """Whether jobs are run here."""
        ...

    async def start(self, executor: UUID) -> None:
        """Begin to take jobs.

        Args:
            executor: The worker that this process is; what it leaves behind is found by it.

        Raises:
            Unavailable: Another Metier of this process has it, or the database does not let it have its tables.
        """
        ...

    async def aclose(self) -> None:
        """Let go of everything; others go on with the jobs that were at work once the worker has ended."""
        ...

    async def enqueue(self, job_id: UUID) -> None:
        """Let some process run a job; asked again, it does nothing more (S-38)."""
        ...

    async def holders(self) -> set[UUID]:
        """Give the workers that hold jobs."""
        ...

    async def take_over(self, dead: Collection[UUID]) -> None:
        """Let others go on with what these workers hold. Safe on all processes at once."""
        ...

    async def is_lost(self, job_id: UUID) -> bool:
        """Say whether nobody will go on with a job: it ended, or killed too many processes."""
        ...

    async def forget(self, job_ids: Collection[UUID]) -> None:
        """Remove what is stored of jobs that have ended."""
        ...

    async def once(self, name: str, do: Callable[[], Awaitable[T]]) -> T:
        """Do a step of the job at work: whoever goes on with it gets the stored result, and does not do it again.

        It is done again if the process died in it. The result is JSON.
        """
        ...
