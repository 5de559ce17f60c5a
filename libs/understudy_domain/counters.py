"""Running counters over a whole programme: by how much each piece's are shifted so that they go on from the last one's.

Nothing but the last entry and the pieces decides, so a successor that knows both goes on with the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from understudy_domain.entry import CounterShift, NextCounter
from understudy_domain.media import RunningCounter

TRACKS_MAX = 32
"""Tracks whose counters an entry carries on: encoders that come back with other tracks each time must not fill it."""

Shifts = tuple[CounterShift, ...] | None
Counters = tuple[NextCounter, ...] | None


class Counted(Protocol):
    """What is known of a piece's counters: a probe says it, a piece carries it."""

    @property
    def counters(self) -> tuple[RunningCounter, ...]:
        """One for each track that has one."""

    @property
    def counter_modulus(self) -> int | None:
        """What they wrap at."""


def continue_counters(pieces: Iterable[Counted], standing: Counters) -> tuple[list[Shifts], Counters]:
    """The shifts of each of these pieces, in order, and where the counters stand after them.

    Args:
        pieces: of one rendition, in the order in which they are published.
        standing: as the last entry says; None where nothing is known.
    """
    due = {one.track_id: one.next for one in standing or ()}
    shifts = [_continue(piece, due) for piece in pieces]
    return shifts, tuple([NextCounter(track_id, following) for track_id, following in due.items()]) or None


def _continue(piece: Counted, due: dict[int, int]) -> Shifts:
    """A piece's shifts; ``due``, by track what its counter has to begin with, is brought up to what follows it."""
    modulus = piece.counter_modulus
    if modulus is None:
        # Whoever looked into it did not say: what comes after it has nothing to go on from.
        due.clear()
        return None
    shifts = []
    for counter in piece.counters:
        track_id, first = counter.track_id, counter.first
        amount = (due.pop(track_id, first) - first) % modulus
        if amount:
            shifts.append(CounterShift(track_id, amount))
        due[track_id] = (counter.next + amount) % modulus
    while len(due) > TRACKS_MAX:
        del due[next(iter(due))]  # popped and set again: the tracks heard of last stand last, and stay
    return tuple(shifts) or None
