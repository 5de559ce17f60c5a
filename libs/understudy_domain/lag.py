"""Lag L_i: how long after a media instant has passed its piece has arrived, followed slowly (failover rule, Words)."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median_low

SAMPLES = 15
FREE_SAMPLES = 5
"""Until so many pieces have come the lag is their median, whatever it was before: an encoder's first piece is often
early or late by its start-up, and a limit on the rise would hold that against it for minutes."""
RISE_PER_TICK_DIVISOR = 500
"""The lag rises by at most 1/500 of elapsed time: drift of clocks is followed, lateness is not excused."""


@dataclass(slots=True)
class Lag:
    """The lag of one session."""

    value: int | None = None
    """L_i, ticks; may be negative, only differences matter."""
    samples: list[int] = field(default_factory=list)
    """Arrival minus media end of the last pieces that did not come in a burst, oldest first, ticks."""
    counted: int = 0
    updated_at: int = 0
    """Instant of the last piece counted."""
    last_arrival: int | None = None
    """Instant of the last piece, counted or not: what a burst is measured from."""

    @property
    def lateness(self) -> int | None:
        """By how much later than its lag says the newest piece that was counted has come, ticks; negative: earlier."""
        return None if self.value is None or not self.samples else self.samples[-1] - self.value

    def observe(self, *, media_end: int, arrived_at: int, segment_duration: int) -> None:
        """Take in a piece that is complete in every rendition; media end in programme time, ticks."""
        burst = self.last_arrival is not None and arrived_at - self.last_arrival < segment_duration // 2
        self.last_arrival = arrived_at
        if burst:
            return
        self.samples.append(arrived_at - media_end)
        del self.samples[:-SAMPLES]
        self.counted += 1
        target = median_low(self.samples)
        if self.value is None or self.counted <= FREE_SAMPLES:
            self.value = target
        else:
            rise = (arrived_at - self.updated_at) // RISE_PER_TICK_DIVISOR
            self.value = min(max(target, self.value - segment_duration // 2), self.value + max(rise, 0))
        self.updated_at = arrived_at
