"""Engine: workers, heartbeats, claims that outlive a process; the one sweep; schedules and their jobs."""

from metier.engine.engine import HEARTBEAT_S, SILENT_S, WORK_CHANNEL, Claims, Engine
from metier.engine.job import AtWork, Job, Schedule, Scheduled
from metier.engine.jobs import Jobs, Standing, standing
from metier.engine.ticks import Cron, Every, When
from metier.engine.worker import Worker

__all__ = [
    "HEARTBEAT_S",
    "SILENT_S",
    "WORK_CHANNEL",
    "AtWork",
    "Claims",
    "Cron",
    "Engine",
    "Every",
    "Job",
    "Jobs",
    "Schedule",
    "Scheduled",
    "Standing",
    "When",
    "Worker",
    "standing",
]
