"""Renditions that come and go in a channel's life."""

from __future__ import annotations

import pytest

from support.synthetic import CHANNEL, Broadcast, Message, SyntheticEncoder, configured, numbers_of
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.fold import ChannelFold
from understudy_domain.reason import Reason

HIGH, LOW, MORE = "high.m3u8", "low.m3u8", "more.m3u8"
ENDPOINTS = [
    configured("two", seconds=2),
    configured("six", seconds=6),
    configured("delayed", seconds=4, delay_seconds=30),
]
NAMES = ["two", "six", "delayed"]
SEGMENTS = 60


def encoder(
    input_id: int, *playlists: str, first: int = 0, last: int = SEGMENTS, **more: object
) -> tuple[SyntheticEncoder, range]:
    """One, and which segments it delivers."""
    return SyntheticEncoder(input_id, playlists=playlists, **more), range(first, last)  # type: ignore[arg-type]


def broadcast(*encoders: tuple[SyntheticEncoder, range]) -> Broadcast:
    """Run to the end."""
    messages: list[Message] = list(ENDPOINTS)
    for one, numbers in encoders:
        messages += one.messages(numbers)
    return Broadcast(messages).run(until_seconds=SEGMENTS * 2 + 60)


def named(entry: ProgramEntry) -> list[str]:
    """The renditions of an entry."""
    return [one.rendition for one in entry.renditions]


def unbroken(entries: list[ProgramEntry], rendition: str = "v1") -> bool:
    """Nothing of a rendition is missing, and nothing out of the ordinary happened."""
    numbers = numbers_of(entries, rendition)
    quiet = {entry.reason for entry in entries} <= {Reason.START, Reason.KEEP, Reason.FAILOVER}
    return numbers == list(range(numbers[0], numbers[-1] + 1)) and quiet and not any(e.discontinuity for e in entries)


@pytest.mark.parametrize("name", NAMES)
def test_a_rendition_that_both_inputs_send_from_some_time_on_joins_without_a_wait_or_a_switch(name: str) -> None:
    both = [[encoder(one, HIGH, LOW), encoder(one, MORE, first=20)] for one in (1, 2)]
    entries = broadcast(*both[0], *both[1]).of(name)
    assert unbroken(entries)
    assert unbroken(entries, "v3")
    assert numbers_of(entries, "v3")[0] in range(20, 24)
    assert numbers_of(entries, "v3")[-1] == numbers_of(entries, "v1")[-1]
    assert {entry.active_input for entry in entries} == {1}
    assert named(entries[0]) == ["v1", "v2"]
    assert named(entries[-1]) == ["v1", "v2", "v3"]
    waited = [entry.as_of.instant - entry.end for entry in entries[2:]]
    assert max(waited) - min(waited) < 90_000


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first", [1, 2])
def test_a_rendition_that_one_encoder_sends_first_moves_nobody(name: str, first: int) -> None:
    run = broadcast(
        encoder(1, HIGH, LOW), encoder(2, HIGH, LOW), encoder(first, MORE, first=10), encoder(3 - first, MORE, first=30)
    )
    entries = run.of(name)
    assert unbroken(entries)
    assert {entry.active_input for entry in entries} == {1}
    assert numbers_of(entries, "v3")[0] in range(30, 34)


@pytest.mark.parametrize("name", NAMES)
def test_a_rendition_that_nobody_sends_any_more_leaves_the_line_up(name: str) -> None:
    both = [[encoder(one, HIGH, LOW), encoder(one, MORE, last=20)] for one in (1, 2)]
    entries = broadcast(*both[0], *both[1]).of(name)
    assert numbers_of(entries, "v1") == list(range(numbers_of(entries, "v1")[-1] + 1))
    assert numbers_of(entries, "v3") == list(range(20))
    assert named(entries[-1]) == ["v1", "v2"]
    assert not any(entry.discontinuity or entry.is_gap for entry in entries)


@pytest.mark.parametrize(("configuration", "back_as"), [("sps", "v3"), ("another", "v4")])
def test_one_that_comes_back_has_its_old_number_only_if_it_is_the_same(configuration: str, back_as: str) -> None:
    both = [
        [
            encoder(one, HIGH, LOW),
            encoder(one, MORE, last=15),
            encoder(one, MORE, first=35, configuration=configuration),
        ]
        for one in (1, 2)
    ]
    entries = broadcast(*both[0], *both[1]).of("two")
    assert numbers_of(entries, "v1") == list(range(numbers_of(entries, "v1")[-1] + 1))
    assert not any(entry.discontinuity or entry.is_gap for entry in entries)
    assert named(entries[30]) == ["v1", "v2"]
    assert named(entries[-1]) == ["v1", "v2", back_as]
    assert numbers_of(entries, back_as)[-1] == numbers_of(entries, "v1")[-1]
    assert len({one.configuration for e in entries for one in e.renditions if one.rendition == "v3"}) == 1


def test_a_rendition_of_a_dead_input_is_not_waited_for_when_the_living_one_has_a_new_one() -> None:
    entries = broadcast(encoder(1, HIGH, LOW), encoder(2, HIGH, LOW, last=20), encoder(1, MORE, first=22)).of("two")
    assert unbroken(entries)
    assert numbers_of(entries, "v3")[0] in range(22, 30)


@pytest.mark.parametrize("cut", range(104, 420, 31))
def test_a_successor_goes_on_through_a_change_of_the_line_up(cut: int) -> None:
    both = [[encoder(one, HIGH, LOW), encoder(one, MORE, first=10, last=25)] for one in (1, 2)]
    whole = broadcast(*both[0], *both[1])

    def restart(run: Broadcast, sequence: int) -> None:
        if sequence == cut:
            standing = {guid: entries[-1] for guid, entries in run.entries.items()}
            state = codec.decode_as(ChannelState, codec.encode(run.fold.state))
            run.fold = ChannelFold(state, standing=standing)
            assert run.fold.resume() == []

    messages = [*ENDPOINTS, *(message for pairs in both for one, numbers in pairs for message in one.messages(numbers))]
    again = Broadcast(messages, fold=ChannelFold(ChannelState(CHANNEL))).run(
        until_seconds=SEGMENTS * 2 + 60, interrupt=restart
    )
    assert again.entries == whole.entries
