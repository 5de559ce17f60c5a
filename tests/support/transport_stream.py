"""MPEG-TS packets made up for tests: continuous counters on several PIDs, anything in the payload."""

from __future__ import annotations

import random
from collections import Counter

from understudy_domain.media import Probe, RunningCounter

PACKET_BYTES = 188
PIDS = (0x0000, 0x0100, 0x0101, 0x1000)
NULL_PID = 0x1FFF


def make_transport_stream(packets: int, *, seed: int = 0, first_counter: int | None = None) -> bytes:
    """Packets in which each PID's continuity counter rises by one from where it begins."""
    generator = random.Random(seed)
    counters = {pid: generator.randrange(16) if first_counter is None else first_counter for pid in PIDS}
    found = []
    for _ in range(packets):
        pid = generator.choice((*PIDS, NULL_PID))
        with_payload = pid == NULL_PID or generator.random() > 0.1
        counter = 0
        if pid != NULL_PID:
            # A packet with nothing but an adaptation field repeats the counter before it.
            counter = counters[pid] if with_payload else (counters[pid] - 1) % 16
            counters[pid] = (counters[pid] + with_payload) % 16
        flags = (0x10 if with_payload else 0x20) | counter
        header = bytes([0x47, pid >> 8, pid & 0xFF, flags])
        rest = generator.randbytes(184) if with_payload else bytes([183, 0]) + b"\xff" * 182
        found.append(header + rest)
    return b"".join(found)


def continuity_errors(stream: bytes) -> Counter[int]:
    """By PID: packets whose counter does not follow."""
    last: dict[int, int] = {}
    found: Counter[int] = Counter()
    for at in range(0, len(stream), PACKET_BYTES):
        packet = stream[at : at + PACKET_BYTES]
        assert packet[0] == 0x47
        pid = ((packet[1] & 0x1F) << 8) | packet[2]
        if pid == NULL_PID:
            continue
        counter = packet[3] & 0x0F
        expected = last.get(pid)
        if expected is not None and counter != (expected + bool(packet[3] & 0x10)) % 16:
            found[pid] += 1
        last[pid] = counter
    return found


def running_counters(stream: bytes) -> Probe:
    """A probe that knows no more than where the counters begin and end."""
    first: dict[int, int] = {}
    following: dict[int, int] = {}
    for at in range(0, len(stream), PACKET_BYTES):
        packet = stream[at : at + PACKET_BYTES]
        pid, counter = ((packet[1] & 0x1F) << 8) | packet[2], packet[3] & 0x0F
        if pid != NULL_PID:
            first.setdefault(pid, counter if packet[3] & 0x10 else (counter + 1) % 16)
            following[pid] = (counter + 1) % 16
    counters = tuple(RunningCounter(pid, begins, following[pid]) for pid, begins in first.items())
    return Probe("mpegts", (), digest="", counters=counters, counter_modulus=16)
