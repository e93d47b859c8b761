"""A process that runs jobs, to be killed.

Run: python -m tests.engine.mortal_jobs URL HOME [hang]. It prints `up` once it runs jobs. The job writes what it does
into the table `ledger`, which the engine knows nothing of; with `hang`, it stays in its second step.
"""

import asyncio
import sys
from pathlib import Path

from metier.clock import SystemClock
from metier.engine import AtWork, Engine, Every, Schedule
from metier.settings import Settings
from metier.store import Database

STEPS = 4
MINUTES = 600_000  # the next tick is far away


def schedule(db: Database, *, hangs: bool = False) -> Schedule:
    """Make the schedule whose work leaves a row per step behind."""

    async def work(job: AtWork) -> None:
        for n in range(STEPS):

            async def step(n: int = n) -> int:
                await db.execute("insert into ledger (step) values (%s)", [n])
                if hangs and n == 1:
                    await asyncio.Event().wait()
                return 10 * n

            got = await job.once(f"step {n}", step)
            await job.tell(f"step {n}", {f"step {n}": got})

    return Schedule("chore", "The chore", "Writes a ledger.", Every(MINUTES), work)


async def main(url: str, home: Path, *, hangs: bool) -> None:
    db = await Database.open(Settings.for_tests(home, database_url=url), migrate=False)
    engine = Engine(db, SystemClock(), heartbeat_s=0.2, silent_s=60)
    engine.schedule(schedule(db, hangs=hangs))
    await engine.start()
    await engine.launch()
    print("up" if engine.jobs.is_on else "off", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), hangs="hang" in sys.argv[3:]))
