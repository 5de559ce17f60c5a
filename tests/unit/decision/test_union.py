"""Both inputs together cover a slot: which piece comes from whom, and where that does not join. S_in is 2 s, S_out 6 s.

Piece ``n`` begins at 2 n seconds; slot 1 is from 6 s to 12 s, pieces 3, 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from support.synthetic_pieces import S_IN, input_state, piece
from understudy_domain.grid import Grid
from understudy_domain.piece import Piece
from understudy_domain.slots import SlotBounds
from understudy_domain.ticks import from_seconds
from understudy_domain.union import Union, union

TICK = 1 / 90_000
Run = Sequence[Piece]


def run(*numbers: float, by: int = 1) -> list[Piece]:
    """An input's pieces of these numbers."""
    return [piece(number, input_id=by) for number in numbers]


def together(one: Run, two: Run, *, low: tuple[Run, Run] | None = None, published: float | None = 6) -> Union | None:
    """What input 1, which is active, and input 2 have together of slot 1; ``low``: of a second rendition."""
    runs = [{"high": mine} | ({"low": low[number]} if low else {}) for number, mine in enumerate((one, two))]
    return union(
        input_state(runs[0], input_id=1),
        input_state(runs[1], input_id=2),
        list(runs[0]),
        grid=Grid(anchor=0, segment_duration=S_IN),
        bounds=SlotBounds(1, from_seconds(6), None if published is None else from_seconds(published)),
    )


def shares(found: Union | None, rendition: str = "high") -> list[tuple[float, int]]:
    """The pieces by number, and whose they are."""
    assert found is not None
    return [(one.start / S_IN, one.input_id) for one in found.delivery.pieces[rendition]]


TWO = run(2, 3, 4, 5, 6, by=2)


@pytest.mark.parametrize(
    ("one", "expected", "recovered"),
    [
        pytest.param(run(3, 4, 5), [(3, 1), (4, 1), (5, 1)], True, id="nothing is borrowed"),
        pytest.param(run(3, 5), [(3, 1), (4, 2), (5, 1)], True, id="the one in the middle"),
        pytest.param(run(2, 4, 5), [(3, 2), (4, 1), (5, 1)], True, id="the first"),
        pytest.param(run(3, 4, 6), [(3, 1), (4, 1), (5, 2)], True, id="the last"),
        pytest.param(run(3, 4), [(3, 1), (4, 1), (5, 2)], False, id="the last, and it has not gone on since"),
        pytest.param(run(4), [(3, 2), (4, 1), (5, 2)], False, id="it has gone on since the first, not since the last"),
        pytest.param([], [(3, 2), (4, 2), (5, 2)], False, id="all of it"),
    ],
)
def test_the_other_input_fills_in_what_the_active_one_lacks(
    one: Run, expected: list[tuple[float, int]], recovered: bool
) -> None:
    found = together(one, TWO)
    assert shares(found) == expected
    assert found is not None
    assert found.recovered is recovered
    assert (found.delivery.input_id, found.delivery.complete, found.delivery.missing) == (1, True, ())
    assert found.delivery.completed_at == from_seconds(12)


def test_pieces_are_matched_within_half_a_segment() -> None:
    assert shares(together(run(3, 5), run(4.4, by=2))) == [(3, 1), (4.4, 2), (5, 1)]
    assert shares(together([piece(3), piece(5, seconds=1)], TWO)) == [(3, 1), (4, 2), (5, 1)]


def test_pieces_of_two_lengths_are_no_piece_of_two_renditions() -> None:
    # The last of the old length in one rendition, where the first of the new one is lost.
    high, low = [piece(2.6, seconds=0.8), *run(3, 4, 5)], [piece(2.6, seconds=0.8), *run(4, 5)]
    assert together(high, [], low=(low, [])) is None


def test_what_begins_before_a_slot_and_belongs_to_it_is_not_left_out() -> None:
    one = [piece(2.6, seconds=0.8), *run(3, 5)]
    assert shares(together(one, TWO, published=5.2)) == [(2.6, 1), (3, 1), (4, 2), (5, 1)]
    assert shares(together(run(3, 5), TWO, published=5.2)) == [(3, 1), (4, 2), (5, 1)]
    assert shares(together(one, TWO, published=4)) == [(3, 1), (4, 2), (5, 1)]


def test_what_has_been_published_is_not_asked_for() -> None:
    assert shares(together(run(4), run(5, by=2), published=8)) == [(4, 1), (5, 2)]
    assert shares(together(run(3), run(4, 5, by=2), published=None)) == [(3, 1), (4, 2), (5, 2)]
    assert shares(together(run(3), run(4, 5, by=2), published=5)) == [(3, 1), (4, 2), (5, 2)]
    assert together(run(3, 4, 5), TWO, published=11) is None


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(run(3, 5), run(3, 5, by=2), id="both lack the same"),
        pytest.param(run(3, 5), [piece(3.5, input_id=2), piece(4.5, input_id=2)], id="half a segment off"),
        pytest.param(run(3, 5), [piece(4, input_id=2, layout="other")], id="other tables"),
        pytest.param(run(3, 5), [piece(4, input_id=2, timestamp=1)], id="other timestamps"),
        pytest.param(run(3, 4), [piece(5, input_id=2, key_frame_first=False)], id="no key frame at the last seam"),
        pytest.param([piece(2, layout="other"), *run(4, 5)], run(3, by=2), id="the neighbour before does not join"),
        pytest.param([*run(3, 4), piece(6, layout="other")], run(5, by=2), id="the neighbour after does not join"),
        pytest.param([piece(2.75, seconds=0.5)], [], id="a short piece that leads no further"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_what_does_not_join_is_no_union(one: Run, two: Run) -> None:
    assert together(one, two) is None


def test_an_unknown_neighbour_is_no_obstacle() -> None:
    assert shares(together(run(4, 5), run(3, by=2))) == [(3, 2), (4, 1), (5, 1)]
    far = [piece(1, layout="other"), *run(4, 5)]
    assert shares(together(far, run(3, by=2))) == [(3, 2), (4, 1), (5, 1)]


def test_the_piece_that_begins_nearest_is_taken() -> None:
    near = [piece(3.1, seconds=0.2), *run(3, 4, 5)]
    near.sort(key=lambda one: one.start)
    assert shares(together(near, TWO)) == [(3, 1), (4, 1), (5, 1)]


def test_a_piece_is_borrowed_in_every_rendition_or_in_none() -> None:
    found = together(run(3, 4, 5), TWO, low=(run(3, 5), TWO))
    assert shares(found) == shares(found, "low") == [(3, 1), (4, 2), (5, 1)]
    assert together(run(3, 4, 5), run(3, 5, by=2), low=(run(3, 5), TWO)) is None


def test_it_has_recovered_once_it_has_gone_on_in_every_rendition() -> None:
    behind = together(run(3, 4, 6), TWO, low=(run(3, 4), TWO))
    assert behind is not None
    assert not behind.recovered
    level = together(run(3, 4, 6), TWO, low=(run(3, 4, 6), TWO))
    assert level is not None
    assert level.recovered
