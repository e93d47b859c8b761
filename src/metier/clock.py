"""The one door to time and new ids. Tests own it through `metier.testing.FrozenClock`."""

import asyncio
import os
import time
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """What the house asks of time."""

    def now(self) -> datetime:
        """Give the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Give seconds since some fixed moment; for measuring durations only."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def new_id(self) -> UUID:
        """Give a new id that sorts after the ones given before (UUID version 7, RFC 9562)."""
        ...


def uuid7(unix_ms: int, random: bytes) -> UUID:
    """Build a version 7 UUID from a time in milliseconds and 10 random bytes (RFC 9562, section 5.7)."""
    raw = bytearray(unix_ms.to_bytes(6, "big") + random)
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return UUID(bytes=bytes(raw))


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def new_id(self) -> UUID:
        return uuid7(time.time_ns() // 1_000_000, os.urandom(10))
