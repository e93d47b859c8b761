"""Our side of the agent's turn: one Metier, an agent with one tool, every message durable.

Run: python -m bench.ours.loop HOME MODEL_URL
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvloop

from bench.floors.loop import QUESTION, SYSTEM
from bench.home import PROVIDER, settings
from bench.processes import answer_commands
from bench.turns import time_turns
from metier.agents import define_agent
from metier.app import Metier
from metier.context import Context
from metier.events import EventType
from metier.tools import tool


@tool
async def add(ctx: Context, *, a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


CALCULATOR = define_agent(name="calculator", prompt=SYSTEM, model=f"{PROVIDER}/loop", tools=[add])


async def main(folder: str, model_url: str) -> None:
    """Answer commands with turns."""
    async with Metier.open(settings(Path(folder), model_url), agents=[CALCULATOR]) as metier:
        await answer_commands(lambda command: _round(metier, command))


async def _round(metier: Metier, command: dict[str, Any]) -> Mapping[str, float]:
    actor = await metier.access.operator()
    threads = [await metier.chat.create_thread(actor, agent="calculator") for _ in range(command["turns"])]
    fresh = iter(threads)

    async def turn() -> None:
        run = await metier.chat.send(actor, next(fresh).id, QUESTION)
        async for event in metier.runs.follow(run.root_id):
            if event.type is EventType.COMPLETE and event.data["stop_reason"] != "answered":
                raise RuntimeError(f"the turn did not end well: {event.data}")

    return await time_turns(turn, turns=command["turns"], in_flight=command["in_flight"])


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
