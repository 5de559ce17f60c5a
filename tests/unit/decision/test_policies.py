"""Policies and orders in virtual time: who may move an endpoint besides the rule, when, and when not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry, WantedEvidence
from understudy_domain.facts import EndpointConfigured, SwitchoverOrdered
from understudy_domain.fold import ChannelFold
from understudy_domain.policy import PolicyKind
from understudy_domain.reason import CHANGES, Reason
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

SEGMENTS = 60


def with_policy(
    kind: PolicyKind,
    *,
    input_id: int = 1,
    hold_down_seconds: float = 20,
    seconds: float = 2,
    revision: int = 1,
    at_seconds: float = -1,
) -> Message:
    """The endpoint ``one`` comes to be, or changes, with a policy."""
    message = configured("one", seconds=seconds, revision=revision, at_seconds=at_seconds)
    assert isinstance(message.fact, EndpointConfigured)
    hold_down = from_seconds(hold_down_seconds)
    return replace(message, fact=replace(message.fact, policy=kind, policy_input=input_id, hold_down=hold_down))


def order(input_id: int, *, at_seconds: float, forced: bool = False) -> Message:
    """An operator orders ``one`` to switch over."""
    fact = SwitchoverOrdered(endpoint_guid("one"), input_id, forced)
    return Message(EPOCH + from_seconds(at_seconds), None, fact)


def shown(*encoders: SyntheticEncoder, commands: list[Message], segments: int = SEGMENTS) -> list[ProgramEntry]:
    """What the endpoint ``one`` publishes."""
    messages = commands + [message for encoder in encoders for message in encoder.messages(range(segments))]
    return Broadcast(messages).run(until_seconds=segments * 2 + 30).of("one")


def moves(entries: list[ProgramEntry]) -> list[tuple[float, int, Reason]]:
    """With which segment the active input changed, in seconds from the first, to which one and why."""
    return [
        (content([after])[0] * 2, after.active_input, after.reason)
        for before, after in pairwise(entries)
        if after.active_input != before.active_input
    ]


def content(entries: list[ProgramEntry]) -> list[int]:
    """The numbers of the segments shown."""
    pieces = [piece for entry in entries for piece in entry.renditions[0].pieces]
    return [round((piece.timestamp - EPOCH) % 2**33 / TICKS_PER_SECOND / 2) for piece in pieces]


def inputs_of(entries: list[ProgramEntry]) -> set[int]:
    """Which inputs' pieces were shown."""
    return {piece.input_id for entry in entries for piece in entry.renditions[0].pieces}


# --- preferred --------------------------------------------------------------------------------------------------------


def test_a_preferred_input_is_returned_to_after_the_hold_down() -> None:
    entries = shown(SyntheticEncoder(1, lost={10}), SyntheticEncoder(2), commands=[with_policy(PolicyKind.PREFERRED)])
    # Segment 11 shows the hole, at 24.3 s; the hold-down is over at 44.3 s, with the piece that ends at 44.
    assert moves(entries) == [(20, 2, Reason.FAILOVER), (42, 1, Reason.FAILBACK)]
    assert content(entries) == list(range(SEGMENTS))
    assert not any(entry.discontinuity for entry in entries)


def test_every_lapse_begins_the_hold_down_anew() -> None:
    entries = shown(
        SyntheticEncoder(1, lost={10}, late={15: 1.5}),
        SyntheticEncoder(2),
        commands=[with_policy(PolicyKind.PREFERRED)],
    )
    # Segment 15 came at 33.8 s.
    assert moves(entries) == [(20, 2, Reason.FAILOVER), (52, 1, Reason.FAILBACK)]


def test_what_is_a_little_late_is_on_time() -> None:
    entries = shown(
        SyntheticEncoder(1, lost={10}, late={15: 0.9}),
        SyntheticEncoder(2),
        commands=[with_policy(PolicyKind.PREFERRED)],
    )
    assert moves(entries)[1] == (42, 1, Reason.FAILBACK)


