"""What work costs as its input grows: by ratio, as no machine is as fast as another."""

from __future__ import annotations

import time
from collections.abc import Callable

_FACTOR = 8
_RATIO_MAX = 30.0
"""Of linear work it is 8, of quadratic work 64."""
_ROUNDS = 7


def grows_no_faster_than_its_input(work: Callable[[int], object], *, size: int) -> bool:
    """Whether ``work(8 * size)`` takes less than thirty times the processor time of ``work(size)``."""
    return _least_seconds(work, _FACTOR * size) < _RATIO_MAX * _least_seconds(work, size)


def _least_seconds(work: Callable[[int], object], size: int) -> float:
    """Of several tries: whatever comes between only adds."""
    taken = []
    for _ in range(_ROUNDS):
        started = time.thread_time()
        work(size)
        taken.append(time.thread_time() - started)
    return min(taken)
