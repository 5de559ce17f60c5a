"""From a verdict to an entry: numbers, times, seams and what players are told. S_in is 2 s, S_out 6 s.

Piece ``n`` begins at 2 n seconds and arrives as it ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from support.synthetic_pieces import FRAME, S_IN, piece
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.entry import AsOf, Evidence, ProgramEntry
from understudy_domain.grid import Grid
from understudy_domain.lineup import Rendition
from understudy_domain.media import TrackKind
from understudy_domain.piece import Piece
from understudy_domain.publication import Choice, entry_of, would_continue
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds

TICK = 1 / 90_000
GRID = Grid(anchor=0, segment_duration=S_IN)
LINEUP = [Rendition(name, TrackKind.VIDEO, "avc1", 1000, f"{name}.m3u8", 640, 360) for name in ("v1", "v2")]
Runs = Mapping[str, Sequence[Piece]]


def run(*numbers: float, **changes: Any) -> tuple[Piece, ...]:
    """The pieces of these numbers."""
    return tuple(piece(number, **changes) for number in numbers)


def published(
    pieces: Runs,
    last: ProgramEntry | None = None,
    *,
    end: float = 12,
    at: float = 12,
    lag: float = 0.3,
    delay: float = 0,
) -> ProgramEntry:
    """The entry for these pieces after ``last``, decided at ``at``; ``end`` is where a gap ends."""
    endpoint = EndpointState("e", from_seconds(6), from_seconds(delay), revision=1, last=last)
    choice = Choice(
        slot=1,
        end=from_seconds(end),
        active_input=1,
        pieces={rendition: tuple(found) for rendition, found in pieces.items()},
        reason=Reason.KEEP,
        step=1,
        evidence=Evidence(deadline=None, inputs=()),
        smaller_lag=from_seconds(lag),
        as_of=AsOf(from_seconds(at), 7),
    )
    return entry_of(choice, endpoint=endpoint, channel_guid="c", grid=GRID, lineup=LINEUP)


def both(*numbers: float, **changes: Any) -> Runs:
    """These pieces in both renditions."""
    return {"v1": run(*numbers, **changes), "v2": run(*numbers, **changes)}


FIRST = published(both(3, 4, 5))
NEXT = both(6, 7, 8)


def test_the_first_entry_and_the_next() -> None:
    after = published(NEXT, FIRST)
    assert [(one.media_sequence, one.discontinuity_sequence) for one in (FIRST, after)] == [(0, 0), (1, 0)]
    assert [(one.start, one.end) for one in (FIRST, after)] == [
        (from_seconds(6), from_seconds(12)),
        (from_seconds(12), from_seconds(18)),
    ]
    assert not FIRST.discontinuity
    assert not after.discontinuity
    assert FIRST.target_duration_seconds == after.target_duration_seconds == 7
    assert [one.rendition for one in after.renditions] == ["v1", "v2"]


@pytest.mark.parametrize(("seconds", "expected"), [(6, 7), (7.5 - TICK, 7), (7.5, 8), (9.4, 9)])
def test_a_piece_that_cannot_be_cut_raises_the_target_duration(seconds: float, expected: int) -> None:
    assert published({"v1": run(3, seconds=seconds)}).target_duration_seconds == expected
    assert published({"v1": run(3), "v2": run(3, seconds=seconds)}).target_duration_seconds == expected


def test_a_discontinuity_counts_from_the_entry_after_it() -> None:
    jump = published(both(6, 7, 8, timestamp=5), FIRST)
    assert (jump.discontinuity, jump.discontinuity_sequence) == (True, 0)
    after = published({}, jump)
    assert (after.discontinuity, after.discontinuity_sequence) == (False, 1)


def test_a_gap_goes_from_the_last_end_to_the_slot_s_and_keeps_what_is_known() -> None:
    gap = published({}, FIRST, end=18)
    assert (gap.start, gap.end, gap.is_gap) == (from_seconds(12), from_seconds(18), True)
    assert published({}, FIRST, end=11).end == from_seconds(12)
    for before, after in zip(FIRST.renditions, gap.renditions, strict=True):
        assert after == replace(before, pieces=(), counters=after.counters)
    assert published({}).renditions == ()
    assert (published({}).start, published({}).end) == (from_seconds(12), from_seconds(12))


# --- when viewers may see it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "lag", "delay", "expected"),
    [(13, 0.3, 0, 12.3), (13, 0.3, 10, 22.3), (12.2, 0.3, 10, 22.2), (20, 0.3, 5, 17.3), (13, -1, 0, 11)],
)
def test_an_entry_is_available_when_it_usually_would_be_and_a_delay_later(
    at: float, lag: float, delay: float, expected: float
) -> None:
    assert published(both(3, 4, 5), at=at, lag=lag, delay=delay).available_at == from_seconds(expected)


def test_availability_never_decreases() -> None:
    before = published(both(3, 4, 5), at=13, delay=60)
    assert published(NEXT, before, at=19).available_at == before.available_at == from_seconds(72.3)


# --- seams ------------------------------------------------------------------------------------------------------------


def shifted(ticks: int, *, input_id: int = 1) -> Runs:
    """The next pieces with timestamps that are so far off."""
    return {
        name: tuple(replace(one, timestamp=one.timestamp + ticks) for one in run(6, 7, 8, input_id=input_id))
        for name in ("v1", "v2")
    }


def moved(ticks: int, *, input_id: int) -> Runs:
    """The next pieces, so much later, timestamps and all."""
    return both(6 + ticks / S_IN, 7 + ticks / S_IN, input_id=input_id)


@pytest.mark.parametrize(
    ("after", "continues"),
    [
        pytest.param(NEXT, True, id="the next pieces"),
        pytest.param(both(6, 7, 8, input_id=2), True, id="of the other input"),
        pytest.param(shifted(FRAME), True, id="timestamps a frame off"),
        pytest.param(shifted(FRAME + 1), False, id="and a tick"),
        pytest.param(shifted(-FRAME - 1), False, id="the other way"),
        pytest.param(both(6, 7, 8, configuration="pps"), False, id="another configuration"),
        pytest.param({"v1": run(6), "v2": run(6, configuration="pps")}, False, id="in one rendition"),
        pytest.param(moved(FRAME + 2, input_id=2), True, id="the other input's piece a frame later"),
        pytest.param(moved(FRAME + 3, input_id=2), False, id="and more than rounding"),
        pytest.param(moved(-FRAME - 3, input_id=2), False, id="or earlier"),
        pytest.param(moved(S_IN // 2, input_id=1), True, id="its own hole of half a piece"),
        pytest.param(moved(S_IN // 2 + 1, input_id=1), False, id="and a tick"),
        pytest.param(both(6.25, 6.75, seconds=1), True, id="half a piece of shorter ones"),
        pytest.param(both(6.25 + 1 / S_IN, 6.75, seconds=1), False, id="and a tick"),
        pytest.param({"v1": run(6), "v2": ()}, True, id="a gap in a rendition jumps nowhere"),
        pytest.param({"v1": (), "v2": run(6, timestamp=5)}, False, id="and hides no jump of another"),
    ],
)
def test_a_seam_is_measured(after: Runs, continues: bool) -> None:
    assert published(after, FIRST).discontinuity is not continues
    assert would_continue(FIRST, {name: tuple(found) for name, found in after.items()}, grid=GRID, lineup=LINEUP) is (
        continues
    )


@pytest.mark.parametrize(("input_id", "continues"), [(1, False), (2, True)])
def test_a_seam_is_one_between_inputs_if_the_last_piece_was_the_other_s(input_id: int, continues: bool) -> None:
    mixed = published({"v1": (*run(3), *run(4, 5, input_id=2))})
    after = {"v1": run(6.25, input_id=input_id)}
    assert would_continue(mixed, after, grid=GRID, lineup=LINEUP) is continues


def test_nothing_continues_nothing() -> None:
    assert not would_continue(FIRST, {}, grid=GRID, lineup=LINEUP)


def test_a_rendition_without_a_piece_takes_part_in_a_discontinuity() -> None:
    """Whatever comes after its gap continues what the others show."""
    jump = published({"v1": run(6, timestamp=5)}, FIRST)
    assert [(one.timestamp_offset, one.configuration) for one in jump.renditions] == [
        (5 - from_seconds(12), "sps"),
        (5 - from_seconds(12), ""),
    ]
    back = published({"v1": run(7, timestamp=5 + S_IN), "v2": run(7, timestamp=5 + S_IN, configuration="pps")}, jump)
    assert not back.discontinuity


# --- the published date -----------------------------------------------------------------------------------------------


def dated(first: float, date: float, *, count: int = 3) -> Runs:
    """Pieces from ``first`` on, the first of which says that it begins at ``date``, seconds."""
    return both(*(first + number for number in range(count)), program_date_time=from_seconds(date))


@pytest.mark.parametrize(
    ("date", "expected"),
    [(7, 7), (16, 16), (16 + TICK, 6), (-4, -4), (-4 - TICK, 6)],
)
def test_the_first_date_is_the_encoder_s_within_ten_seconds_of_the_log_s_clock(date: float, expected: float) -> None:
    assert published(dated(3, date)).program_date_time == from_seconds(expected)


def test_without_a_date_the_log_s_clock_tells_when_the_first_piece_began() -> None:
    assert published(both(3, 4, 5)).program_date_time == from_seconds(6)
    assert published({}, at=50).program_date_time == from_seconds(50)
    assert published(both(6, 7, timestamp=5, arrived_at=from_seconds(90)), FIRST).program_date_time == from_seconds(88)


@pytest.mark.parametrize(
    ("date", "expected"),
    [(12, 12), (12.004, 12.004), (12.5, 12.006), (11.5, 11.994), (40, 12)],
)
def test_the_date_advances_with_the_media_and_drifts_by_a_thousandth(date: float, expected: float) -> None:
    assert published(dated(6, date), FIRST).program_date_time == from_seconds(expected)
    assert published(NEXT, FIRST).program_date_time == from_seconds(12)


# --- what players are told of a rendition -----------------------------------------------------------------------------


def test_the_bandwidth_is_the_highest_with_a_tenth_of_headroom_in_two_digits() -> None:
    def bandwidth(size: int, last: ProgramEntry | None = None) -> int:
        return published(both(3, 4, 5, size=size), last).renditions[0].bandwidth

    assert bandwidth(250_000) == 1_100_000  # 1 Mbit/s
    assert bandwidth(250_228) == 1_200_000
    assert bandwidth(20) == 88
    assert bandwidth(2) == 8  # 8.8 bit/s
    before = published(both(3, 4, 5, size=250_000))
    assert published(both(6, 7, 8, size=1000), before).renditions[0].bandwidth == 1_100_000
    assert published(both(6, 7, 8, size=500_000), before).renditions[0].bandwidth == 2_200_000


def test_a_rendition_is_told_by_its_newest_piece() -> None:
    newest = (piece(3), piece(4, width=1280, height=720, frame_rate="50", codecs=("hvc1",)))
    shown = published({"v1": newest}).renditions
    assert [one.rendition for one in shown] == ["v1"]
    assert (shown[0].width, shown[0].height, shown[0].frame_rate, shown[0].codecs) == (1280, 720, "50", ("hvc1",))
    assert (shown[0].timestamp_offset, shown[0].configuration) == (900_000, "sps")
    assert [(one.object_key, one.duration) for one in shown[0].pieces] == [("1/3", S_IN), ("1/4", S_IN)]
    gap = published({}, published({"v1": newest}), end=18).renditions[0]
    assert (gap.width, gap.height, gap.frame_rate, gap.codecs) == (1280, 720, "50", ("hvc1",))
