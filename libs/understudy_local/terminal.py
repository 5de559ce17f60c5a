"""What a person at the terminal reads: one line a happening, plain text, the same whether or not it is a terminal."""

from __future__ import annotations

import contextlib
import sys
import time


class Terminal:
    """Lines on standard output, with the seconds since the start while starting and with the time of day after."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        """Since this terminal was made."""
        return time.monotonic() - self._began

    def step(self, text: str) -> None:
        """Something done while starting."""
        self.write(f"{self.elapsed_seconds:6.1f} s  {text}")

    def happened(self, text: str) -> None:
        """Something that happened later."""
        self.write(f"{time.strftime('%H:%M:%S')}  {text}")

    def write(self, text: str) -> None:
        """Text as it is."""
        # Whoever read it may be gone (`… | head`); the stack runs on.
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
