"""The failover rule by itself: what it is shown of two inputs, and its verdict, step by step and to the tick.

Seconds count from the slot's end by prediction: both inputs' lag is 0.3 s, so the slot is due at 0.3 s, and with
S_out = 2 s (a tolerance of 1 s) its deadline is at 1.05 s, a margin of 0.25 s earlier than 1.3 s.
"""

from __future__ import annotations

from typing import Any

import pytest

from support.rule_views import END, SLOT, a_slot, an_input, complete, instant
from understudy_domain.failover import GoOn, InputView, Publish, PublishGap, SlotView, Verdict, Wait, dead_at, decide
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds

TICK = 1 / 90_000
KEEP, REPAIR, FAILOVER = (
    Publish(1, Reason.KEEP, step=1),
    Publish(1, Reason.REPAIR, step=3),
    Publish(2, Reason.FAILOVER, step=4),
)
COMBINE, HEIR = Publish(1, Reason.COMBINE, step=5), Publish(2, Reason.COMBINE, step=5)
GAP = PublishGap(step=7)
PART, PART_OF_OTHER = Publish(1, Reason.PARTIAL, step=7), Publish(2, Reason.PARTIAL, step=7)


def wait(until: float | None, step: int) -> Wait:
    """Until so many seconds after the slot's end."""
    return Wait(None if until is None else instant(until), step)


def go_on(slot: int) -> GoOn:
    """Without an entry for what is before that slot."""
    return GoOn(slot, step=7)


def check(view: SlotView, at: float, expected: Verdict) -> None:
    """The rule's verdict at so many seconds after the slot's end."""
    assert decide(view, now=instant(at)) == expected


# --- the deadline -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "seconds"),
    [
        pytest.param(a_slot(), 1.05, id="the tolerance is 1 s at least"),
        pytest.param(a_slot(seconds=6), 3.05, id="the tolerance is half of S_out"),
        pytest.param(a_slot(delay=10), 10.05, id="a delay buys as much"),
        pytest.param(a_slot(delay=0.5), 1.05, id="a delay shorter than the tolerance buys nothing"),
        pytest.param(a_slot(delay=600), 120.05, id="a delay buys two minutes at most"),
        pytest.param(a_slot(an_input(1, lag=3.3)), 4.05, id="an input is owed its own lag"),
        pytest.param(a_slot(an_input(1, lag=3.3), delay=10), 10.05, id="a delay counts from the smaller lag"),
        pytest.param(a_slot(other=an_input(2, lag=-4), delay=10), 5.75, id="lags may be negative"),
        pytest.param(a_slot(other=an_input(2, lag=-4, dead_at=0), delay=10), 10.05, id="a dead input's lag is none"),
        pytest.param(a_slot(other=an_input(2, lag=None), delay=10), 10.05, id="an input without a lag counts for none"),
        pytest.param(a_slot(an_input(1, dead_at=0.3)), 1.05, id="dead as the slot falls due: it was owed it"),
        pytest.param(a_slot(an_input(1, dead_at=0.3 - TICK)), 0.05, id="dead before: it was not"),
        pytest.param(a_slot(an_input(1, dead_at=-9, lag=2), an_input(2, dead_at=-9)), 0.05, id="both are dead"),
        pytest.param(a_slot(an_input(1, lag=None)), 0.05, id="the active input has no lag"),
        pytest.param(a_slot(an_input(1, lag=None), an_input(2, lag=None)), -0.25, id="neither has"),
    ],
)
def test_the_deadline(view: SlotView, seconds: float) -> None:
    assert view.deadline(instant(0.2)) == instant(seconds)


@pytest.mark.parametrize(
    ("last", "ended", "slot_seconds", "expected"),
    [(None, False, 2, 0), (100, True, 2, 0), (100, False, 2, 107), (100, False, 12, 112)],
)
def test_an_input_is_dead_after_three_segments_and_the_tolerance(
    last: float | None, ended: bool, slot_seconds: float, expected: float
) -> None:
    last_arrived_at = None if last is None else from_seconds(last)
    found = dead_at(
        last_arrived_at=last_arrived_at,
        has_ended=ended,
        segment_duration=from_seconds(2),
        slot_duration=from_seconds(slot_seconds),
    )
    assert found == from_seconds(expected)
    assert an_input(1, dead_at=1).is_dead(instant(1))
    assert not an_input(1, dead_at=1).is_dead(instant(1) - 1)