@pytest.mark.parametrize("behind_seconds", [0.2, 0.9, 1.5, 3.0])
def test_a_preferred_input_that_is_behind_is_waited_for_as_long_as_the_deadline_allows(behind_seconds: float) -> None:
    entries = shown(
        SyntheticEncoder(1, lost=set(range(9, 14)), lag_seconds=0.3 + behind_seconds),
        SyntheticEncoder(2),
        commands=[with_policy(PolicyKind.PREFERRED, input_id=1, seconds=6)],
    )
    failback = [entry for entry in entries if entry.reason is Reason.FAILBACK]
    if behind_seconds < 2.75:
        assert len(failback) == 1
        assert failback[0].as_of.instant - failback[0].end == from_seconds(behind_seconds)
    else:
        assert not failback
        assert {entry.active_input for entry in entries[-5:]} == {2}
    assert content(entries) == list(range(SEGMENTS))


def test_an_endpoint_begins_with_its_preferred_input() -> None:
    entries = shown(SyntheticEncoder(1), SyntheticEncoder(2), commands=[with_policy(PolicyKind.PREFERRED, input_id=2)])
    assert {entry.active_input for entry in entries} == {2}


def test_an_endpoint_does_not_wait_for_a_preferred_input_that_never_came() -> None:
    entries = shown(SyntheticEncoder(1), commands=[with_policy(PolicyKind.PREFERRED, input_id=2)])
    assert {entry.active_input for entry in entries} == {1}
    assert content(entries) == list(range(SEGMENTS))


def test_a_dead_preferred_input_delays_nothing() -> None:
    gone = set(range(30, SEGMENTS))
    entries = shown(
        SyntheticEncoder(1, lost={10, *gone}), SyntheticEncoder(2), commands=[with_policy(PolicyKind.PREFERRED)]
    )
    delays = [entry.as_of.instant - entry.end for entry in entries[32:]]
    assert moves(entries)[-1] == (60, 2, Reason.FAILOVER)
    assert set(delays) == {0}


def test_sticky_stays() -> None:
    entries = shown(SyntheticEncoder(1, lost={10}), SyntheticEncoder(2), commands=[with_policy(PolicyKind.STICKY)])
    assert moves(entries) == [(20, 2, Reason.FAILOVER)]


def test_inputs_that_do_not_continue_each_other_return_with_one_discontinuity() -> None:
    entries = shown(
        SyntheticEncoder(1, lost={10}),
        SyntheticEncoder(2, media_offset_seconds=1000, date_offset_seconds=None, content="other"),
        commands=[with_policy(PolicyKind.PREFERRED)],
    )
    assert [reason for _, _, reason in moves(entries)] == [Reason.FAILOVER, Reason.FAILBACK]
    assert sum(entry.discontinuity for entry in entries) == 2


def test_a_preferred_input_that_lacks_a_rendition_for_good_is_not_returned_to() -> None:
    two = ("high.m3u8", "low.m3u8")
    entries = shown(
        SyntheticEncoder(1, playlists=two, lost_of_playlist={"low.m3u8": set(range(20, 45))}),
        SyntheticEncoder(2, playlists=two),
        commands=[with_policy(PolicyKind.PREFERRED)],
        segments=80,
    )
    # Segment 45, at 92.3 s, has both again; the hold-down is over with the piece that ends at 112.
    assert moves(entries) == [(40, 2, Reason.FAILOVER), (110, 1, Reason.FAILBACK)]
    assert all(rendition.pieces for entry in entries for rendition in entry.renditions)


# --- pinned and off ---------------------------------------------------------------------------------------------------


def test_a_pinned_endpoint_stays_and_takes_what_it_lacks_from_the_other_input() -> None:
    entries = shown(
        SyntheticEncoder(1, lost=set(range(10, 30))), SyntheticEncoder(2), commands=[with_policy(PolicyKind.PINNED)]
    )
    assert {entry.active_input for entry in entries} == {1}
    assert inputs_of(entries) == {1, 2}
    assert content(entries) == list(range(SEGMENTS))
    assert not any(entry.discontinuity for entry in entries)


def test_a_pinned_endpoint_does_not_go_black_where_the_inputs_are_not_joinable() -> None:
    entries = shown(
        SyntheticEncoder(1, lost=set(range(10, 30))),
        SyntheticEncoder(2, layout="others"),
        commands=[with_policy(PolicyKind.PINNED)],
    )
    assert {entry.active_input for entry in entries} == {1}
    assert content(entries) == list(range(SEGMENTS))


