"""What an input has delivered of a slot, and how much of it one entry holds, to the tick: S_in is 2 s, S_out 6 s.

Piece ``n`` begins at 2 n seconds; slot 1 is from 6 s to 12 s, pieces 3, 4 and 5. Half of S_in is 1 s.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from support.synthetic_pieces import FRAME, S_IN, input_state, piece
from understudy_domain.grid import Grid
from understudy_domain.piece import Piece
from understudy_domain.piece_length import half_of
from understudy_domain.slots import (
    SlotBounds,
    SlotDelivery,
    begun_together,
    first_run,
    gone_on_together,
    has_reached,
    index_from,
    slot_delivery,
    whole_from,
)
from understudy_domain.ticks import from_seconds

TICK = 1 / 90_000
HALF = S_IN // 2
Run = Sequence[Piece]


def pieces(*numbers: float) -> list[Piece]:
    """The pieces of these numbers."""
    return [piece(number) for number in numbers]


WHOLE = pieces(2, 3, 4, 5, 6)


def delivery(
    high: Run,
    low: Run | None = None,
    *,
    published: float | None = 6,
    lacking: tuple[str, ...] = (),
    renditions_until: dict[str, float] | None = None,
) -> SlotDelivery:
    """What is delivered of slot 1, in one rendition or two, where the programme was published up to ``published``."""
    runs = {"high": high} if low is None else {"high": high, "low": low}
    until = {rendition: from_seconds(seconds) for rendition, seconds in (renditions_until or {}).items()}
    return slot_delivery(
        input_state(runs),
        list(runs),
        grid=Grid(anchor=0, segment_duration=S_IN),
        bounds=SlotBounds(1, from_seconds(6), None if published is None else from_seconds(published), until),
        lacking=lacking,
    )


def numbers(run: Run) -> list[float]:
    """The numbers of these pieces."""
    return [one.start / S_IN for one in run]


def test_a_slot_is_complete_once_its_last_piece_has_come() -> None:
    found = delivery(WHOLE, pieces(3, 4, 5))
    assert (found.complete, found.missing, found.lacking) == (True, (), ())
    assert found.completed_at == from_seconds(12)
    assert [numbers(run) for run in found.pieces.values()] == [[3, 4, 5], [3, 4, 5]]
    assert (found.starts_at, found.renditions_at_start) == (from_seconds(6), 2)
    late = [piece(3, arrived_at=from_seconds(40)), *pieces(4, 5)]
    assert delivery(WHOLE, late).completed_at == delivery(late, WHOLE).completed_at == from_seconds(40)


@pytest.mark.parametrize(
    ("run", "published", "is_complete"),
    [
        pytest.param(pieces(3, 4), 6, False, id="the last one is missing"),
        pytest.param(pieces(4, 5), 6, False, id="the first one is"),
        pytest.param(pieces(3, 5), 6, False, id="one in between is"),
        pytest.param(pieces(4, 5), 8, True, id="the first one has been published"),
        pytest.param([piece(3), piece(4), piece(5, seconds=1)], 6, True, id="half a segment short"),
        pytest.param([piece(3), piece(4), piece(5, seconds=1 - TICK)], 6, False, id="and a tick"),
        pytest.param([piece(3), piece(4, seconds=1), piece(5)], 6, True, id="a hole of half a segment"),
        pytest.param([piece(3), piece(4, seconds=1 - TICK), piece(5)], 6, False, id="and a tick"),
        pytest.param([piece(3.5, seconds=1), *pieces(4, 5)], 6, True, id="it begins half a segment late"),
        pytest.param([piece(3.5 + TICK / 2, seconds=1), *pieces(4, 5)], 6, False, id="and a tick"),
        pytest.param([piece(2.5), *pieces(3.5, 4.5)], None, True, id="half a segment early it is of this slot"),
        pytest.param([], 6, False, id="nothing"),
    ],
)
def test_a_slot_is_complete_without_a_hole_of_more_than_half_a_segment(
    run: Run, published: float | None, is_complete: bool
) -> None:
    found = delivery(run, published=published)
    assert found.complete is is_complete
    assert found.missing == (() if is_complete else ("high",))
    assert (found.completed_at is not None) is is_complete


@pytest.mark.parametrize(
    ("run", "published", "expected"),
    [
        pytest.param(pieces(2.5, 3.5, 4.5, 5.5), None, [2.5, 3.5, 4.5], id="half a segment early"),
        pytest.param(pieces(2.5 - TICK / 2, 3.5, 4.5), None, [3.5, 4.5], id="a tick earlier: of the one before"),
        pytest.param(pieces(3, 4, 5), 7, [3, 4, 5], id="half of it is published"),
        pytest.param(pieces(3, 4, 5), 7 + TICK, [4, 5], id="more than half"),
        pytest.param(pieces(2.25, 3.25, 4.25), 5.5, [3.25, 4.25], id="half of one that begins in the slot before"),
        pytest.param([piece(3, seconds=3), piece(4.5)], 7, [3, 4.5], id="half a segment of a longer one"),
        pytest.param([piece(3, seconds=3), piece(4.5)], 7 + TICK, [4.5], id="more than that"),
        pytest.param([piece(3, seconds=4), piece(5)], 8, [3, 5], id="half of a long one"),
        pytest.param([piece(3, seconds=4), piece(5)], 8 + TICK, [5], id="more than half of it"),
        pytest.param([piece(3), piece(3.5), piece(4), piece(5)], 6, [3, 3.5, 4, 5], id="pieces that overlap by half"),
        pytest.param(pieces(3, 4, 4.5 - TICK / 2, 5), 6, [3, 4, 5], id="of the one just before it"),
        pytest.param([piece(3), piece(3.5 - TICK / 2), piece(4), piece(5)], 6, [3, 4, 5], id="by more: the first one"),
    ],
)
def test_which_pieces_are_of_a_slot(run: Run, published: float | None, expected: list[float]) -> None:
    assert numbers(delivery(run, published=published).pieces["high"]) == pytest.approx(expected)


def test_what_a_rendition_has_published_beyond_the_programme_it_needs_no_more() -> None:
    bounds = SlotBounds(1, from_seconds(6), 10, {"high": 20, "low": 5})
    assert [bounds.published_of(one) for one in ("high", "low", "none")] == [20, 10, 10]
    assert SlotBounds(1, from_seconds(6), None).published_of("high") == 0
    ahead = delivery(WHOLE, WHOLE, renditions_until={"low": 8})
    assert [numbers(run) for run in ahead.pieces.values()] == [[3, 4, 5], [4, 5]]
    assert ahead.complete


def test_renditions_that_are_cut_alike_within_a_frame_are_cut_into_the_same_slots() -> None:
    """The boundary is between the two renditions' pieces: the first one's place counts for both."""
    frame = FRAME / S_IN
    early = pieces(*(number - 0.5 - frame for number in range(2, 8)))
    late = pieces(*(number - 0.5 for number in range(2, 8)))
    for leading, other in ((early, late), (late, early)):
        found = delivery(leading, other, published=None).pieces
        assert [round(number + 0.5) for number in numbers(found["high"])] == [
            round(number + 0.5) for number in numbers(found["low"])
        ]


def test_a_lacking_rendition_counts_only_where_there_is_something_of_it() -> None:
    assert delivery(WHOLE, [], lacking=("low",)).complete
    assert delivery(WHOLE, [], lacking=("low",)).lacking == ("low",)
    assert delivery([], WHOLE, lacking=("high",)).completed_at == from_seconds(12)
    some = delivery(WHOLE, pieces(4), lacking=("low",))
    assert (some.complete, some.missing, some.lacking) == (False, ("low",), ())
    none = delivery([], [], lacking=("high", "low"))
    assert (none.complete, none.missing, none.completed_at) == (False, (), None)


def test_the_others_have_to_go_as_far_as_the_first_rendition_does() -> None:
    longer = [piece(3), piece(4), piece(5, seconds=3.5)]
    assert delivery(longer, [piece(3), piece(4), piece(5, seconds=2.5)]).complete
    assert not delivery(longer, [piece(3), piece(4), piece(5, seconds=2.5 - TICK)]).complete
    assert delivery(pieces(3, 4, 5), longer).complete


def test_a_rendition_that_sets_in_later_does_not_count_at_the_start() -> None:
    assert delivery(WHOLE, pieces(4, 5)).renditions_at_start == 1
    assert delivery(pieces(4, 5), WHOLE).renditions_at_start == 1
    assert delivery(pieces(3, 4, 5), [piece(3.5, seconds=1), *pieces(4, 5)]).renditions_at_start == 2
    assert delivery(WHOLE, pieces(3.5, 4.5)).renditions_at_start == 1
    assert delivery([], []).renditions_at_start == 0
    assert delivery([], []).starts_at is None


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (pieces(3, 4), False),
        (pieces(3, 4, 5), True),
        ([piece(5, seconds=1)], True),
        ([piece(5, seconds=1 - TICK)], False),
        ([piece(0, seconds=30), piece(1)], True),
        ([piece(-1, seconds=30), *pieces(0, 1)], False),
    ],
)
def test_a_rendition_has_reached_the_end_of_a_slot(run: Run, expected: bool) -> None:
    assert has_reached(run, begin=from_seconds(6), end=from_seconds(12), half=HALF) is expected


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        pytest.param([], 1, id="nothing"),
        pytest.param([2, 2, 2], 1, id="as it should be"),
        pytest.param([3, 3], 1, id="longer"),
        pytest.param([1, 1], 0.5, id="shorter"),
        pytest.param([2, 1, 2], 1, id="one is cut short"),
        pytest.param([2, 1, 1, 2], 0.5, id="two in a row"),
        pytest.param([1.5, 1.5], 1, id="by a quarter"),
        pytest.param([1.4, 1.4], 0.7, id="by more"),
        pytest.param([2, 1 + FRAME / 90_000, 1], 0.5, id="alike within a frame"),
        pytest.param([2, 1 + FRAME / 90_000 + TICK, 1], 1, id="not alike"),
        pytest.param([1, 1, *[2] * 7], 1, id="too long ago"),
        pytest.param([1, 1, *[2] * 6], 0.5, id="among the newest eight"),
    ],
)
def test_less_than_half_of_what_an_input_cuts_is_no_piece(lengths: list[float], expected: float) -> None:
    run = [piece(number, seconds=length) for number, length in enumerate(lengths)]
    assert half_of(run, Grid(anchor=0, segment_duration=S_IN)) == from_seconds(expected)


def test_pieces_are_found_by_where_they_begin() -> None:
    assert [index_from(pieces(3, 4), from_seconds(seconds)) for seconds in (-1, 6, 6 + TICK, 9)] == [0, 0, 1, 2]


# --- an input that is changed to --------------------------------------------------------------------------------------


def test_an_input_that_is_changed_to_begins_in_all_renditions_together() -> None:
    uneven = delivery(WHOLE, WHOLE, renditions_until={"low": 7.5})
    assert [numbers(run) for run in begun_together(uneven).pieces.values()] == [[4, 5], [4, 5]]
    even = delivery(WHOLE, WHOLE)
    assert begun_together(even) == even
    incomplete = delivery(pieces(3), pieces(4))
    assert begun_together(incomplete) is incomplete


def test_nothing_is_left_of_it_where_one_rendition_is_all_published() -> None:
    left = begun_together(delivery(WHOLE, WHOLE, renditions_until={"low": 12}))
    assert (left.complete, left.completed_at, left.missing) == (False, None, ("high", "low"))
    assert set(left.pieces.values()) == {()}
    without = delivery(WHOLE, [], lacking=("low",))
    assert begun_together(without).complete


def on_from(found: SlotDelivery, published: float, **renditions_until: float) -> SlotDelivery:
    """What of a delivery by the active input counts after what was published."""
    until = {rendition: from_seconds(seconds) for rendition, seconds in renditions_until.items()}
    return gone_on_together(found, SlotBounds(1, from_seconds(6), from_seconds(published), until))


def test_a_session_of_the_active_input_that_begins_inside_what_is_published_begins_alike_in_all_renditions() -> None:
    restarted = pieces(2.5, 3.5, 4.5)
    # Half of its first piece is shown in one rendition, a little more than half in the other.
    until = {"high": 6.0, "low": 6.02}
    uneven = delivery(restarted, restarted, renditions_until=until)
    assert [numbers(run) for run in uneven.pieces.values()] == [[2.5, 3.5, 4.5], [3.5, 4.5]]
    together = on_from(uneven, 6, **until)
    assert together.complete
    assert [numbers(run) for run in together.pieces.values()] == [[3.5, 4.5], [3.5, 4.5]]


def test_all_of_a_slot_is_shown_where_one_rendition_of_such_a_session_is() -> None:
    until = {"high": 10.0, "low": 12.0}
    left = delivery(pieces(4.5), pieces(4.5), published=10, renditions_until=until)
    assert [numbers(run) for run in left.pieces.values()] == [[4.5], []]
    found = on_from(left, 10, **until)
    assert found.complete
    assert set(found.pieces.values()) == {()}


def test_what_goes_on_where_the_programme_ended_is_left_as_it_is() -> None:
    for found in (delivery(WHOLE, WHOLE), delivery(WHOLE, pieces(4, 5)), delivery(WHOLE, [], lacking=("low",))):
        assert on_from(found, 6) is found


# --- what one entry holds ---------------------------------------------------------------------------------------------


def held(found: SlotDelivery, *, duration_max: float = 7, other: SlotDelivery | None = None) -> list[list[float]]:
    """The numbers of the pieces that the first entry holds, by rendition."""
    run = first_run(found, hole_max=HALF, duration_max=from_seconds(duration_max), other=other)
    return [numbers(one) for one in run.values()]


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [
        pytest.param(WHOLE, WHOLE, [[3, 4, 5], [3, 4, 5]], id="all of it"),
        pytest.param(pieces(3, 5), WHOLE, [[3], [3]], id="up to a hole"),
        pytest.param(WHOLE, pieces(3, 4), [[3, 4], [3, 4]], id="up to where one stops"),
        pytest.param(WHOLE, pieces(5), [[3, 4], []], id="up to where one sets in"),
        pytest.param(WHOLE, pieces(4, 5), [[3], []], id="or sets in earlier"),
        pytest.param(
            WHOLE, [piece(3.5, seconds=1), piece(4)], [[3, 4], [3.5, 4]], id="half a segment later is together"
        ),
        pytest.param(WHOLE, [], [[3, 4, 5], []], id="one of which there is nothing ends nothing"),
        pytest.param([piece(3), piece(4), piece(5, seconds=1)], WHOLE, [[3, 4, 5], [3, 4, 5]], id="half a segment"),
        pytest.param([piece(3), piece(4, timestamp=0), piece(5)], WHOLE, [[3], [3]], id="up to where timestamps jump"),
        pytest.param(
            [piece(3), piece(4, configuration="pps"), piece(5)], WHOLE, [[3], [3]], id="up to another configuration"
        ),
    ],
)
def test_one_entry_holds_one_stretch_of_time(high: Run, low: Run, expected: list[list[float]]) -> None:
    assert held(delivery(high, low)) == expected


@pytest.mark.parametrize(("jump", "together"), [(FRAME, True), (-FRAME, True), (FRAME + 1, False), (-FRAME - 1, False)])
def test_timestamps_go_on_within_a_frame(jump: int, together: bool) -> None:
    off = piece(4)
    off.timestamp += jump
    run = [piece(3), off, piece(5, timestamp=piece(5).timestamp + jump)]
    assert held(delivery(run)) == ([[3, 4, 5]] if together else [[3]])


@pytest.mark.parametrize(("duration_max", "expected"), [(6, [3, 4, 5]), (6 - TICK, [3, 4]), (4, [3, 4]), (1, [3])])
def test_an_entry_is_no_longer_than_the_target_duration_unless_a_single_piece_is(
    duration_max: float, expected: list[float]
) -> None:
    assert held(delivery(WHOLE, WHOLE), duration_max=duration_max) == [expected, expected]


def test_what_lacks_a_rendition_ends_where_the_other_input_has_all_of_them() -> None:
    alone = delivery(WHOLE, [])
    assert held(alone, other=delivery(WHOLE, pieces(5))) == [[3, 4], []]
    assert held(alone, other=delivery(WHOLE, WHOLE)) == [[3], []]
    assert held(alone, other=delivery(WHOLE, [])) == [[3, 4, 5], []]
    assert held(delivery(WHOLE, WHOLE), other=delivery(WHOLE, WHOLE)) == [[3, 4, 5], [3, 4, 5]]


def test_the_first_piece_that_there_is_in_every_rendition() -> None:
    after, off_max = from_seconds(6), HALF
    assert whole_from(delivery(WHOLE, WHOLE), after=after, off_max=off_max) == from_seconds(8)
    assert whole_from(delivery(WHOLE, WHOLE), after=after - 1, off_max=off_max) == from_seconds(6)
    assert whole_from(delivery(WHOLE, pieces(5)), after=after, off_max=off_max) == from_seconds(10)
    assert whole_from(delivery(pieces(4), pieces(5)), after=after, off_max=off_max) is None
    assert whole_from(delivery([], WHOLE), after=after, off_max=off_max) is None
