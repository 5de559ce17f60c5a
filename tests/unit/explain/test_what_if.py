"""The same arrivals under other numbers: the failover rule's worked examples, asked the other way round."""

from __future__ import annotations

import pytest

from support.replayed import logged, programme
from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain.facts import SwitchoverOrdered
from understudy_domain.policy import Policy, PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds
from understudy_domain.what_if import CannotReplay, what_if

STOPS = set(range(60, 62))


def broadcast(segments: int = 90) -> Broadcast:
    """Input 1 loses two segments for good and goes on; one endpoint has short segments, one long ones."""
    messages = [configured("two", seconds=2), configured("twelve", seconds=12)]
    messages += SyntheticEncoder(1, lost=STOPS).messages(range(segments))
    messages += SyntheticEncoder(2).messages(range(segments))
    return Broadcast(messages).run(until_seconds=segments * 2 + 30)


@pytest.mark.parametrize("whole", [True, False])
def test_longer_segments_would_have_repaired_what_short_ones_failed_over_for(whole: bool) -> None:
    run = broadcast()
    log = logged(run)
    if not whole:
        log = [message for message in log if message.instant >= run.of("two")[4].as_of.instant]
    found = what_if(programme(run, "two"), log, segment_duration=from_seconds(12), time_delay=0)
    assert [event.reason for event in found.was.events] == [Reason.FAILOVER]
    assert [event.reason for event in found.would_be.events] == [Reason.REPAIR]
    assert (found.was.switches, found.was.repairs) == (1, 0)
    assert (found.would_be.switches, found.would_be.repairs) == (0, 1)
    assert (found.was.segment_duration_seconds, found.would_be.segment_duration_seconds) == (2, 12)
    assert found.would_be.events[0].sentence.startswith("Slot")
    assert found.would_be.slots * 6 == pytest.approx(found.was.slots, abs=8)
    assert ("beginning" in found.begins_with) == whole


def test_a_delay_would_have_done_the_same() -> None:
    run = broadcast()
    found = what_if(programme(run, "two"), logged(run), segment_duration=from_seconds(2), time_delay=from_seconds(10))
    assert (found.was.switches, found.would_be.switches) == (1, 0)
    assert found.would_be.repairs == 2


def test_the_very_numbers_give_the_very_course() -> None:
    run = broadcast()
    found = what_if(programme(run, "two"), logged(run), segment_duration=from_seconds(2), time_delay=0)
    assert found.was == found.would_be


def test_what_was_asked_of_another_endpoint_does_not_matter() -> None:
    run = broadcast()
    found = what_if(programme(run, "twelve"), logged(run), segment_duration=from_seconds(2), time_delay=0)
    assert [event.reason for event in found.would_be.events] == [Reason.FAILOVER]
    assert endpoint_guid("two") not in repr(found)


def test_too_short_a_log_says_so() -> None:
    run = broadcast()
    with pytest.raises(CannotReplay):
        what_if(programme(run, "two"), logged(run)[-3:], segment_duration=from_seconds(2), time_delay=0)
    with pytest.raises(CannotReplay):
        what_if(programme(run, "two"), [], segment_duration=from_seconds(2), time_delay=0)


def lapse() -> Broadcast:
    """Input 1 loses two segments for good, and a sticky endpoint of short segments stays away from then on."""
    return broadcast(segments=150)


@pytest.mark.parametrize("whole", [True, False])
def test_a_preferred_input_would_have_been_returned_to(whole: bool) -> None:
    run = lapse()
    log = logged(run)
    if not whole:
        log = [message for message in log if message.instant >= run.of("two")[4].as_of.instant]
    preferred = Policy(PolicyKind.PREFERRED, 1, from_seconds(30))
    found = what_if(programme(run, "two"), log, segment_duration=from_seconds(2), time_delay=0, policy=preferred)
    assert [event.reason for event in found.was.events] == [Reason.FAILOVER]
    assert [event.reason for event in found.would_be.events] == [Reason.FAILOVER, Reason.FAILBACK]
    assert (found.was.failbacks, found.would_be.failbacks, found.would_be.switches) == (0, 1, 2)
    assert (found.was.policy, found.would_be.policy, found.would_be.hold_down_seconds) == ("sticky", "preferred", 30)
    assert "longer than the hold-down of 30 s" in found.would_be.events[1].sentence


def test_a_pinned_input_would_have_been_kept() -> None:
    run = lapse()
    pinned = Policy(PolicyKind.PINNED, 1)
    found = what_if(programme(run, "two"), logged(run), segment_duration=from_seconds(2), time_delay=0, policy=pinned)
    assert found.would_be.switches == 0
    assert {event.reason for event in found.would_be.events} <= {Reason.COMBINE, Reason.REPAIR}
    assert found.would_be.gaps == 0


def test_a_pin_to_the_other_input_is_told_as_a_switchover() -> None:
    run = lapse()
    log = [message for message in logged(run) if message.instant >= run.of("two")[4].as_of.instant]
    found = what_if(
        programme(run, "two"),
        log,
        segment_duration=from_seconds(2),
        time_delay=0,
        policy=Policy(PolicyKind.PINNED, 2),
    )
    assert [event.reason for event in found.would_be.events] == [Reason.SWITCHOVER]
    assert (found.would_be.switchovers, found.would_be.switches) == (1, 1)


def test_orders_are_replayed_with_everything_else_and_counted() -> None:
    messages = [configured("two", seconds=2)]
    orders = [Message(EPOCH + from_seconds(at), None, SwitchoverOrdered(endpoint_guid("two"), 2)) for at in (60.5,)]
    messages += SyntheticEncoder(1).messages(range(90)) + SyntheticEncoder(2).messages(range(90))
    run = Broadcast(messages + orders).run(until_seconds=210)
    found = what_if(programme(run, "two"), logged(run), segment_duration=from_seconds(6), time_delay=0)
    assert (found.orders, found.was.switchovers, found.would_be.switchovers) == (1, 1, 1)
    other = Message(EPOCH + from_seconds(60.5), None, SwitchoverOrdered(endpoint_guid("else"), 2))
    quiet = Broadcast([*messages, other]).run(until_seconds=210)
    found = what_if(programme(quiet, "two"), logged(quiet), segment_duration=from_seconds(6), time_delay=0)
    assert (found.orders, found.would_be.switches) == (0, 0)


@pytest.mark.parametrize("kind", [PolicyKind.PINNED, PolicyKind.OFF])
def test_an_order_that_the_policy_would_have_refused_moves_nothing(kind: PolicyKind) -> None:
    order = Message(EPOCH + from_seconds(20.5), None, SwitchoverOrdered(endpoint_guid("two"), 2, forced=True))
    encoders = (SyntheticEncoder(1), SyntheticEncoder(2))
    messages = [configured("two", seconds=2), order]
    messages += [message for encoder in encoders for message in encoder.messages(range(30))]
    run = Broadcast(messages).run(until_seconds=90)
    policy = Policy(kind, 1)
    found = what_if(programme(run, "two"), logged(run), segment_duration=from_seconds(2), time_delay=0, policy=policy)
    assert (found.orders, found.was.switchovers) == (1, 1)
    assert (found.would_be.switches, found.would_be.events) == (0, ())
