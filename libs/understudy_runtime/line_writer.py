"""Lines to a file or to standard output, written by a thread: who has a line to write never waits for a disk or a pipe.

What waits to be written is bounded. When it is too much, because the reader of a pipe sleeps or a disk is full, further
lines are dropped and counted. Whatever waits is written at least every half second, and at the end.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

from understudy_runtime import clock

_log = logging.getLogger(__name__)

STDOUT: Final = "stdout"

_FLUSH_SECONDS: Final = 0.5
_CLOSE_SECONDS: Final = 3.0
"""How long the last lines may take: a pipe that nobody reads must not keep a process from ending."""
_HELD_BYTES_MAX: Final = 16 << 20
_BATCH_LINES: Final = 1_000
_WARN_AGAIN_SECONDS: Final = 10.0

T = TypeVar("T")


class LineWriter(Generic[T]):
    """Takes items on the event loop, makes a line of each in its thread, and appends it to its destination."""

    def __init__(self, destination: str, *, render: Callable[[T], bytes]) -> None:
        """``destination``: ``stdout`` or the path of a file. ``render``: an item's line, with its end."""
        self._path = None if destination == STDOUT else Path(destination)
        self._told = destination
        self._render = render
        self._waiting: deque[tuple[T, int]] = deque()
        # Each of these is written by one side alone; their difference is what waits.
        self._put_lines = 0
        self._put_bytes = 0
        self._taken_bytes = 0
        self._refused = 0
        self._lost = 0
        self._given_up = 0
        self.written_total = 0
        """Lines written."""
        self._file: int | None = None
        self._is_torn = False
        self._warned_at = float("-inf")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="line writer", daemon=True)

    @property
    def dropped_total(self) -> int:
        """Lines that were not written: too much waited, up to the end, or the line or the destination failed."""
        return self._refused + self._lost + self._given_up

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, and end. Blocks for some seconds at most; what is not written by then is dropped."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(_CLOSE_SECONDS)
        left = self._put_lines - self.written_total - self._lost
        if left:
            self._given_up = left
            _log.error("%d lines are lost at the end, %s took them too slowly", left, self._told)

    def put(self, item: T, *, size: int) -> None:
        """Have a line written soon; ``size``: about how many bytes the item holds."""
        if self._put_bytes - self._taken_bytes > _HELD_BYTES_MAX:
            self._refused += 1
            return
        self._put_bytes += size
        self._put_lines += 1
        self._waiting.append((item, size))

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.wait(_FLUSH_SECONDS):
            self._flush()
        self._flush()
        if self._file is not None and self._path is not None:
            os.close(self._file)

    def _flush(self) -> None:
        while self._waiting:
            lines = self._take_lines()
            try:
                self._write(b"".join(lines))
            except (OSError, ValueError) as err:  # a standard output that was closed is a ValueError
                self._lost += len(lines)
                self._warn("lines are lost, they cannot be written to %s: %s", self._told, err)
            else:
                self.written_total += len(lines)

    def _take_lines(self) -> list[bytes]:
        lines: list[bytes] = []
        for _ in range(min(len(self._waiting), _BATCH_LINES)):
            item, size = self._waiting.popleft()
            self._taken_bytes += size
            try:
                lines.append(self._render(item))
            except Exception as err:  # noqa: BLE001  # one line that cannot be made must not end the thread
                self._lost += 1
                self._warn("lines are lost, they cannot be made: %s: %s", type(err).__name__, err)
        return lines

    def _write(self, data: bytes) -> None:
        file = self._open()
        rest = memoryview(b"\n" + data if self._is_torn else data)
        while rest:
            try:
                written = os.write(file, rest)
            except BlockingIOError:
                select.select((), (file,), (), _FLUSH_SECONDS)  # a pipe that somebody set to not block
                continue
            self._is_torn = written < len(rest)
            rest = rest[written:]

    def _open(self) -> int:
        """The open file; opened anew where its path is another file now, or none: it was rotated away."""
        if self._path is None:
            return sys.__stdout__.fileno() if sys.__stdout__ is not None else 1
        if self._file is not None:
            present = os.fstat(self._file)
            with contextlib.suppress(FileNotFoundError):
                named = self._path.stat()
                if (named.st_dev, named.st_ino) == (present.st_dev, present.st_ino):
                    return self._file
            os.close(self._file)
            self._file = None
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._is_torn = False
        return self._file

    def _warn(self, sentence: str, *told: object) -> None:
        now = clock.monotonic()
        if now - self._warned_at >= _WARN_AGAIN_SECONDS:
            self._warned_at = now
            _log.error(sentence, *told)
