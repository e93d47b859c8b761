"""A process that writes a run until it is killed: `python writing_process.py <url> <home> <run's id file>`."""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from metier.clock import SystemClock
from metier.events import EventType
from metier.llm.door import CallStart
from metier.llm.messages import Request, user
from metier.llm.provider import ModelInfo
from metier.runs import Ledger
from tests.runs.conftest import make_actor, open_run, process


async def main(url: str, home: Path, told: Path) -> None:
    clock = SystemClock()
    async with process(url, home, clock) as runs:
        actor = make_actor()
        question = user("Hi")
        thread_id = UUID(int=5)
        log = await runs.open(actor, kind="turn", name="clerk", input="Hi", thread_id=thread_id, message=question)
        child = await open_run(runs, actor, parent=log)
        request = Request("scripted/model", [question])
        await Ledger(child).reserve(CallStart(actor, request, ModelInfo("scripted/model"), clock.now()))
        told.write_text(f"{log.run.id} {runs._engine.worker.id}")
        for n in range(100_000):
            log.delta(EventType.TOKEN, f"{n} ")
            if n % 10 == 0:
                await log.emit(EventType.STAGE, {"name": str(n), "status": "running"})
            await asyncio.sleep(0.002)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