# --- the steps --------------------------------------------------------------------------------------------------------

TOGETHER: dict[str, Any] = {"covered_together": True}


@pytest.mark.parametrize(
    ("view", "at", "expected"),
    [
        pytest.param(a_slot(complete(1)), -1, KEEP, id="complete: at once"),
        pytest.param(a_slot(complete(1), complete(2)), 9, KEEP, id="complete late: stays all the same"),
        pytest.param(a_slot(complete(1, lacking=1), an_input(2, lacking=1)), 0, KEEP, id="the other lacks as much"),
        pytest.param(a_slot(complete(1, lacking=1), an_input(2, dead_at=0)), 0, KEEP, id="the fuller one is dead"),
        pytest.param(
            a_slot(complete(1, lacking=1), an_input(2), may_fail_over=False), 0, KEEP, id="pinned: nobody is asked"
        ),
        pytest.param(a_slot(complete(1, lacking=1)), 0, wait(1.05, 2), id="the fuller one is alive"),
        pytest.param(
            a_slot(complete(1, lacking=1), an_input(2, dead_at=0), other_has_some_of_what_active_lacks=True),
            0,
            wait(1.05, 2),
            id="the fuller one is dead, and has some of that still",
        ),
        pytest.param(a_slot(complete(1, lacking=1), complete(2)), 1.05, FAILOVER, id="the fuller one is complete"),
        pytest.param(
            a_slot(complete(1, lacking=1), an_input(2, lag=3.3)), 1.05, wait(4.3, 6), id="the fuller one may be yet"
        ),
        pytest.param(
            a_slot(complete(1, lacking=1), an_input(2, lag=3.3, dead_at=2)), 1.05, wait(2, 6), id="or dies before"
        ),
        pytest.param(
            a_slot(complete(1, lacking=1), an_input(2, lag=3.3)), 4.3 - TICK, wait(4.3, 6), id="up to its tolerance"
        ),
        pytest.param(a_slot(complete(1, lacking=1), an_input(2, lag=3.3)), 4.3, KEEP, id="the fuller one was not"),
        pytest.param(a_slot(complete(1, lacking=1), an_input(2, lag=None)), 1.05, KEEP, id="the fuller one owes none"),
    ],
)
def test_step_1_keep(view: SlotView, at: float, expected: Verdict) -> None:
    check(view, at, expected)


@pytest.mark.parametrize(
    ("view", "at", "expected"),
    [
        pytest.param(a_slot(other=complete(2)), 1.05 - TICK, wait(1.05, 2), id="until the deadline"),
        pytest.param(a_slot(other=complete(2)), 1.05, FAILOVER, id="and no longer"),
        pytest.param(a_slot(an_input(1, dead_at=0.7)), 0.6, wait(0.7, 2), id="or until the active input dies"),
        pytest.param(a_slot(other=an_input(2, dead_at=0.7)), 0.6, wait(0.7, 2), id="or the other"),
        pytest.param(a_slot(an_input(1, dead_at=0.7)), 0.7, wait(1.05, 2), id="which it has by now"),
        pytest.param(a_slot(**TOGETHER, recovered=True), 1, wait(1.05, 2), id="whatever could be repaired"),
    ],
)
def test_step_2_wait(view: SlotView, at: float, expected: Verdict) -> None:
    check(view, at, expected)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(a_slot(other=complete(2), **TOGETHER, recovered=True), REPAIR, id="recovered"),
        pytest.param(a_slot(other=complete(2), **TOGETHER), FAILOVER, id="covered, not recovered"),
        pytest.param(a_slot(other=complete(2), recovered=True), FAILOVER, id="recovered, not covered"),
        pytest.param(a_slot(other=an_input(2), **TOGETHER, recovered=True), REPAIR, id="the other is not complete"),
    ],
)
def test_step_3_repair(view: SlotView, expected: Verdict) -> None:
    check(view, 1.05, expected)


