"""What an order or a policy makes of a slot, and which input comes first: the rule by itself, to the tick.

Seconds count from the slot's end by prediction; both inputs' lag is 0.3 s, as in ``test_rule``.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.rule_views import a_slot, an_input, complete, instant
from understudy_domain.failover import Publish, SlotView, Verdict, Wait, Wanted, decide, first_active
from understudy_domain.reason import Reason

TICK = 1 / 90_000
KEEP, SWITCHOVER, FAILBACK = (
    Publish(1, Reason.KEEP, step=1),
    Publish(2, Reason.SWITCHOVER, step=0),
    Publish(2, Reason.FAILBACK, step=0),
)
ORDER = Wanted(2, Reason.SWITCHOVER, forced=False, since=0)
FORCED = Wanted(2, Reason.SWITCHOVER, forced=True, since=0)
PIN = Wanted(2, Reason.SWITCHOVER, forced=True)
RETURN = Wanted(2, Reason.FAILBACK, forced=True)
SEEN: dict[str, Any] = {"wanted": ORDER, "other_continues": True}


def wait(until: float, step: int = 0) -> Wait:
    """Until so many seconds after the slot's end."""
    return Wait(instant(until), step)


@pytest.mark.parametrize(
    ("view", "at", "expected"),
    [
        pytest.param(a_slot(complete(1), complete(2), **SEEN), 0.3, SWITCHOVER, id="complete, and continues"),
        pytest.param(a_slot(an_input(1), complete(2), **SEEN), -9, SWITCHOVER, id="whatever the active input has"),
        pytest.param(a_slot(complete(1), complete(2), wanted=ORDER), 0.3, KEEP, id="would not continue"),
        pytest.param(a_slot(complete(1), complete(2), wanted=FORCED), 0.3, SWITCHOVER, id="forced"),
        pytest.param(a_slot(complete(1), complete(2), wanted=RETURN), 0.3, FAILBACK, id="a policy"),
        pytest.param(a_slot(complete(1), complete(2, lacking=1), **SEEN), 0.3, KEEP, id="lacks a rendition"),
        pytest.param(a_slot(complete(1), complete(2, lacking=1), wanted=FORCED), 0.3, KEEP, id="lacks one, forced"),
        pytest.param(a_slot(complete(1), complete(2, lacking=1), wanted=PIN), 0.3, SWITCHOVER, id="lacks one, pinned"),
        pytest.param(
            a_slot(complete(1), complete(2, lacking=1), wanted=RETURN), 0.3, KEEP, id="lacks one: never by itself"
        ),
        pytest.param(
            a_slot(complete(1, lacking=1), complete(2, lacking=1), **SEEN), 0.3, SWITCHOVER, id="both lack one"
        ),
        pytest.param(a_slot(complete(1), an_input(2), **SEEN), 0.3, wait(1.05), id="not yet: until the deadline"),
        pytest.param(a_slot(complete(1), an_input(2), seconds=6, **SEEN), 0.3, wait(1.3), id="due and 1 s at most"),
        pytest.param(a_slot(complete(1), an_input(2), seconds=6, **SEEN), 1.3 - TICK, wait(1.3), id="all of it"),
        pytest.param(a_slot(complete(1), an_input(2), seconds=6, **SEEN), 1.3, KEEP, id="and no longer"),
        pytest.param(a_slot(complete(1), an_input(2, is_overdue=True), **SEEN), 0.3, KEEP, id="owes earlier pieces"),
        pytest.param(a_slot(complete(1), an_input(2, lag=None), **SEEN), 0.3, KEEP, id="has no lag"),
        pytest.param(a_slot(an_input(1), an_input(2), **SEEN), 0.3, wait(1.05, 2), id="neither: as if nobody wanted"),
        pytest.param(a_slot(complete(1), complete(2), other_continues=True), 0.3, KEEP, id="nobody wants anything"),
    ],
)
def test_the_wanted_input_is_followed_from_the_first_slot_that_it_completes(
    view: SlotView, at: float, expected: Verdict
) -> None:
    assert decide(view, now=instant(at)) == expected


def test_a_slot_that_is_published_in_part_is_finished_first() -> None:
    """What has been published in part is finished before anybody is followed elsewhere."""
    view = a_slot(complete(1), complete(2), wanted=FORCED, partly_published=True)
    assert decide(view, now=instant(9)) == Publish(1, Reason.PARTIAL, step=7)


@pytest.mark.parametrize(
    ("completed_at", "preferred", "alive", "at", "expected"),
    [
        pytest.param({}, 1, True, 0, None, id="none has completed a slot"),
        pytest.param({1: 10.0}, 1, True, 10, 1, id="the preferred one has"),
        pytest.param({1: 11.0, 2: 10.0}, 1, True, 11, 1, id="both within the allowance: a tie"),
        pytest.param({1: 11.0 + TICK, 2: 10.0}, 1, True, 12, 2, id="a tick later is none"),
        pytest.param({1: 10.0, 2: 10.5}, 2, True, 12, 2, id="a tie goes to the preferred one"),
        pytest.param({2: 10.0}, 1, True, 10, 11.0, id="it may still complete one in time"),
        pytest.param({2: 10.0}, 1, True, 11 - TICK, 11.0, id="up to then"),
        pytest.param({2: 10.0}, 1, True, 11, 2, id="and no longer"),
        pytest.param({2: 10.0}, 1, False, 10, 2, id="it is not delivering"),
    ],
)
def test_the_first_active_input(
    completed_at: dict[int, float], preferred: int, alive: bool, at: float, expected: float | None
) -> None:
    found = first_active(
        {input_id: instant(seconds) for input_id, seconds in completed_at.items()},
        preferred=preferred,
        preferred_is_alive=alive,
        now=instant(at),
    )
    assert found == (wait(expected) if isinstance(expected, float) else expected)
