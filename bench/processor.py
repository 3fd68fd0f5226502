"""Processor time, read from the kernel: of our processes, of PostgreSQL, and of everybody else."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)


def used(pids: Iterable[int]) -> float:
    """Return the seconds that these processes and their ended or living children have used."""
    wanted, total = set(pids), 0
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit() and (fields := _fields(int(directory.name))):
            is_wanted = int(directory.name) in wanted
            own_and_ended = sum(map(int, fields[_TIMES]))
            if is_wanted or int(fields[_PARENT]) in wanted:
                total += own_and_ended
    return total / _TICKS


class Foreign:
    """Measures what others use between `begin` and `end`; `ours` are the roots of our own processes."""

    def __init__(self) -> None:
        self._began = (0.0, 0.0, 0.0)

    def begin(self, ours: Iterable[int]) -> None:
        """Start a measurement."""
        self._began = (time.monotonic(), _everybody(), used([*ours, os.getpid()]))

    def end(self, ours: Iterable[int]) -> float:
        """Return how many processors others kept busy on average."""
        began, everybody, own = self._began
        elapsed = max(time.monotonic() - began, 1e-6)
        return max((_everybody() - everybody - (used([*ours, os.getpid()]) - own)) / elapsed, 0.0)


def _everybody() -> float:
    user, nice, system, _idle, _wait, interrupt, soft = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + interrupt + soft) / _TICKS


def _fields(pid: int) -> list[str] | None:
    try:
        # The name in parentheses may hold anything; what follows the last one is regular.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    except (OSError, IndexError):
        return None
