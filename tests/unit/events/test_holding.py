"""From when on a slot past its deadline is held, and what it waits for, in words."""

from __future__ import annotations

from dataclasses import replace

from support.program_entries import make_entry
from support.rule_views import a_slot, an_input, complete, instant
from support.synthetic import EPOCH, Broadcast, SyntheticEncoder, configured
from understudy_domain.entry import Evidence, InputEvidence
from understudy_domain.event import Event, EventKind
from understudy_domain.facts import EndpointConfigured
from understudy_domain.holding import held_at, held_for
from understudy_domain.policy import PolicyKind
from understudy_domain.ticks import TICKS_PER_SECOND

SEGMENTS = 40


def evidence(*inputs: InputEvidence) -> Evidence:
    return replace(make_entry(1).evidence, inputs=inputs)


def test_a_slot_is_held_once_a_living_input_is_later_than_jitter_makes_it() -> None:
    now = instant(1.05)
    assert held_at(a_slot(), now) == instant(0.3 + 1)
    assert held_at(a_slot(an_input(1, dead_at=-1), an_input(2, lag=2)), now) == instant(2 + 1)
    assert held_at(a_slot(an_input(1, lag=2), an_input(2)), now) == instant(2 + 1 - 0.25), "the deadline is later"
    assert held_at(a_slot(seconds=6), instant(3)) == instant(0.3 + 3 - 0.25), "and that of a long slot"
    dead = a_slot(an_input(1, dead_at=-1), an_input(2, dead_at=-1))
    assert held_at(dead, now) == dead.deadline(now)


def test_holds_of_an_endpoint_that_is_pinned_to_a_dead_input_begin_where_the_other_is_late() -> None:
    """Nobody has to look for the sake of it: the timer does, between arrivals."""
    command = configured("e", seconds=2)
    assert isinstance(command.fact, EndpointConfigured)
    pinned = replace(command, fact=replace(command.fact, policy=PolicyKind.PINNED, policy_input=1))
    two = SyntheticEncoder(2, late={20: 0.9, 25: 1.5})
    gone = SyntheticEncoder(1, lost=set(range(10, SEGMENTS)))
    run = Broadcast([pinned, *gone.messages(range(SEGMENTS)), *two.messages(range(SEGMENTS))])
    events: list[Event] = []
    run.run(interrupt=lambda run, _: events.extend(run.fold.take_events()))
    (begins, ends) = (one for one in events if one.kind in (EventKind.HOLD, EventKind.HOLD_ENDED))
    assert [round((one.instant - EPOCH) / TICKS_PER_SECOND, 3) for one in (begins, ends)] == [53.3, 53.8]


def test_a_hold_for_the_fuller_input_says_that_the_active_one_has_completed_the_slot() -> None:
    view = a_slot(complete(1, lacking=1), an_input(2))
    known = evidence(
        InputEvidence(1, complete=True, lacking=("v2",)), InputEvidence(2, complete=False, missing=("v1", "v2"))
    )
    assert held_for(view, known) == (
        "input 1 has completed it without v2, which it lacks for good, and input 2, which delivers more, is waited for"
    )


def test_a_hold_says_what_each_input_lacks_or_that_nothing_has_completed_the_slot() -> None:
    lacking = evidence(InputEvidence(1, complete=False, missing=("v1",)), InputEvidence(2, complete=False))
    assert held_for(a_slot(), lacking) == "input 1 lacks v1"
    nothing = evidence(InputEvidence(1, complete=False), InputEvidence(2, complete=False))
    assert held_for(a_slot(), nothing) == "no input has completed it"
