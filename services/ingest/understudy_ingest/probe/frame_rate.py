"""The frame rate that presentation timestamps show."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from understudy_domain import ticks
from understudy_ingest.probe.packets import Integers

_USUAL = tuple(
    Fraction(rate)
    for rate in (
        "24000/1001",
        "24",
        "25",
        "30000/1001",
        "30",
        "48",
        "50",
        "60000/1001",
        "60",
        "12",
        "25/2",
        "15",
        "120",
    )
)


@dataclass(frozen=True, slots=True)
class FrameTiming:
    """How long pictures last."""

    frame_duration: int
    """Ticks, the median; 0 where a single picture tells nothing."""
    duration: int
    """From the first picture to the end of the last, ticks."""
    frame_rate: str | None
    """Exact where it is steady, None where it varies."""


def measure_frames(timestamps: Integers) -> FrameTiming:
    """Timing of pictures from their timestamps, unwrapped, in any order."""
    ordered = np.sort(timestamps)
    steps = np.diff(ordered)
    if not len(steps):
        return FrameTiming(0, 0, None)
    span = int(ordered[-1] - ordered[0])
    frame_duration = int(np.partition(steps, len(steps) // 2)[len(steps) // 2])
    steady = int(steps.max() - steps.min()) <= 1 and frame_duration > 0
    if not steady:
        return FrameTiming(frame_duration, span + frame_duration, None)
    rate = _rate(span, len(steps), frame_duration)
    return FrameTiming(frame_duration, span + _one_frame(rate), str(rate))


def _one_frame(rate: Fraction) -> int:
    numerator = ticks.TICKS_PER_SECOND * rate.denominator
    return (2 * numerator + rate.numerator) // (2 * rate.numerator)


def _rate(span: int, steps: int, frame_duration: int) -> Fraction:
    """The usual rate that the timestamps are the rounding of, else what they say."""
    for rate in _USUAL:
        # In integers, as it is asked for each segment: steps / rate is the span, but for rounding at both ends.
        numerator, denominator = rate.numerator, rate.denominator
        if abs(steps * ticks.TICKS_PER_SECOND * denominator - span * numerator) <= numerator:
            return rate
    return Fraction(ticks.TICKS_PER_SECOND, frame_duration)
