"""Status: what is read from a fold, at every stage of a channel's life."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.endpoint_status import EndpointStatus, endpoint_status
from understudy_domain.entry import ActiveInput
from understudy_domain.facts import EndpointConfigured, SwitchoverOrdered
from understudy_domain.fold import ChannelFold
from understudy_domain.interchange import Grade, Mismatch
from understudy_domain.policy import PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.status import ChannelStatus, InputCondition, Seam, channel_status
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds


def broadcast(*encoders: SyntheticEncoder, segments: int = 12, until_seconds: float | None = None) -> Broadcast:
    """A channel with one endpoint of 6 s."""
    messages = [configured("six", seconds=6, delay_seconds=3)]
    for encoder in encoders:
        messages += encoder.messages(range(segments))
    return Broadcast(messages).run(until_seconds=until_seconds)


def status(run: Broadcast, *, after_seconds: float = 25.0) -> ChannelStatus:
    """The channel so many seconds after it began."""
    return channel_status(run.fold.state, name="show", now=EPOCH + from_seconds(after_seconds))


def of_endpoint(run: Broadcast, active: ActiveInput | None = None) -> EndpointStatus:
    """The endpoint, now."""
    return endpoint_status(
        run.fold, endpoint_guid("six"), name="six", channel="show", active=active, now=run.fold.state.now
    )


def test_a_channel_that_nobody_feeds_says_so() -> None:
    found = channel_status(ChannelState("c" * 32), name="show", now=EPOCH)
    assert [one.condition for one in found.inputs] == [InputCondition.NEVER_BEGAN] * 2
    assert (found.log_at, found.segment_duration_seconds, found.renditions) == (None, None, ())
    assert found.interchange.grade is Grade.NONE
    assert [one.seam for one in found.interchange.outlook] == [Seam.IMPOSSIBLE] * 2
    assert found.interchange.outlook[0].why == "Input 1 has never delivered anything."


def test_a_joinable_pair_is_seamless_both_ways_and_its_skew_is_told() -> None:
    found = status(broadcast(SyntheticEncoder(1), SyntheticEncoder(2, lag_seconds=1.1)))
    assert [one.condition for one in found.inputs] == [InputCondition.DELIVERING] * 2
    assert found.inputs[0].last_segment_age_seconds == pytest.approx(0.7)
    assert found.inputs[1].lag_seconds == pytest.approx((found.inputs[0].lag_seconds or 0) + 0.8)
    assert found.interchange.grade is Grade.JOINABLE
    assert found.interchange.arrival_skew_seconds == 0.8
    assert found.interchange.date_skew_seconds == 0
    assert [(one.seam, one.jump_seconds) for one in found.interchange.outlook] == [(Seam.SEAMLESS, 0)] * 2
    assert found.inputs[0].playlists == {"v1": "channel_1.m3u8"}
    assert [(one.rendition, one.kind, one.codec) for one in found.renditions] == [("v1", "video", "avc1")]


UNLIKE = {
    "configuration": (SyntheticEncoder(2, configuration="other"), Mismatch.CONFIGURATION, 0.0),
    "timestamps of its own": (SyntheticEncoder(2, media_offset_seconds=1234.5), Mismatch.TIMESTAMPS, None),
    "another phase": (SyntheticEncoder(2, phase_seconds=0.7), Mismatch.BOUNDARIES, 0.0),
}


@pytest.mark.parametrize("case", UNLIKE)
def test_what_keeps_the_inputs_apart_is_known_before_anything_fails(case: str) -> None:
    encoder, mismatch, jump = UNLIKE[case]
    found = status(broadcast(SyntheticEncoder(1), encoder))
    outlook = found.interchange.outlook[1]
    assert (found.interchange.grade, outlook.seam) == (Grade.NONE, Seam.DISCONTINUITY)
    assert found.interchange.renditions[0].mismatch is mismatch
    assert outlook.why == f"The inputs differ in v1 ({mismatch})."
    if jump is not None:
        assert outlook.jump_seconds == jump
    else:
        assert outlook.jump_seconds == pytest.approx(found.interchange.date_skew_seconds)


def test_the_jump_of_one_way_is_the_others_turned_round() -> None:
    found = status(broadcast(SyntheticEncoder(1), SyntheticEncoder(2, media_offset_seconds=99, lag_seconds=1.3)))
    first, second = (one.jump_seconds for one in found.interchange.outlook)
    assert second == pytest.approx(-(first or 0))
    assert second == pytest.approx(-1.0, abs=0.1)


def test_a_pair_that_has_delivered_little_is_not_proven() -> None:
    found = status(broadcast(SyntheticEncoder(1), SyntheticEncoder(2), segments=2), after_seconds=5)
    assert found.interchange.outlook[0].seam is Seam.DISCONTINUITY
    assert "Too few pieces" in found.interchange.outlook[0].why or "not known yet" in found.interchange.outlook[0].why


def test_an_input_that_stopped_is_dead_and_nothing_can_be_changed_to_it() -> None:
    run = broadcast(SyntheticEncoder(1), SyntheticEncoder(2, lost=set(range(5, 12))))
    found = status(run)
    assert [one.condition for one in found.inputs] == [InputCondition.DELIVERING, InputCondition.DEAD]
    assert found.interchange.outlook[1].why == "Input 2 delivers nothing any more."
    assert [one.seam for one in found.interchange.outlook] == [Seam.SEAMLESS, Seam.IMPOSSIBLE]


def test_an_input_that_ended_is_told_apart_from_one_that_died() -> None:
    found = status(broadcast(SyntheticEncoder(1), SyntheticEncoder(2, ended_after=11)))
    assert found.inputs[1].condition is InputCondition.ENDED
    assert found.inputs[1].has_ended


def test_an_input_says_since_when_it_is_well() -> None:
    found = status(broadcast(SyntheticEncoder(1), SyntheticEncoder(2, late={8: 1.5})), after_seconds=24.5)
    first, second = (one.well_since for one in found.inputs)
    assert first is not None
    assert second is not None
    assert second > first, "what is late begins it anew"
    assert [one.well_since for one in status(broadcast(SyntheticEncoder(1))).inputs][1] is None


def test_a_proof_of_sessions_that_are_over_counts_for_nothing() -> None:
    restarted = SyntheticEncoder(2, media_offset_seconds=-5000, first_number=100).messages(range(12, 13))
    messages = [configured("six", seconds=6)]
    messages += SyntheticEncoder(1).messages(range(13)) + SyntheticEncoder(2).messages(range(12)) + restarted
    found = status(Broadcast(messages).run(), after_seconds=27)
    assert len(found.inputs[1].sessions) == 2
    assert found.interchange.grade is Grade.NONE


def test_an_endpoint_before_its_first_slot_has_a_policy_and_nothing_else() -> None:
    found = of_endpoint(broadcast(SyntheticEncoder(1), segments=1))
    assert (found.active_input, found.since, found.last, found.next) == (None, None, None, None)
    assert found.numbers is not None
    assert found.numbers.slot_duration_seconds is None


def test_an_endpoint_that_the_decisions_do_not_know_has_not_even_that() -> None:
    fold = ChannelFold(ChannelState("c" * 32))
    found = endpoint_status(fold, endpoint_guid("six"), name="six", channel="show", active=None, now=EPOCH)
    assert (found.numbers, found.log_at) == (None, None)


def test_the_next_slot_says_what_it_waits_for() -> None:
    run = broadcast(SyntheticEncoder(1, lost={10, 11}), SyntheticEncoder(2))
    found = of_endpoint(run)
    assert found.last is not None
    assert found.next is not None
    assert (found.next.slot, found.next.step) == (found.last.slot + 1, 2)
    assert [(one.input, one.complete, one.missing) for one in found.next.inputs] == [(1, False, ("v1",)), (2, True, ())]
    assert found.next.deadline is not None
    clock = found.next.deadline[11:-1]
    assert found.next.why == f"Slot 3 waits: input 1, the active one, lacks v1, and has until {clock}."
    assert found.numbers is not None
    assert (found.numbers.slot_duration_seconds, found.numbers.tolerance_seconds) == (6, 3)
    assert (found.numbers.time_delay_seconds, found.numbers.target_duration_seconds) == (3, 7)


def test_a_held_slot_says_so() -> None:
    both = dict.fromkeys(range(9, 12), 60.0)
    found = of_endpoint(broadcast(SyntheticEncoder(1, late=both), SyntheticEncoder(2, late=both), until_seconds=29))
    assert found.next is not None
    assert found.next.step == 6
    assert "held past its deadline" in found.next.why


def test_where_redundancy_is_off_nothing_is_said_of_the_other_input() -> None:
    off = configured("six", seconds=6)
    assert isinstance(off.fact, EndpointConfigured)
    messages = [replace(off, fact=replace(off.fact, policy=PolicyKind.OFF))]
    messages += SyntheticEncoder(1, lost=set(range(9, 12))).messages(range(12)) + SyntheticEncoder(2).messages(
        range(12)
    )
    found = of_endpoint(Broadcast(messages).run(until_seconds=29))
    assert found.next is not None
    assert [one.input for one in found.next.inputs] == [1]
    assert "no other input counts, since redundancy is off" in found.next.why


def test_after_the_end_nothing_is_waited_for() -> None:
    run = broadcast(*(SyntheticEncoder(one, ended_after=11) for one in (1, 2)), until_seconds=120)
    found = of_endpoint(run)
    assert found.ended
    assert found.next is not None
    assert (found.next.deadline, found.next.looks_again_at) == (None, None)
    assert (
        found.next.why == "The programme has ended. It goes on with slot 4 or a later one once an input delivers again."
    )


@pytest.mark.parametrize(("active_input", "told"), [(1, True), (2, False)])
def test_since_when_is_told_only_of_the_input_that_is_active(active_input: int, told: bool) -> None:
    run = broadcast(SyntheticEncoder(1), SyntheticEncoder(2))
    active = ActiveInput("six", "show", active_input, EPOCH + TICKS_PER_SECOND, Reason.START, 0, 1)
    found = of_endpoint(run, active)
    assert found.active_input == 1
    assert (found.since is not None, found.reason is not None) == (told, told)


def test_looking_changes_nothing() -> None:
    run = broadcast(SyntheticEncoder(1, lost={10}), SyntheticEncoder(2))
    before = codec.encode(run.fold.state)
    status(run)
    of_endpoint(run)
    assert codec.encode(run.fold.state) == before


def with_policy(kind: PolicyKind, *, input_id: int = 1) -> Message:
    """The endpoint with a policy."""
    message = configured("six", seconds=6)
    assert isinstance(message.fact, EndpointConfigured)
    return replace(message, fact=replace(message.fact, policy=kind, policy_input=input_id))


def test_a_policy_is_told_and_when_the_preferred_input_would_be_back() -> None:
    messages = [with_policy(PolicyKind.PREFERRED)]
    messages += SyntheticEncoder(1, lost={3}).messages(range(12)) + SyntheticEncoder(2).messages(range(12))
    found = of_endpoint(Broadcast(messages).run())
    assert found.policy is not None
    assert (found.active_input, found.policy.policy, found.policy.input) == (1, PolicyKind.PREFERRED, 1)
    # Segment 3 is repaired; the hole shows when segment 4 comes, at 10.3 s.
    assert found.policy.well_since is not None
    assert found.policy.well_since.endswith(":10.300Z")
    assert found.policy.failback_from is None
    two = SyntheticEncoder(2, lost=set(range(10)))
    messages = [with_policy(PolicyKind.PREFERRED, input_id=2), *SyntheticEncoder(1).messages(range(16))]
    away = of_endpoint(Broadcast([*messages, *two.messages(range(16))]).run())
    assert away.policy is not None
    assert (away.active_input, away.policy.well_since) == (1, "2027-01-15T08:00:22.300Z")
    assert away.policy.failback_from == "2027-01-15T08:01:22.300Z"


def test_an_order_is_told_for_as_long_as_it_stands() -> None:
    ordered = Message(EPOCH + from_seconds(15.5), None, SwitchoverOrdered(endpoint_guid("six"), 2, forced=True))
    messages = [with_policy(PolicyKind.STICKY), ordered, *SyntheticEncoder(1).messages(range(12))]
    late = SyntheticEncoder(2, lost=set(range(8, 12))).messages(range(12))
    run = Broadcast([*messages, *late]).run()
    found = of_endpoint(run)
    assert found.order is not None
    assert (found.order.input, found.order.forced) == (2, True)
    assert (found.order.given_at[17:], found.order.stands_until[14:]) == ("15.500Z", "01:15.500Z")
    assert 0 < found.order.log_sequence < found.log_sequence
    later = endpoint_status(
        run.fold,
        endpoint_guid("six"),
        name="six",
        channel="show",
        active=None,
        now=run.fold.state.now + from_seconds(60),
    )
    assert later.order is None


def test_a_slot_that_waits_for_a_wanted_input_says_so() -> None:
    ordered = Message(EPOCH + from_seconds(13.5), None, SwitchoverOrdered(endpoint_guid("six"), 2))
    messages = [with_policy(PolicyKind.STICKY), ordered, *SyntheticEncoder(1).messages(range(9))]
    found = of_endpoint(Broadcast([*messages, *SyntheticEncoder(2, lag_seconds=1.1).messages(range(8))]).run())
    assert found.next is not None
    assert found.next.step == 0
    assert found.next.why == (
        "Slot 2 waits for input 2, which an operator or the policy wants followed: input 1 has completed the slot, and "
        "is taken if the other one is not in time."
    )
