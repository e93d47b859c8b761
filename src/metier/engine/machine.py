"""Which process of which machine one is, so that others on the machine see at once that it died.

A process id is used again after a while, and containers have ids of their own: hence the boot and the namespace beside
the id, and the moment the process began. Where there is no `/proc`, nothing is known, and silence has to tell.
"""

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process.

    Attributes:
        machine: The boot and the namespace that `pid` counts in; empty where it cannot be known.
        born: When it began, in ticks since the boot.
    """

    machine: str
    pid: int
    born: int

    @classmethod
    def this(cls) -> "Process":
        """Give the process that asks."""
        pid = os.getpid()
        return cls(_machine(), pid, _born(pid) or 0)

    def is_gone(self) -> bool:
        """Say whether a process of this machine has certainly ended; False if it cannot be known."""
        return bool(self.machine) and self.machine == _machine() and _born(self.pid) != self.born


def _machine() -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _born(pid: int) -> int | None:
    """Give when a process began, or None if there is none; one that was killed and not yet buried is none."""
    try:
        told = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    facts = told[told.rindex(")") + 2 :].split()  # the name before it may hold anything (proc_pid_stat(5))
    return None if facts[0] in "ZX" else int(facts[19])
