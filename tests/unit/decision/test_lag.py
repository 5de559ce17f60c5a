"""How an input's lag and its steadiness follow its pieces, to the tick: S_in is 2 s, programme time begins at 0."""

from __future__ import annotations

import pytest

from understudy_domain.lag import Lag
from understudy_domain.steadiness import Steadiness
from understudy_domain.ticks import from_seconds

S_IN = from_seconds(2)
TICK = 1


def lag_after(*behind_seconds: float, every_seconds: float = 2) -> Lag:
    """The lag after pieces that came one every so often, each so long behind its end."""
    lag = Lag()
    for number, behind in enumerate(behind_seconds, start=1):
        media_end = number * from_seconds(every_seconds)
        lag.observe(media_end=media_end, arrived_at=media_end + from_seconds(behind), segment_duration=S_IN)
    return lag


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        ([0.4], 0.4),
        ([0.4, 0.2], 0.2),
        ([0.4, 0.2, 0.3], 0.3),
        ([-5, -5, -5], -5),
        pytest.param([0.3, 0.3, 9, 9, 9], 9, id="the fifth may still raise it at once"),
    ],
)
def test_at_first_the_lag_is_the_lower_median(behind: list[float], expected: float) -> None:
    assert lag_after(*behind).value == from_seconds(expected)


def test_from_the_sixth_piece_on_it_rises_by_a_500th_of_the_time_that_passes() -> None:
    steady = [0.3] * 6
    lag = lag_after(*steady, *[0.9] * 5)
    assert lag.value == from_seconds(0.3)  # six of eleven are as before
    lag.observe(media_end=12 * S_IN, arrived_at=12 * S_IN + from_seconds(0.9), segment_duration=S_IN)
    assert lag.value == from_seconds(0.3)  # the lower one of two medians
    lag.observe(media_end=13 * S_IN, arrived_at=13 * S_IN + from_seconds(0.9), segment_duration=S_IN)
    assert lag.value == from_seconds(0.3) + S_IN // 500


def test_it_falls_by_half_a_segment_at_a_piece_at_most() -> None:
    assert lag_after(9, 9, 9, 0, 0, 0, every_seconds=20).value == from_seconds(8)
    falls = [lag_after(*[9] * 6, *[0] * number, every_seconds=20).value for number in (5, 6, 7)]
    assert falls == [from_seconds(seconds) for seconds in (9, 8, 7)]


def test_the_last_fifteen_pieces_count() -> None:
    lag = lag_after(*[0.1] * 20, *[0.2] * 7)
    assert (lag.value, len(lag.samples), lag.counted) == (from_seconds(0.1), 15, 27)
    lag = lag_after(*[0.1] * 20, *[0.1 + 1 / 90_000] * 8)
    assert lag.value == from_seconds(0.1) + 1


def test_a_piece_that_comes_less_than_half_a_segment_after_the_one_before_says_nothing() -> None:
    lag = Lag()
    for arrived_at in (0, S_IN // 2 - TICK, S_IN - 2 * TICK):
        lag.observe(media_end=0, arrived_at=arrived_at, segment_duration=S_IN)
    assert (lag.counted, lag.value) == (1, 0)
    lag.observe(media_end=0, arrived_at=S_IN - 2 * TICK + S_IN // 2, segment_duration=S_IN)
    assert lag.counted == 2


def steady(pieces: int = 5) -> Steadiness:
    """An input that has delivered so many pieces on time, 0.3 s behind, the first at 2.3 s."""
    steadiness = Steadiness()
    for number in range(pieces):
        observe(steadiness, number, lag=None if number == 0 else 0.3)
    return steadiness


def observe(
    steadiness: Steadiness,
    number: float,
    *,
    behind: float = 0.3,
    lag: float | None = 0.3,
    session: int = 1,
    renditions: int = 2,
) -> None:
    """Take in the piece of that number: 2 s each."""
    start = from_seconds(2 * number)
    steadiness.observe(
        session=session,
        start=start,
        end=start + S_IN,
        renditions=renditions,
        arrived_at=start + S_IN + from_seconds(behind),
        lag=None if lag is None else from_seconds(lag),
        segment_duration=S_IN,
    )


def test_a_run_goes_on_while_pieces_follow_each_other() -> None:
    assert steady().since == from_seconds(2.3)
    assert steady().reached == from_seconds(10)


@pytest.mark.parametrize(
    ("number", "more", "since"),
    [
        pytest.param(5, {}, 2.3, id="the next one"),
        pytest.param(5, {"behind": 1.3}, 2.3, id="a second later than usual"),
        pytest.param(5, {"behind": 1.3 + 1 / 90_000}, 13.3 + 1 / 90_000, id="and a tick"),
        pytest.param(5, {"behind": 30, "lag": None}, 2.3, id="late by what is not known"),
        pytest.param(5.5, {}, 2.3, id="half a segment is no piece"),
        pytest.param(5.5 + 1 / 180_000, {}, 13.3 + 1 / 90_000, id="more than that is a hole"),
        pytest.param(5, {"session": 2}, 12.3, id="another session"),
        pytest.param(5, {"renditions": 1}, 12.3, id="a rendition is lost"),
        pytest.param(5, {"renditions": 3}, 12.3, id="a rendition is back"),
        pytest.param(4.5, {}, 2.3, id="one that begins half a segment earlier"),
        pytest.param(4.5, {"renditions": 1}, 11.3, id="that one is new, and lacks a rendition"),
        pytest.param(2, {"behind": 9}, 2.3, id="one that was overtaken, and that nobody missed"),
        pytest.param(2, {"behind": 9, "renditions": 1}, 2.3, id="that one in fewer renditions"),
        pytest.param(2, {"behind": 9, "renditions": 3}, 15, id="that one in one more: it is back"),
        pytest.param(2, {"behind": 9, "session": 2}, 15, id="that one of another session"),
    ],
)
def test_a_run_begins_anew_with_every_lapse(number: float, more: dict[str, float], since: float) -> None:
    steadiness = steady()
    observe(steadiness, number, **more)  # type: ignore[arg-type]
    assert steadiness.since == from_seconds(since)


def test_what_was_overtaken_does_not_take_the_run_back() -> None:
    steadiness = steady()
    observe(steadiness, 2, renditions=3)
    assert (steadiness.reached, steadiness.renditions) == (from_seconds(10), 3)


def test_the_next_piece_is_overdue_a_segment_the_lag_and_a_second_after_the_last_one_ended() -> None:
    steadiness, due = steady(), from_seconds(10 + 2 + 0.3 + 1)
    well = {"lag": from_seconds(0.3), "segment_duration": S_IN}
    assert steadiness.well_since(due, **well) == from_seconds(2.3)
    assert steadiness.well_since(due + TICK, **well) is None
    assert steadiness.well_since(due, lag=None, segment_duration=S_IN) is None
    assert Steadiness().is_overdue(0, **well)