def test_pinning_to_the_other_input_moves_there_at_once() -> None:
    entries = shown(
        SyntheticEncoder(1),
        SyntheticEncoder(2),
        commands=[
            with_policy(PolicyKind.STICKY),
            with_policy(PolicyKind.PINNED, input_id=2, revision=2, at_seconds=20.5),
        ],
    )
    assert moves(entries) == [(20, 2, Reason.SWITCHOVER)]


def test_pinning_to_a_dead_input_waits_for_it() -> None:
    entries = shown(
        SyntheticEncoder(1),
        SyntheticEncoder(2, lost=set(range(30))),
        commands=[with_policy(PolicyKind.PINNED, input_id=2)],
    )
    assert moves(entries)[0][1:] == (2, Reason.SWITCHOVER)
    assert content(entries) == list(range(SEGMENTS))


def test_without_redundancy_input_1_is_published_as_it_comes() -> None:
    entries = shown(SyntheticEncoder(1, lost={10, 11}), SyntheticEncoder(2), commands=[with_policy(PolicyKind.OFF)])
    assert inputs_of(entries) == {1}
    assert [entry.reason for entry in entries if entry.is_gap] == [Reason.GAP, Reason.GAP]
    assert content(entries) == [number for number in range(SEGMENTS) if number not in (10, 11)]


def test_without_redundancy_an_endpoint_does_not_begin_with_input_2() -> None:
    assert shown(SyntheticEncoder(2), commands=[with_policy(PolicyKind.OFF)]) == []


# --- orders -----------------------------------------------------------------------------------------------------------


def test_an_order_moves_the_endpoint_once_and_it_stays() -> None:
    entries = shown(
        SyntheticEncoder(1),
        SyntheticEncoder(2),
        commands=[with_policy(PolicyKind.STICKY), order(2, at_seconds=20.5)],
    )
    assert moves(entries) == [(20, 2, Reason.SWITCHOVER)]
    assert not any(entry.discontinuity for entry in entries)
    assert entries[-1].order_settled == entries[11].order_settled > 0


def test_an_order_that_was_carried_out_is_not_carried_out_again() -> None:
    entries = shown(
        SyntheticEncoder(1),
        SyntheticEncoder(2, lost={15}),
        commands=[with_policy(PolicyKind.STICKY), order(2, at_seconds=20.5)],
    )
    assert moves(entries) == [(20, 2, Reason.SWITCHOVER), (30, 1, Reason.FAILOVER)]


def test_an_order_to_where_the_endpoint_is_already_is_settled_at_once() -> None:
    entries = shown(
        SyntheticEncoder(1, lost={15}),
        SyntheticEncoder(2),
        commands=[with_policy(PolicyKind.STICKY), order(1, at_seconds=20.5)],
    )
    assert moves(entries) == [(30, 2, Reason.FAILOVER)]


@pytest.mark.parametrize("forced", [False, True])
def test_what_would_not_be_seamless_is_done_only_if_it_is_forced(forced: bool) -> None:
    entries = shown(
        SyntheticEncoder(1),
        SyntheticEncoder(2, configuration="other sps"),
        commands=[with_policy(PolicyKind.STICKY), order(2, at_seconds=20.5, forced=forced)],
    )
    assert moves(entries) == ([(20, 2, Reason.SWITCHOVER)] if forced else [])
    assert sum(entry.discontinuity for entry in entries) == forced


def test_an_order_that_cannot_be_carried_out_is_off_after_a_minute() -> None:
    entries = shown(
        SyntheticEncoder(1),
        SyntheticEncoder(2, lost=set(range(5, 45))),
        commands=[with_policy(PolicyKind.STICKY), order(2, at_seconds=20.5)],
    )
    assert moves(entries) == []
    assert entries[-1].order_settled > 0
    assert content(entries) == list(range(SEGMENTS))


