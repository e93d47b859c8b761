"""Timing many turns in one process: CPU of the process, wall time of all and of the middle one."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import Any

Turn = Callable[[], Awaitable[Any]]


def timed(turn: Turn) -> Callable[[dict[str, Any]], Awaitable[Mapping[str, float]]]:
    """Make the answer to a command `{"turns": 200, "in_flight": 16}`: `{"cpu_us", "wall_us", "p50_us"}` per turn."""

    async def do(command: dict[str, Any]) -> Mapping[str, float]:
        return await time_turns(turn, turns=command["turns"], in_flight=command["in_flight"])

    return do


async def time_turns(turn: Turn, *, turns: int, in_flight: int) -> Mapping[str, float]:
    """Do `turns` turns, `in_flight` at once."""
    left = iter(range(turns))
    walls: list[float] = []

    async def some() -> None:
        for _ in left:
            start = time.perf_counter()
            await turn()
            walls.append(time.perf_counter() - start)

    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(some() for _ in range(in_flight)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu_us": cpu / turns * 1e6, "wall_us": wall / turns * 1e6, "p50_us": median(walls) * 1e6}
