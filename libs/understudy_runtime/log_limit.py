"""How often the same is told in a log, where others decide how often it happens."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

from understudy_runtime import clock

_AGAIN_SECONDS: Final = 10.0
_KINDS_MAX: Final = 1_024


@dataclass(slots=True)
class _Told:
    at_seconds: float
    left_out: int = 0


class LogLimit:
    """One line for each kind of thing every ten seconds. What is counted elsewhere is counted whole."""

    def __init__(self, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._monotonic = monotonic
        self._told: dict[Hashable, _Told] = {}

    def admit(self, kind: Hashable) -> int | None:
        """How many of this kind were left out since one was told; None where this one is to be left out, too."""
        now = self._monotonic()
        told = self._told.get(kind)
        if told is not None and now - told.at_seconds < _AGAIN_SECONDS:
            told.left_out += 1
            return None
        if told is None and len(self._told) >= _KINDS_MAX:
            self._told.clear()
        self._told[kind] = _Told(now)
        return 0 if told is None else told.left_out
