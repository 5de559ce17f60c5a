"""The one unit of time: a tick is 1/90,000 s, an integer, since the Unix epoch where it is an instant.

Media timestamps in MPEG-TS are in ticks already, so that "continues to the tick" is integer equality; other
containers' timestamps are converted once, absolutely, never as summed durations. 90 kHz since the epoch stays
below 2**53, so every JSON reader reads it exactly.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

TICKS_PER_SECOND = 90_000

_NANOSECONDS_PER_TICK_NUMERATOR = 100_000
_NANOSECONDS_PER_TICK_DENOMINATOR = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_seconds(seconds: float) -> int:
    """Seconds to ticks, to the nearest tick."""
    return round(seconds * TICKS_PER_SECOND)


def to_seconds(ticks: int) -> float:
    """Ticks to seconds."""
    return ticks / TICKS_PER_SECOND


def difference(one: int, other: int, modulus: int | None) -> int:
    """By how much a timestamp is later than another, the shorter way round where timestamps wrap at ``modulus``."""
    if modulus is None:
        return one - other
    return (one - other + modulus // 2) % modulus - modulus // 2


def from_nanoseconds(nanoseconds: int) -> int:
    """Nanoseconds (a JetStream timestamp, ``time.time_ns()``) to ticks, rounded down."""
    return nanoseconds * _NANOSECONDS_PER_TICK_DENOMINATOR // _NANOSECONDS_PER_TICK_NUMERATOR


def to_nanoseconds(ticks: int) -> int:
    """Ticks to nanoseconds, rounded up: what ``from_nanoseconds`` makes the same ticks of again."""
    return -(-ticks * _NANOSECONDS_PER_TICK_NUMERATOR // _NANOSECONDS_PER_TICK_DENOMINATOR)


def from_datetime(instant: datetime) -> int:
    """An aware datetime to ticks since the epoch; exact to the microsecond, rounded to the nearest tick.

    Raises:
        ValueError: the datetime is naive.
    """
    if instant.tzinfo is None:
        raise ValueError("a naive datetime is no instant; give it a time zone")
    microseconds = (instant - _EPOCH) // timedelta(microseconds=1)
    return (microseconds * 9 + 50) // 100


def to_datetime(ticks: int) -> datetime:
    """Ticks since the epoch to an aware UTC datetime, to the microsecond."""
    return _EPOCH + timedelta(microseconds=ticks * 100 // 9)


def to_iso8601(ticks: int) -> str:
    """An instant as ``2026-11-23T10:15:02.040Z``, to the millisecond: EXT-X-PROGRAM-DATE-TIME and the API."""
    milliseconds = (ticks * 1_000 + TICKS_PER_SECOND // 2) // TICKS_PER_SECOND
    instant = _EPOCH + timedelta(milliseconds=milliseconds)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1_000:03d}Z"
