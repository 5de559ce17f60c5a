"""How many requests a process makes at most: the core that sends is the one that decides."""

from __future__ import annotations

from typing import Final

REQUESTS_A_SECOND_MAX: Final = 50
"""Over all webhooks. One takes two to four milliseconds: a flood of events takes a fifth of the core, for longer."""


class Pace:
    """Gives turns, each some time after the one before."""

    def __init__(self, *, a_second: float = REQUESTS_A_SECOND_MAX) -> None:
        self._apart_seconds = 1 / a_second
        self._next = float("-inf")

    def wait_seconds(self, now: float) -> float:
        """How long whoever asks at ``now`` (seconds of any clock) waits for the turn that is given to him with this."""
        turn = max(self._next, now)
        self._next = turn + self._apart_seconds
        return turn - now
