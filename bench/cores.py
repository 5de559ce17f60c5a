"""Which core does what, and how much CPU time a process has used."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

_CPU_CLOCK_OF_PROCESS = 2


@dataclass(frozen=True, slots=True)
class Cores:
    """The server under test has a core of its own; load, storage and bus share the other."""

    server: int
    load: int
    all: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        """From the cores that this process may use; one core is both, which says little."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(server=usable[0], load=usable[-1], all=frozenset(usable))

    def on_server_core(self, command: Sequence[str]) -> list[str]:
        """The command, to run where the server under test runs."""
        return ["taskset", "-c", str(self.server), *command]

    def stay_on_load_core(self) -> None:
        """Keep this thread, and what it starts, off the server's core."""
        os.sched_setaffinity(0, {self.load})

    def use_all(self) -> None:
        """Let this thread, and what it starts, run everywhere."""
        os.sched_setaffinity(0, self.all)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, ended ones too.

    The same sum as utime and stime in /proc/<pid>/stat, in nanoseconds instead of hundredths of a second.
    """
    return time.clock_gettime((~pid << 3) | _CPU_CLOCK_OF_PROCESS)
