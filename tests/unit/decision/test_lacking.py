"""Which renditions an input lacks for good: it takes pieces of another one, and time. S_in is 2 s."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.synthetic_pieces import S_IN, input_state, piece
from understudy_domain.lacking import far_behind, lacking, pieces_until_lacking
from understudy_domain.ticks import from_seconds


@pytest.mark.parametrize(
    ("tolerance", "pieces", "behind"),
    [(1, 4, 3), (2, 4, 3), (2 + 1 / 90_000, 5, 4), (3, 5, 4), (8, 7, 6), (10, 8, 7), (30, 8, 7)],
)
def test_three_segments_and_the_tolerance_show_that_a_rendition_is_lacking(
    tolerance: float, pieces: int, behind: float
) -> None:
    """But no more pieces than are kept; and half of their time apart."""
    durations = {"segment_duration": S_IN, "tolerance": from_seconds(tolerance)}
    assert pieces_until_lacking(**durations) == pieces
    assert far_behind(**durations) == from_seconds(behind)


def found(high: range, low: range, *, arriving_every: float = 2.0) -> tuple[str, ...]:
    """What an input lacks that has delivered these segments of each of two renditions; a tolerance of 1 s."""
    state = input_state(
        {
            name: [replace(piece(number), arrived_at=from_seconds(arriving_every * number)) for number in numbers]
            for name, numbers in {"high": high, "low": low}.items()
        }
    )
    return lacking(state, ["high", "low", "none"], segment_duration=S_IN, tolerance=from_seconds(1))


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [
        pytest.param(range(0), range(0), (), id="nothing from any proves nothing"),
        pytest.param(range(10), range(10), ("none",), id="of one there is nothing"),
        pytest.param(range(3), range(3), (), id="three pieces prove nothing"),
        pytest.param(range(4), range(4), ("none",), id="four do"),
        pytest.param(range(10), range(9), ("none",), id="one piece behind"),
        pytest.param(range(10), range(7), ("none",), id="three behind"),
        pytest.param(range(10), range(6), ("low", "none"), id="four behind"),
        pytest.param(range(6), range(10), ("high", "none"), id="the other way round"),
        pytest.param(range(3), range(0), (), id="not so soon after the beginning"),
    ],
)
def test_a_rendition_is_lacking_once_another_goes_on_for_long_enough(
    high: range, low: range, expected: tuple[str, ...]
) -> None:
    assert found(high, low) == expected


def test_a_burst_of_backlog_proves_nothing() -> None:
    assert found(range(10), range(5), arriving_every=0.9) == ()
    assert found(range(10), range(5), arriving_every=1.0) == ("low", "none")


@pytest.mark.parametrize(("ends", "expected"), [(13, ("none",)), (13 - 1 / 90_000, ("low", "none"))])
def test_of_the_pieces_that_prove_it_the_first_one_is_for_the_most_part_after_its_last(
    ends: float, expected: tuple[str, ...]
) -> None:
    """The newest four of ten begin with that from 12 s to 14 s."""
    state = input_state({"high": [piece(number) for number in range(10)], "low": [piece(ends / 2 - 1)]})
    assert lacking(state, ["high", "low", "none"], segment_duration=S_IN, tolerance=from_seconds(1)) == expected


@pytest.mark.parametrize(("count", "expected"), [(5, ("none",)), (6, ("low", "none"))])
def test_short_pieces_prove_it_once_they_are_far_ahead(count: int, expected: tuple[str, ...]) -> None:
    """Pieces of half a second that come one a second: six of them go on for the 3 s that it takes."""
    low = [piece(number) for number in range(3)]
    short = [piece(3 + number / 4, seconds=0.5, arrived_at=from_seconds(7 + number)) for number in range(count)]
    state = input_state({"high": [*low, *short], "low": low})
    durations = {"segment_duration": S_IN, "tolerance": from_seconds(1)}
    assert lacking(state, ["high", "low", "none"], **durations) == expected
    assert lacking(state, ["high", "low"], **durations) == expected[:-1]
