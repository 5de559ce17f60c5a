"""Encoders' uploads, over kept connections: a fixed number, each of them acknowledged."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.cores import cpu_seconds
from bench.http import Connection, UnexpectedAnswer

CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Uploads:
    """What to send, and where to."""

    port: int
    path: Callable[[int], str]
    """From the upload's number, which never repeats."""
    body: bytes
    headers: Mapping[str, str]


class Uploader:
    """Sends rounds of uploads to one server; ``pid`` is the process whose CPU time counts."""

    def __init__(self, uploads: Uploads, *, pid: int) -> None:
        self._uploads = uploads
        self._pid = pid
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def measure(self, count: int) -> dict[str, float]:
        """Send ``count`` uploads, divided between the connections.

        Raises:
            UnexpectedAnswer: one was not acknowledged.
        """
        share = count // CONNECTIONS
        before, started = cpu_seconds(self._pid), time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            waits = [wait for result in threads.map(self._send, [share] * CONNECTIONS) for wait in result]
        used, took = cpu_seconds(self._pid) - before, time.perf_counter() - started
        return {
            "uploads": len(waits),
            "uploads_per_second": len(waits) / took,
            "cpu_milliseconds_per_upload": used * 1e3 / len(waits),
            "busy_fraction": used / took,
            "wait_mean_milliseconds": sum(waits) * 1e3 / len(waits),
        }

    def _send(self, count: int) -> list[float]:
        waits = []
        with Connection(self._uploads.port) as connection:
            for _ in range(count):
                with self._lock:
                    number = next(self._numbers)
                started = time.perf_counter()
                answer = connection.request(
                    "PUT", self._uploads.path(number), self._uploads.headers, self._uploads.body
                )
                waits.append(time.perf_counter() - started)
                if not 200 <= answer.status < 300:
                    raise UnexpectedAnswer(f"PUT: {answer.status} {answer.body[:300]!r}")
        return waits
