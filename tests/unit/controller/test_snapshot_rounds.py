"""How often snapshots are renewed follows from how much a successor would have to replay, within what NATS can bear."""

from __future__ import annotations

import pytest

from understudy_controller.loop.snapshots import round_seconds

SIZE = 100_000.0
FACTS_OF_A_CHANNEL = 10


@pytest.mark.parametrize(
    ("channels", "seconds"),
    [
        (0, 10.0),
        (1, 10.0),
        (100, 10.0),  # a thousand facts a second are replayed soon enough
        (300, 5.0),
        (450, pytest.approx(3.33, abs=0.01)),
        (1_000, 6.25),  # as often as may be written
        (3_000, 10.0),  # seldom, but no longer
    ],
)
def test_the_more_there_is_to_replay_the_more_often_as_far_as_that_much_may_be_written(
    channels: int, seconds: float
) -> None:
    assert round_seconds(channels, size=SIZE, facts_per_second=channels * FACTS_OF_A_CHANNEL) == seconds


def test_channels_that_nothing_is_delivered_to_cost_nothing() -> None:
    assert round_seconds(1_000, size=SIZE, facts_per_second=0.0) == 10.0
