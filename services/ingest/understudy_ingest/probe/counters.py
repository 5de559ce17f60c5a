"""Continuity counters where a segment begins and where it ends, of every PID (ISO/IEC 13818-1, 2.4.3.3)."""

from __future__ import annotations

import numpy as np

from understudy_domain.media import RunningCounter
from understudy_ingest.probe.packets import Integers, Packets

COUNTER_MODULUS = 16
COUNTERS_MAX = 32
"""More PIDs than that are noise; those that come first in the segment are told: tables, video and audio do."""
_PIDS = 1 << 13
_NULL_PID = _PIDS - 1
_HAS_PAYLOAD = 0x10


def read_counters(packets: Packets) -> tuple[RunningCounter, ...]:
    """By PID, in order of appearance; null packets count nothing.

    Only packets with payload count. On a PID that has none (a clock of its own) they all repeat one value: the counter
    stands at the one after it, where it began.
    """
    carrying = (packets.controls & _HAS_PAYLOAD) != 0
    first, last = _ends(packets, np.flatnonzero(carrying))
    if not carrying.all():
        idle, _ = _ends(packets, np.flatnonzero(~carrying))
        only_idle = (first < 0) & (idle >= 0)
        first[only_idle] = last[only_idle] = idle[only_idle]
    first[_NULL_PID] = -1
    pids = np.flatnonzero(first >= 0)
    pids = pids[np.argsort(first[pids])][:COUNTERS_MAX]
    begins, ends = packets.controls[first[pids]], packets.controls[last[pids]]
    skipped = (begins & _HAS_PAYLOAD) == 0
    firsts = (begins + skipped) % COUNTER_MODULUS
    nexts = (ends + np.uint8(1)) % COUNTER_MODULUS
    return tuple(map(RunningCounter, pids.tolist(), firsts.tolist(), nexts.tolist()))


def _ends(packets: Packets, indices: Integers) -> tuple[Integers, Integers]:
    """By PID: the first and the last of these packets; -1 where there is none."""
    pids = packets.pids[indices]
    first, last = np.full((2, _PIDS), -1, dtype=np.int64)
    # Of several assignments to one place numpy keeps the last.
    last[pids] = indices
    first[pids[::-1]] = indices[::-1]
    return first, last
