"""Where slots begin, and which piece belongs to which: in numbers."""

from __future__ import annotations

import pytest

from understudy_domain.grid import Grid
from understudy_domain.ticks import from_seconds

S_IN = from_seconds(2)
GRID = Grid(anchor=from_seconds(100), segment_duration=S_IN)


@pytest.mark.parametrize(
    ("configured", "expected"),
    [(0.5, 2), (2, 2), (2.04, 2), (2.05, 4), (3, 4), (6, 6), (6.04, 6), (6.04 + 1 / 90_000, 8)],
)
@pytest.mark.compatibility("OriginEndpoint.hlsPackage.segmentDurationSeconds")
def test_a_slot_is_a_whole_number_of_segments(configured: float, expected: float) -> None:
    assert GRID.slot_duration(from_seconds(configured)) == from_seconds(expected)


@pytest.mark.parametrize(
    ("start", "slot"), [(100, 0), (105, 1), (105 - 1 / 90_000, 0), (99, 0), (99 - 1 / 90_000, -1), (111, 2)]
)
def test_a_piece_belongs_to_the_slot_within_half_a_segment_of_which_it_begins(start: float, slot: int) -> None:
    six = from_seconds(6)
    assert GRID.slot_of(from_seconds(start), slot_duration=six) == slot
    assert GRID.earliest_start_in(slot, slot_duration=six) <= from_seconds(start)
    assert GRID.earliest_start_in(slot + 1, slot_duration=six) > from_seconds(start)
    assert GRID.start_of(slot, slot_duration=six) - GRID.earliest_start_in(slot, slot_duration=six) == S_IN // 2
