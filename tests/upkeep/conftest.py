"""A job that a test does by hand, and what a house lets go of by it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from metier.engine import AtWork, Scheduled
from metier.testing import House


@dataclass
class ByHand:
    """A job at work in the test itself."""

    tick_at: datetime = datetime(2026, 11, 21, tzinfo=UTC)
    counts: dict[str, int] = field(default_factory=dict)

    async def once(self, name: str, do: Callable[[], Awaitable[Any]]) -> Any:
        return await do()

    async def tell(self, words: str, counts: Mapping[str, int]) -> None:
        self.counts |= counts


async def scheduled(house: House, name: str) -> Scheduled:
    return await house.metier.schedules.get(house.actor, name)


Retain = Callable[[], Awaitable[Mapping[str, int]]]


@pytest.fixture
def retain(house: House) -> Retain:
    """Do what the schedule `retention` does; gives the counts of the house's workspace."""

    async def do() -> Mapping[str, int]:
        job: AtWork = ByHand()
        await (await scheduled(house, "retention")).schedule.work(job)
        assert isinstance(job, ByHand)
        return {name.partition("/")[0]: n for name, n in job.counts.items()}

    return do
