"""Numbers into words: instants, durations and lists as sentences have them."""

from __future__ import annotations

from collections.abc import Iterable

from understudy_domain import ticks
from understudy_domain.ticks import TICKS_PER_SECOND


def seconds(duration: int) -> str:
    """A duration in ticks as ``3 s`` or ``0.25 s``: to the millisecond, no zeros at the end."""
    milliseconds = (abs(duration) * 1_000 + TICKS_PER_SECOND // 2) // TICKS_PER_SECOND
    whole, rest = divmod(milliseconds, 1_000)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    sign = "-" if duration < 0 and milliseconds else ""
    return f"{sign}{whole}{fraction} s"


def clock(instant: int) -> str:
    """An instant as ``12:00:07.250``, UTC: its day stands elsewhere."""
    return ticks.to_iso8601(instant)[11:-1]


def relative(instant: int, reference: int, *, to: str) -> str:
    """``0.3 s after it was due``: where an instant lies, as seen from another."""
    difference = instant - reference
    if abs(difference) < TICKS_PER_SECOND // 2_000:
        return f"just when {to}"
    return f"{seconds(abs(difference))} {'after' if difference > 0 else 'before'} {to}"


def listed(items: Iterable[str]) -> str:
    """``v1``, ``v1 and v2``, ``v1, v2 and a1``."""
    words = list(items)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def counted(count: int, one: str) -> str:
    """``1 piece``, ``3 pieces``."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"
