"""The only place that reads clocks."""

from __future__ import annotations

import time
from typing import Final

from understudy_domain import ticks

stopwatch: Final = time.perf_counter
"""Seconds since some moment, as fine as there is: for what takes microseconds, where a call more would show."""


def now_ticks() -> int:
    """The wall clock, ticks since the epoch."""
    return ticks.from_nanoseconds(time.time_ns())


def now_nanoseconds() -> int:
    """The wall clock, nanoseconds since the epoch."""
    return time.time_ns()


def now_milliseconds() -> int:
    """The wall clock, milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def now_seconds() -> int:
    """The wall clock, whole seconds since the epoch."""
    return int(time.time())


def monotonic() -> float:
    """Seconds since some moment; never steps back. For durations and deadlines within this process."""
    return time.monotonic()
