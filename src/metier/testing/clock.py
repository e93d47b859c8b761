"""A clock that tests own."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from metier.clock import uuid7


class FrozenClock:
    """Stands still until `forward`; gives ids in a fixed order.

    Args:
        now: ISO 8601 with offset.
    """

    def __init__(self, now: str = "2026-11-21T09:00:00+00:00") -> None:
        self._now = datetime.fromisoformat(now).astimezone(UTC)
        self._monotonic = 0.0
        self._ids = 0

    def now(self) -> datetime:
        """Give the frozen time."""
        return self._now

    def monotonic(self) -> float:
        """Give the seconds passed by `forward` and `sleep`."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Move time forward without waiting, and let others run."""
        self.forward(seconds)
        await asyncio.sleep(0)

    def new_id(self) -> UUID:
        """Give the next id; later ones sort after earlier ones."""
        self._ids += 1
        return uuid7(int(self._now.timestamp() * 1000), self._ids.to_bytes(10, "big"))

    def skip_ids(self, last: int) -> None:
        """Give none of the first ids: what a database was made with has them."""
        self._ids = max(self._ids, last)

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def set(self, now: str) -> None:
        """Put the clock to a time of day."""
        self._now = datetime.fromisoformat(now).astimezone(UTC)
