"""Many schedules, on all cores."""

from __future__ import annotations

import multiprocessing
import os
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from support.simulation.plan import plan_of
from support.simulation.violation import Violation
from support.simulation.world import World

CHUNK = 25


@dataclass(frozen=True, slots=True)
class Failure:
    """A schedule that broke a promise, or the program."""

    seed: int
    promise: str
    seen: str


def run_seed(seed: int) -> Failure | None:
    """Run one schedule."""
    try:
        World(plan_of(seed)).run()
    except Violation as violation:
        return Failure(seed, violation.promise, str(violation))
    except Exception as err:  # noqa: BLE001  # whatever breaks is a finding, and the next schedule is to run
        frames = traceback.extract_tb(err.__traceback__)[-1]
        return Failure(seed, type(err).__name__, f"{err!r} in {frames.name}, {frames.filename}:{frames.lineno}")
    return None


def run_seeds(seeds: Iterable[int]) -> list[Failure]:
    """Run these schedules one after the other."""
    return [failure for seed in seeds if (failure := run_seed(seed)) is not None]


def campaign(first: int, schedules: int, *, processes: int | None = None) -> Iterator[tuple[int, list[Failure]]]:
    """Run schedules on all cores; yields how many are done so far and what has just failed."""
    chunks = [range(at, min(at + CHUNK, first + schedules)) for at in range(first, first + schedules, CHUNK)]
    done = 0
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes or os.cpu_count() or 1, mp_context=context) as pool:
        for chunk, failures in zip(chunks, pool.map(run_seeds, chunks), strict=True):
            done += len(chunk)
            yield done, failures
