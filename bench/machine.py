"""What the machine tells: CPU time of processes, and general words about where a run happened."""

import os
import platform
import subprocess
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Give the CPU seconds that a process and its children have used, threads included.

    Nanoseconds from the scheduler where the kernel tells them, else clock ticks. What a child used before it ended
    is missing, so measure processes that live through the round.
    """
    return sum(_own_cpu_s(one) for one in tree(pid))


def tree(pid: int) -> list[int]:
    """Give a process and all its descendants that are alive."""
    found = [pid]
    for one in found:
        found += _children(one)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in _tasks(pid):
        try:
            found += [int(child) for child in (task / "children").read_text().split()]
        except OSError:  # ended between the listing and the reading
            continue
    return found


def _own_cpu_s(pid: int) -> float:
    try:
        return sum(int((task / "schedstat").read_text().split()[0]) for task in _tasks(pid)) / 1e9
    except (OSError, IndexError, ValueError):
        return _ticks_s(pid)


def _ticks_s(pid: int) -> float:
    try:
        after_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / TICKS_PER_S  # utime, stime: proc(5)


def _tasks(pid: int) -> list[Path]:
    try:
        return list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return []


def words() -> str:
    """Say in general words what kind of machine this is."""
    cores = len(os.sched_getaffinity(0))
    first = ", run before other work" if os.nice(0) < 0 else ""
    return f"{cores} cores, {platform.system()} {platform.machine()}, CPython {platform.python_version()}{first}"


def commit() -> str:
    """Give the short id of the commit that was measured, with a mark if the tree had changes."""
    here = Path(__file__).parent
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=False
    )
    if found.returncode:
        return "before the first commit"
    changes = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=False)
    return found.stdout.strip() + (" with changes" if changes.stdout.strip() else "")
