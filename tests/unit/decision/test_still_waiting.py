"""Quick looks: what an endpoint waits for is what a full look finds, after every message."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.synthetic import CHANNEL, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain.channel_state import ChannelState
from understudy_domain.deciding import Decider
from understudy_domain.facts import EndpointConfigured, SwitchoverOrdered
from understudy_domain.fold import ChannelFold
from understudy_domain.policy import PolicyKind
from understudy_domain.ticks import TICKS_PER_SECOND

PLAYLISTS = ("v0.m3u8", "v1.m3u8", "v2.m3u8")
ENDPOINTS = {"two": 2.0, "six": 6.0, "twelve": 12.0}
SEGMENTS = 40


def inputs(**of_input_one: object) -> list[Message]:
    first = replace(SyntheticEncoder(1, playlists=PLAYLISTS), **of_input_one)  # type: ignore[arg-type]
    second = SyntheticEncoder(2, playlists=PLAYLISTS, lag_seconds=0.9)
    return first.messages(range(SEGMENTS)) + second.messages(range(SEGMENTS))


def ordered(name: str, *, at_seconds: float, input_id: int) -> Message:
    at = configured(name, seconds=2, at_seconds=at_seconds).instant
    return Message(at, None, SwitchoverOrdered(endpoint_guid(name), input_id))


def preferring_two(name: str, seconds: float) -> Message:
    message = configured(name, seconds=seconds)
    assert isinstance(message.fact, EndpointConfigured)
    hold_down = 10 * TICKS_PER_SECOND
    return replace(
        message,
        fact=replace(message.fact, policy=PolicyKind.PREFERRED, policy_input=2, hold_down=hold_down),
    )


PLAIN = [configured(name, seconds=seconds, delay_seconds=seconds // 6) for name, seconds in ENDPOINTS.items()]
SCHEDULES = {
    "nothing happens": PLAIN + inputs(),
    "segments are lost and late": PLAIN + inputs(lost={9, 20, 21}, late={14: 1.5, 30: 4.0}),
    "input 1 stops for a while": PLAIN + inputs(lost=set(range(12, 25))),
    "a rendition stops for a while": PLAIN + inputs(lost_of_playlist={"v1.m3u8": set(range(10, 30))}),
    "the last rendition stops for good": PLAIN + inputs(lost_of_playlist={"v2.m3u8": set(range(10, SEGMENTS))}),
    "a rendition joins and leaves": PLAIN
    + [
        message
        for input_id in (1, 2)
        for message in SyntheticEncoder(
            input_id, playlists=PLAYLISTS, lost_of_playlist={"v2.m3u8": {*range(10), *range(26, SEGMENTS)}}
        ).messages(range(SEGMENTS))
    ],
    "an endpoint changes": [*PLAIN, *inputs(), configured("two", seconds=4, revision=2, at_seconds=31.0)],
    "an order is given": [*PLAIN, *inputs(), ordered("six", at_seconds=31.0, input_id=2)],
    "an order is given while input 1 is late": [
        *PLAIN,
        *inputs(late=dict.fromkeys(range(14, 24), 2.0)),
        *(ordered(name, at_seconds=31.0, input_id=2) for name in ENDPOINTS),
    ],
    "the other input is preferred": [preferring_two(name, seconds) for name, seconds in ENDPOINTS.items()]
    + inputs(late={9: 3.0}),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_quick_look_sets_the_timer_that_a_full_look_sets(name: str) -> None:
    fold = ChannelFold(ChannelState(CHANNEL))
    for sequence, message in enumerate(sorted(SCHEDULES[name], key=lambda one: one.instant), start=1):
        fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
        if fold.state.grid is not None:
            full = [Decider(fold.state, replace(one), fold.state.grid).next_entry() for one in fold.state.endpoints]
            assert not any(answer.entry for answer in full)
            assert fold.wake_at == min((one.wake_at for one in full if one.wake_at is not None), default=None)
    assert all(one.last is not None for one in fold.state.endpoints)


def test_most_facts_take_no_full_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    full_look = Decider.next_entry

    def counting(decider: Decider) -> object:
        nonlocal looks
        looks += 1
        return full_look(decider)

    monkeypatch.setattr(Decider, "next_entry", counting)
    fold = ChannelFold(ChannelState(CHANNEL))
    messages = sorted(PLAIN + inputs(), key=lambda one: one.instant)
    for sequence, message in enumerate(messages, start=1):
        fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
    assert looks < len(messages) * len(ENDPOINTS) / 4
