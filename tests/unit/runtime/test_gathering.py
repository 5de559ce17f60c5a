"""What comes is let gather: the longer, the more comes, and not at all where little does."""

from __future__ import annotations

import pytest

from understudy_runtime.gathering import Gathering

_LONGEST = 0.02


def _pause_at(messages_per_second: int, *, every: float = 0.01, seconds: float = 5.0) -> float:
    """What is answered after so many have come for a while, asked ``every`` so often."""
    gathering = Gathering(longest_seconds=_LONGEST)
    pause = 0.0
    for step in range(round(seconds / every)):
        pause = gathering.pause_seconds(1000 + step * every, messages=round(messages_per_second * every))
    return pause


def test_the_first_message_of_all_waits_for_nothing() -> None:
    assert Gathering(longest_seconds=_LONGEST).pause_seconds(1000.0, messages=1) == 0


def test_three_channels_wait_for_nothing() -> None:
    assert _pause_at(100) == 0


@pytest.mark.parametrize(("rate", "seconds"), [(1000, 0.002), (3000, 0.006), (8000, 0.016)])
def test_it_waits_two_milliseconds_for_each_thousand_that_come_a_second(rate: int, seconds: float) -> None:
    assert _pause_at(rate) == pytest.approx(seconds, rel=0.05)


@pytest.mark.parametrize("every", [0.001, 0.005, 0.02])
def test_how_often_it_is_asked_makes_no_difference(every: float) -> None:
    assert _pause_at(4000, every=every) == pytest.approx(0.008, rel=0.05)


def test_it_never_waits_longer_than_it_may() -> None:
    assert _pause_at(1_000_000) == _LONGEST


def test_what_came_long_ago_counts_no_more() -> None:
    gathering = Gathering(longest_seconds=_LONGEST)
    for step in range(100):
        gathering.pause_seconds(1000 + step * 0.01, messages=50)
    assert gathering.pause_seconds(1001, messages=0) > 0
    assert gathering.pause_seconds(1005, messages=1) == 0
