"""A process sends no faster than it may, whatever there is to send."""

from __future__ import annotations

import pytest

from understudy_controller.webhooks.pace import Pace


def test_turns_are_given_apart_and_idle_time_saves_up_none() -> None:
    pace = Pace(a_second=10)
    assert [pace.wait_seconds(7.0) for _ in range(3)] == pytest.approx([0, 0.1, 0.2])
    assert pace.wait_seconds(7.25) == pytest.approx(0.05)
    assert [pace.wait_seconds(99.0) for _ in range(2)] == pytest.approx([0, 0.1])
