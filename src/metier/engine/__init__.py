"""Engine: workers, heartbeats, claims that outlive a process; the one sweep."""

from metier.engine.engine import HEARTBEAT_S, SILENT_S, WORK_CHANNEL, Claims, Engine
from metier.engine.worker import Worker

__all__ = ["HEARTBEAT_S", "SILENT_S", "WORK_CHANNEL", "Claims", "Engine", "Worker"]
