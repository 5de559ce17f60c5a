"""What a picture of a channel shows, as data: when what arrived from each input, and what was published of it when.

Everything stands on one axis, the log's clock. A segment is shown where it arrived, a slot where viewers could first
see it; neither is moved to where it would look better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import SegmentArrived
from understudy_domain.reason import Reason
from understudy_domain.strip import Run, runs_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """One segment of one input, in all its renditions."""

    instant: int
    """When the last of it had arrived, ticks since the epoch."""
    duration: int
    """Ticks."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One entry of the programme."""

    published_at: int
    """When viewers could first see it, ticks since the epoch: once it was decided, and available."""
    duration: int
    """Ticks."""
    media_sequence: int
    shares: tuple[Run, ...]
    """Empty: a gap."""
    active_input: int
    reason: Reason
    discontinuity: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An origin endpoint and its programme."""

    id: str
    segment_duration_seconds: int
    """As configured."""
    time_delay_seconds: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """A channel from ``begin`` to ``end``, ticks since the epoch. What lies outside of these is cut off."""

    channel: str
    begin: int
    end: int
    inputs: Mapping[int, Sequence[Arrival]]
    endpoints: tuple[Endpoint, ...]


def arrivals_of(facts: Iterable[tuple[int, SegmentArrived]]) -> tuple[Arrival, ...]:
    """The arrivals of one input, from its facts and their instants in order.

    Renditions of one segment, which follow each other with the same timestamps, count as one.
    """
    found: list[Arrival] = []
    timestamp: int | None = None
    for instant, fact in facts:
        leading = fact.probe.leading
        if leading is None:
            continue
        arrival = Arrival(instant, leading.duration)
        if timestamp is not None and abs(leading.first_timestamp - timestamp) < leading.duration // 2:
            found[-1] = arrival
        else:
            found.append(arrival)
        timestamp = leading.first_timestamp
    return tuple(found)


def slots_of(entries: Iterable[ProgramEntry]) -> tuple[Slot, ...]:
    """What is drawn of these entries."""
    return tuple(
        Slot(
            published_at=max(entry.available_at, entry.as_of.instant),
            duration=entry.end - entry.start,
            media_sequence=entry.media_sequence,
            shares=runs_of(entry),
            active_input=entry.active_input,
            reason=entry.reason,
            discontinuity=entry.discontinuity,
        )
        for entry in entries
        if not entry.ended  # it repeats the one before
    )