@pytest.mark.parametrize("at", range(10, 34, 3))
def test_a_successor_carries_an_order_out_once_wherever_it_takes_over(at: int) -> None:
    encoders = (SyntheticEncoder(1), SyntheticEncoder(2, lost={15}))
    messages = [with_policy(PolicyKind.PREFERRED), order(2, at_seconds=20.5)]
    messages += [message for encoder in encoders for message in encoder.messages(range(SEGMENTS))]
    undisturbed = Broadcast(list(messages)).run().of("one")
    snapshot: list[bytes] = []

    def interrupt(one: Broadcast, sequence: int) -> None:
        if sequence == at:
            snapshot.append(codec.encode(one.fold.state))
        if sequence == at + 40 and snapshot:
            standing = {endpoint_guid("one"): one.of("one")[-1]} if one.of("one") else {}
            fold = ChannelFold(codec.decode_as(ChannelState, snapshot[0]), standing=standing)
            again = sorted(messages, key=lambda message: message.instant)[at:sequence]
            made = fold.resume()
            for number, message in enumerate(again, start=at + 1):
                made += fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=number)
            assert made == []
            one.fold = fold

    assert Broadcast(list(messages)).run(interrupt=interrupt).of("one") == undisturbed


def test_an_order_away_from_the_preferred_input_holds_for_the_hold_down() -> None:
    entries = shown(
        SyntheticEncoder(1),
        SyntheticEncoder(2),
        commands=[with_policy(PolicyKind.PREFERRED), order(2, at_seconds=50.5)],
    )
    # Input 1 was well all along; without the order's own hold-down the next slot would already go back.
    assert moves(entries) == [(50, 2, Reason.SWITCHOVER), (70, 1, Reason.FAILBACK)]


# --- orders and policies that contradict each other -------------------------------------------------------------------


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize(
    ("kind", "active"), [(PolicyKind.PINNED, 1), (PolicyKind.PINNED, 2), (PolicyKind.OFF, 1)], ids=str
)
def test_an_order_does_not_move_an_endpoint_away_from_the_one_input_it_has(
    kind: PolicyKind, active: int, forced: bool
) -> None:
    commands = [with_policy(kind, input_id=active), order(3 - active, at_seconds=20.5, forced=forced)]
    entries = shown(SyntheticEncoder(1), SyntheticEncoder(2), commands=commands)
    assert {entry.active_input for entry in entries} == {active}
    assert entries[11].order_settled == entries[-1].order_settled > 0


@pytest.mark.parametrize("policy_at", [20.6, 21.5, 40.0])
@pytest.mark.parametrize(
    ("kind", "input_id"),
    [(PolicyKind.PINNED, 1), (PolicyKind.OFF, 1), (PolicyKind.PREFERRED, 1), (PolicyKind.PREFERRED, 2)],
    ids=str,
)
def test_a_policy_withdraws_the_order_that_stands(kind: PolicyKind, input_id: int, policy_at: float) -> None:
    second = SyntheticEncoder(2, lost=set(range(9, 25)))  # the order to it cannot be carried out before 50 s
    commands = [
        with_policy(PolicyKind.STICKY),
        order(2, at_seconds=20.5),
        with_policy(kind, input_id=input_id, hold_down_seconds=80, revision=2, at_seconds=policy_at),
    ]
    entries = shown(SyntheticEncoder(1), second, commands=commands)
    assert moves(entries) == []
    settled_at = next(entry.as_of.instant for entry in entries if entry.order_settled)
    assert 0 <= settled_at - EPOCH - from_seconds(policy_at) <= from_seconds(4)


def test_a_revision_with_the_same_policy_leaves_the_order_standing() -> None:
    commands = [
        with_policy(PolicyKind.STICKY),
        order(2, at_seconds=20.5),
        with_policy(PolicyKind.STICKY, hold_down_seconds=5, revision=2, at_seconds=21),
    ]
    entries = shown(SyntheticEncoder(1), SyntheticEncoder(2, lost=set(range(9, 20))), commands=commands)
    assert [(input_id, reason) for _, input_id, reason in moves(entries)] == [(2, Reason.SWITCHOVER)]


def test_an_order_to_one_input_and_a_pin_to_the_other_at_once_end_with_the_pin() -> None:
    commands = [
        with_policy(PolicyKind.PINNED, input_id=2),
        order(1, at_seconds=20.5),
        with_policy(PolicyKind.STICKY, revision=2, at_seconds=20.4),
        with_policy(PolicyKind.PINNED, input_id=2, revision=3, at_seconds=20.6),
    ]
    entries = shown(SyntheticEncoder(1), SyntheticEncoder(2), commands=commands)
    assert moves(entries)[1:] == []
    assert entries[-1].active_input == 2


