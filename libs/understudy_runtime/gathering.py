"""How long what comes is left where it is before it is seen to: the longer, the more comes.

A process that is woken for each message by itself pays for it, for by then the processor's caches hold other things:
what takes 50 µs amid others of its kind takes up to three times as long. So messages are let gather for some
milliseconds and seen to together. Where few come, nothing waits.
"""

from __future__ import annotations

from math import exp
from typing import Final

_SECONDS_PER_RATE: Final = 2e-6
"""For each message that comes a second: 2 ms where a thousand come."""
_SHORTEST_SECONDS: Final = 0.0005
"""A shorter pause is none."""
_REMEMBERED_SECONDS: Final = 0.5
"""Over about so much time it is reckoned how many come."""


class Gathering:
    """Told how many have come, answers with how long to leave the next ones."""

    def __init__(self, *, longest_seconds: float) -> None:
        """``longest_seconds``: the longest of its answers."""
        self._longest_seconds = longest_seconds
        self._count = 0.0
        """Messages of late, older ones less."""
        self._counted_at = 0.0

    def pause_seconds(self, now: float, *, messages: int) -> float:
        """How long to leave what comes from here on.

        Args:
            now: of a monotonic clock, seconds.
            messages: how many have come since this was asked last.
        """
        self._count = self._count * exp((self._counted_at - now) / _REMEMBERED_SECONDS) + messages
        self._counted_at = now
        pause = min(self._count / _REMEMBERED_SECONDS * _SECONDS_PER_RATE, self._longest_seconds)
        return pause if pause >= _SHORTEST_SECONDS else 0.0