@pytest.mark.parametrize(
    ("view", "at", "expected"),
    [
        pytest.param(a_slot(other=complete(2, at=1.3)), 1.3, FAILOVER, id="completed within the tolerance"),
        pytest.param(a_slot(other=complete(2, at=1.31)), 1.31, wait(2.31, 4), id="late as well: one more tolerance"),
        pytest.param(a_slot(other=complete(2, at=1.31)), 2.31 - TICK, wait(2.31, 4), id="all of it"),
        pytest.param(a_slot(other=complete(2, at=1.31)), 2.31, FAILOVER, id="and no more"),
        pytest.param(a_slot(other=complete(2, lag=None, at=9)), 9, FAILOVER, id="without a lag nothing is late"),
        pytest.param(a_slot(other=complete(2), may_fail_over=False), 2, PART_OF_OTHER, id="pinned"),
        pytest.param(a_slot(other=complete(2, lacking=1), **TOGETHER), 2, COMBINE, id="the other only fills in"),
        pytest.param(
            a_slot(an_input(1, dead_at=0.5), complete(2, lacking=1), **TOGETHER), 2, FAILOVER, id="for a living input"
        ),
        pytest.param(a_slot(an_input(1, lacking=1), complete(2, lacking=1)), 2, FAILOVER, id="the other lacks as much"),
        pytest.param(
            a_slot(
                an_input(1, dead_at=0.5, first_piece_at=END),
                complete(2, lacking=1),
                active_has_some_of_what_other_lacks=True,
            ),
            2,
            PART,
            id="or one that has some of what the other lacks",
        ),
    ],
)
def test_step_4_fail_over(view: SlotView, at: float, expected: Verdict) -> None:
    check(view, at, expected)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        pytest.param(a_slot(**TOGETHER), COMBINE, id="the active input stays"),
        pytest.param(a_slot(an_input(1, dead_at=0.5), **TOGETHER), HEIR, id="unless it is dead"),
        pytest.param(a_slot(an_input(1, dead_at=0.5), may_fail_over=False, **TOGETHER), COMBINE, id="and not pinned"),
    ],
)
def test_step_5_combine(view: SlotView, expected: Verdict) -> None:
    check(view, 1.05, expected)


ENDED: dict[str, Any] = {"dead_at": -1000, "has_ended": True}


@pytest.mark.parametrize(
    ("view", "at", "expected"),
    [
        pytest.param(a_slot(), 1.05, wait(1.3, 6), id="due and the tolerance, without the margin"),
        pytest.param(a_slot(other=an_input(2, lag=3.3)), 1.3, wait(4.3, 6), id="the other is behind"),
        pytest.param(a_slot(an_input(1, lag=3.3), delay=1), 4.05, wait(4.3, 6), id="the active one is"),
        pytest.param(a_slot(other=an_input(2, lag=3.3, dead_at=2)), 1.3, wait(2, 6), id="until it dies"),
        pytest.param(a_slot(other=an_input(2, lag=None)), 1.05, wait(1.3, 6), id="one that owes nothing"),
        pytest.param(
            a_slot(an_input(1, next_slot=11), an_input(2, lag=3.3)), 1.3, wait(4.3, 6), id="uploads overtake each other"
        ),
        pytest.param(a_slot(an_input(1, next_slot=11)), 1.3, GAP, id="what is expected no longer"),
        pytest.param(a_slot(), 1.3, wait(5, 6), id="nothing is expected, nor is there anything later"),
        pytest.param(a_slot(an_input(1, dead_at=4)), 2, wait(4, 6), id="to see the active one die"),
        pytest.param(a_slot(other=an_input(2, dead_at=4)), 2, wait(4, 6), id="to see the other one die"),
        pytest.param(a_slot(), 5, wait(None, 6), id="both are dead: at arrivals"),
        pytest.param(a_slot(an_input(1, first_piece_at=END)), 5, wait(None, 6), id="both crashed: they come back"),
        pytest.param(a_slot(an_input(1, **ENDED), an_input(2, **ENDED)), 5, wait(None, 6), id="ended, nothing is left"),
        pytest.param(
            a_slot(an_input(1, first_piece_at=END, **ENDED)), 4, wait(5, 6), id="one has ended, the other is alive"
        ),
        pytest.param(
            a_slot(other=an_input(2, first_piece_at=END, **ENDED)), 4, wait(5, 6), id="the other has ended, it goes on"
        ),
        pytest.param(a_slot(an_input(1, first_piece_at=END, **ENDED)), 5, PART, id="one has ended, the other is dead"),
        pytest.param(
            a_slot(other=an_input(2, first_piece_at=END, **ENDED)), 5, PART_OF_OTHER, id="the other way round"
        ),
        pytest.param(
            a_slot(an_input(1, next_slot=11), complete(2, lag=9), may_fail_over=False), 2, PART_OF_OTHER,
            id="pinned: the other lacks nothing that would be waited for",
        ),
        pytest.param(
            a_slot(other=complete(2, lag=3.3, lacking=1)), 3.3, wait(4.3, 6), id="what the other had lost may be back"
        ),
        pytest.param(a_slot(other=complete(2, lag=3.3, lacking=1)), 4.3, PART_OF_OTHER, id="and is not in time"),
    ],
)  # fmt: skip
def test_step_6_hold(view: SlotView, at: float, expected: Verdict) -> None:
    check(view, at, expected)


