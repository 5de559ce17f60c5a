"""Which entries of a predecessor are read again for what there is to tell: all of which an event can come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.synthetic import Broadcast, SyntheticEncoder, configured
from understudy_controller.loop.retelling import Outline, goes_on
from understudy_domain.entry_events import entry_events
from understudy_domain.reason import Reason

BEFORE = Outline(Reason.KEEP, 1, discontinuity=False, start=0, end=100)
NEXT = Outline(Reason.KEEP, 1, discontinuity=False, start=100, end=200)


@pytest.mark.parametrize(
    ("entry", "before"),
    [
        (replace(NEXT, reason=Reason.FAILOVER), BEFORE),
        (replace(NEXT, active_input=2), BEFORE),
        (replace(NEXT, discontinuity=True), BEFORE),
        (replace(NEXT, start=150), BEFORE),
        (NEXT, replace(BEFORE, ended=True)),
    ],
)
def test_what_may_be_told_is_read(entry: Outline, before: Outline) -> None:
    assert not goes_on(entry, before)


def test_what_goes_on_is_not_read() -> None:
    assert goes_on(NEXT, BEFORE)
    assert goes_on(NEXT, None)


def test_nothing_that_is_told_of_is_passed_over() -> None:
    lost = set(range(10, 20))
    one, two = SyntheticEncoder(1, lost=lost | {30}), SyntheticEncoder(2, lost=lost)
    entries = (
        Broadcast([configured("e", seconds=2), *one.messages(range(50)), *two.messages(range(50))])
        .run(until_seconds=140)
        .of("e")
    )
    outlines = [
        Outline(one.reason, one.active_input, one.discontinuity, one.start, one.end, one.ended) for one in entries
    ]
    told = [number for number in range(1, len(entries)) if entry_events(entries[number], before=entries[number - 1])]
    assert len(told) >= 2
    assert not any(goes_on(outlines[number], outlines[number - 1]) for number in told)
