"""Slots: the channel's grid of programme time, and how each endpoint's slots nest in it (failover rule, Words)."""

from __future__ import annotations

from dataclasses import dataclass

_ROUNDING = 50
"""A configured duration may exceed a whole number of S_in by a 50th of S_in and still be rounded down to it: measured
durations of 1.9999 s must not turn 6 s into 8."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where slots begin. One for each channel, so that the slots of all its endpoints nest."""

    anchor: int
    """Programme time at which slot 0 begins, ticks."""
    segment_duration: int
    """S_in, ticks."""

    def slot_duration(self, configured: int) -> int:
        """S_out: the configured segment duration rounded up to a whole number of S_in, at least one; ticks."""
        excess = configured - self.segment_duration // _ROUNDING
        return max(1, -(-excess // self.segment_duration)) * self.segment_duration

    def slot_of(self, start: int, *, slot_duration: int) -> int:
        """The slot of a piece that begins at ``start``.

        Boundary k is the first piece boundary at or after anchor + k · S_out - S_in / 2, and pieces end where the
        next begins; so the piece belongs to slot k if, and only if, it begins within half of S_in before, or after,
        anchor + k · S_out. No other piece is needed to tell: a missing, short or long one shifts nothing after it.
        """
        return (start - self.anchor + self.segment_duration // 2) // slot_duration

    def earliest_start_in(self, slot: int, *, slot_duration: int) -> int:
        """From where on a piece that begins there belongs to slot k, or to a later one; programme time, ticks."""
        return self.anchor + slot * slot_duration - self.segment_duration // 2

    def start_of(self, slot: int, *, slot_duration: int) -> int:
        """Where slot k begins by prediction: anchor + k · S_out, programme time, ticks."""
        return self.anchor + slot * slot_duration