def later(input_id: int, slot: int, *, lag: float | None = 0.3, dead_at: float = 1000) -> InputView:
    """An input that has nothing of the slot, and goes on at a later one."""
    return an_input(input_id, next_slot=slot, lag=lag, dead_at=dead_at)


def part(input_id: int, *, at: float = 0, renditions: int = 2) -> InputView:
    """An input that has some of the slot, and goes on after it."""
    return an_input(input_id, first_piece_at=instant(at), first_piece_renditions=renditions, next_slot=11)


@pytest.mark.parametrize(
    ("view", "at", "expected"),
    [
        pytest.param(a_slot(part(1)), 2, PART, id="what there is"),
        pytest.param(a_slot(other=part(2)), 2, PART_OF_OTHER, id="of the other"),
        pytest.param(a_slot(part(1, at=0.1), part(2)), 2, PART_OF_OTHER, id="what begins first"),
        pytest.param(a_slot(part(1), part(2, renditions=3)), 2, PART_OF_OTHER, id="in more renditions"),
        pytest.param(a_slot(part(1), part(2)), 2, PART, id="of two alike the active one's"),
        pytest.param(a_slot(part(1, at=-0.1), part(2, renditions=3)), 2, PART, id="first, then renditions"),
        pytest.param(a_slot(later(1, 11), later(2, 11)), 2, GAP, id="nothing: a gap"),
        pytest.param(a_slot(later(1, SLOT + 3), later(2, SLOT + 3)), 9, GAP, id="three slots: gaps"),
        pytest.param(a_slot(later(1, SLOT + 4), later(2, SLOT + 4)), 9, go_on(SLOT + 4), id="four: passed over"),
        pytest.param(a_slot(later(1, SLOT + 6), later(2, SLOT + 4)), 9, go_on(SLOT + 4), id="to the first there is"),
        pytest.param(a_slot(later(1, SLOT + 2), passed_over=2), 9, go_on(SLOT + 2), id="those before it count"),
        pytest.param(a_slot(later(1, SLOT + 2), passed_over=1), 9, GAP, id="three with those before"),
        # An input that is 0.3 s behind, and owes what is 1.3 s old or younger: at 9.3 s the fourth slot after this
        # one ended 1.3 s ago, and may come any moment; up to then, so may the third.
        pytest.param(a_slot(later(1, SLOT + 9), later(2, SLOT + 9)), 9.3, go_on(SLOT + 5), id="what may still come"),
        pytest.param(a_slot(later(1, SLOT + 9), later(2, SLOT + 9)), 9.3 - TICK, go_on(SLOT + 4), id="a tick before"),
        pytest.param(a_slot(later(1, 19), later(2, 19, lag=2.3)), 9.3, go_on(SLOT + 4), id="from the slower one"),
        pytest.param(a_slot(later(1, 19), later(2, 19, lag=5, dead_at=9)), 9.3, go_on(SLOT + 5), id="if it is alive"),
        pytest.param(a_slot(later(1, 19), later(2, 19, lag=None)), 9.3, go_on(SLOT + 5), id="if it has a lag"),
        pytest.param(a_slot(part(1), partly_published=True), -9, PART, id="the rest: at once"),
        pytest.param(
            a_slot(part(1, at=0.1), complete(2), partly_published=True), 9, PART_OF_OTHER, id="the rest: step 7 only"
        ),
        pytest.param(a_slot(partly_published=True), -9, go_on(SLOT + 1), id="nothing is left: on"),
    ],
)
def test_step_7_what_there_is(view: SlotView, at: float, expected: Verdict) -> None:
    check(view, at, expected)