def test_an_order_that_is_not_forced_does_not_hold_up_a_pin() -> None:
    commands = [
        with_policy(PolicyKind.STICKY),
        with_policy(PolicyKind.PINNED, input_id=2, revision=2, at_seconds=20.5),
        order(2, at_seconds=20.6),
    ]
    entries = shown(SyntheticEncoder(1), SyntheticEncoder(2, configuration="other sps"), commands=commands)
    assert moves(entries) == [(20, 2, Reason.SWITCHOVER)]


def test_an_order_from_before_the_policy_does_not_begin_its_hold_down() -> None:
    commands = [
        with_policy(PolicyKind.STICKY),
        order(2, at_seconds=50.5),
        with_policy(PolicyKind.PREFERRED, input_id=1, revision=2, at_seconds=54.5),
    ]
    entries = shown(SyntheticEncoder(1), SyntheticEncoder(2), commands=commands)
    # Input 1 was well for longer than the hold-down when the policy came, which asks for nothing else.
    assert moves(entries) == [(50, 2, Reason.SWITCHOVER), (54, 1, Reason.FAILBACK)]


@pytest.mark.parametrize("forced", [False, True])
def test_no_order_moves_an_endpoint_to_where_the_rule_would_not_stay(forced: bool) -> None:
    two = ("high.m3u8", "low.m3u8")
    entries = shown(
        SyntheticEncoder(1, playlists=two),
        SyntheticEncoder(2, playlists=two, lost_of_playlist={"low.m3u8": set(range(5, SEGMENTS))}),
        commands=[with_policy(PolicyKind.STICKY), order(2, at_seconds=40.5, forced=forced)],
    )
    assert moves(entries) == []


@pytest.mark.parametrize("at", range(10, 60, 7))
def test_a_successor_withdraws_the_same_order_wherever_it_takes_over(at: int) -> None:
    encoders = (SyntheticEncoder(1), SyntheticEncoder(2, lost=set(range(9, 13))))
    messages = [
        with_policy(PolicyKind.STICKY),
        order(2, at_seconds=20.5),
        with_policy(PolicyKind.PREFERRED, hold_down_seconds=5, revision=2, at_seconds=23),
    ]
    messages += [message for encoder in encoders for message in encoder.messages(range(SEGMENTS))]
    undisturbed = Broadcast(list(messages)).run().of("one")

    def interrupt(one: Broadcast, sequence: int) -> None:
        if sequence == at:
            standing = {endpoint_guid("one"): one.of("one")[-1]} if one.of("one") else {}
            one.fold = ChannelFold(codec.decode_as(ChannelState, codec.encode(one.fold.state)), standing=standing)

    assert moves(undisturbed) == []
    assert Broadcast(list(messages)).run(interrupt=interrupt).of("one") == undisturbed


# --- evidence ---------------------------------------------------------------------------------------------------------


def test_an_entry_says_when_a_change_was_ordered_and_what_a_failback_waited_for() -> None:
    entries = shown(
        SyntheticEncoder(1),
        SyntheticEncoder(2),
        commands=[with_policy(PolicyKind.PREFERRED), order(2, at_seconds=50.5)],
    )
    ordered, returned = (entry.evidence.wanted for entry in entries if entry.reason in CHANGES)
    at = EPOCH + from_seconds(50.5)
    assert ordered == WantedEvidence(2, Reason.SWITCHOVER, forced=False, continues=True, since=at)
    assert returned is not None
    assert (returned.reason, returned.since, returned.hold_down) == (Reason.FAILBACK, at, from_seconds(20))
    assert all(entry.evidence.wanted is None for entry in entries if entry.reason is Reason.KEEP)


def test_an_entry_says_that_another_input_was_wanted_and_did_not_come_to_it() -> None:
    entries = shown(
        SyntheticEncoder(1),
        SyntheticEncoder(2, configuration="other sps"),
        commands=[with_policy(PolicyKind.STICKY), order(2, at_seconds=20.5)],
    )
    wanted = [entry.evidence.wanted for entry in entries if entry.evidence.wanted is not None]
    assert len(wanted) == 30  # those of a minute
    assert {(one.input_id, one.forced, one.continues) for one in wanted} == {(2, False, False)}
