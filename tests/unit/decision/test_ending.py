"""The end of a programme, in virtual time (failover rule, The end of a programme)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from support.endings import slots_of
from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.ending import EndRefusal, refusal
from understudy_domain.entry import ProgramEntry
from understudy_domain.entry_events import entry_events
from understudy_domain.facts import EndpointConfigured, PlaylistArrived, ProgramEndOrdered
from understudy_domain.fold import ChannelFold
from understudy_domain.policy import PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds
from understudy_domain.words import clock

NAMES = ["two", "six", "delayed"]
ENDPOINTS = [
    configured("two", seconds=2),
    configured("six", seconds=6),
    configured("delayed", seconds=2, delay_seconds=30),
]
TARGET_DURATION = {"two": 3, "six": 7, "delayed": 3}
LAG = 0.3
LAST = 19
"""Segments 0 to 19: content ends at 40 s, its playlist comes 0.31 s later."""
ENDED = 2.0 * (LAST + 1) + LAG + 0.01


def encoder(input_id: int, *, ends: bool = True, last: int = LAST, lag: float = LAG) -> list[Message]:
    """What an encoder sends up to its last segment."""
    one = SyntheticEncoder(input_id, ended_after=last if ends else None, lag_seconds=lag)
    return one.messages(range(last + 1))


def again(input_id: int, first: int, last: int = 60, *, ends: bool = False) -> list[Message]:
    """An epoch-locked encoder that starts again."""
    return SyntheticEncoder(input_id, ended_after=last if ends else None).messages(range(first, last + 1))


def ordered(seconds: float) -> Message:
    """An operator's order."""
    return Message(EPOCH + from_seconds(seconds), None, ProgramEndOrdered())


def run(*messages: Sequence[Message], until: float = 200.0) -> Broadcast:
    """Play everything, and let time pass."""
    return Broadcast([*ENDPOINTS, *(one for part in messages for one in part)]).run(until_seconds=until)


def ends(entries: list[ProgramEntry]) -> list[tuple[int, float]]:
    """(media sequence, seconds since the broadcast began) of each end."""
    return [
        (one.media_sequence, round((one.as_of.instant - EPOCH) / TICKS_PER_SECOND, 2)) for one in entries if one.ended
    ]


def numbers(entries: list[ProgramEntry]) -> list[int]:
    """Media sequence numbers of the slots."""
    return [one.media_sequence for one in slots_of(entries)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("first", "second", "ended"),
    [
        (encoder(1), encoder(2), ENDED),
        (encoder(1), [], ENDED),
        ([], encoder(2), ENDED),
        (encoder(1), encoder(2, lag=3.3), ENDED + 3.0),
        (encoder(1, last=10), encoder(2), ENDED),
        (encoder(1), encoder(2, last=10), ENDED),
        (encoder(1), encoder(2, last=10, ends=False), ENDED),
        (encoder(1, last=10, ends=False), encoder(2), ENDED),
        (encoder(1), encoder(2, ends=False), ENDED),
        # The active input crashed with the last segment: the other one, which ended, had all that it had.
        (encoder(1, ends=False), encoder(2), ENDED),
    ],
    ids=[
        "both in step",
        "input 1 alone",
        "input 2 alone",
        "the other is 3 s behind",
        "the active one first",
        "the other one first",
        "the other one crashed long before",
        "the active one crashed long before",
        "the other one crashes at the end",
        "the active one crashes at the end",
    ],
)
def test_it_ends_three_target_durations_after_the_last_that_was_heard(
    name: str, first: list[Message], second: list[Message], ended: float
) -> None:
    shown = run(first, second).of(name)
    slots = slots_of(shown)
    assert sum(len(slot.renditions[0].pieces) for slot in slots) == LAST + 1
    # With a long delay what the active input lacked is decided later than that.
    published = (slots[-1].as_of.instant - EPOCH) / TICKS_PER_SECOND
    assert ends(shown) == [(slots[-1].media_sequence, round(max(ended + 3 * TARGET_DURATION[name], published), 2))]
    assert shown[-1].ended
    assert shown[-1].evidence.inputs[0].input_id == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (encoder(1, ends=False), encoder(2, ends=False)),
        (encoder(1, ends=False), []),
        (encoder(1), encoder(2, last=40, ends=False)),
        (encoder(1, last=40, ends=False), encoder(2)),
        (encoder(1), encoder(2, last=90)),
    ],
    ids=[
        "both crash",
        "one alone crashes",
        "the active one ends, and the other crashes later",
        "the other ends, and the active one crashes later",
        "the other goes on",
    ],
)
def test_it_stays_live_where_an_encoder_crashed_or_goes_on(
    name: str, first: list[Message], second: list[Message]
) -> None:
    shown = run(first, second, until=180.0).of(name)
    assert ends(shown) == []
    assert numbers(shown) == list(range(len(shown)))


@pytest.mark.parametrize("name", NAMES)
def test_an_input_that_starts_again_in_time_keeps_it_live(name: str) -> None:
    shown = run(encoder(1), encoder(2), again(2, first=22)).of(name)
    assert ends(shown) == []
    assert len(slots_of(shown)) > 40 // TARGET_DURATION[name]


@pytest.mark.parametrize("name", NAMES)
def test_an_input_that_starts_again_too_late_makes_it_live_again(name: str) -> None:
    shown = run(encoder(1), encoder(2), again(2, first=45)).of(name)
    assert [sequence for sequence, _ in ends(shown)] == [40 // (TARGET_DURATION[name] - 1) - (name != "six")]
    assert numbers(shown) == list(range(len(numbers(shown))))
    after = shown[[one.ended for one in shown].index(True) + 1]
    before = next(one for one in shown if one.ended)
    assert after.media_sequence == before.media_sequence + 1
    assert after.start == before.end + from_seconds(90 - 40)
    assert after.discontinuity
    assert after.available_at > before.available_at


@pytest.mark.parametrize("first", [31, 32, 33, 36])
def test_the_pause_is_no_programme_and_is_not_filled_with_gaps_however_short_it_was(first: int) -> None:
    shown = run(encoder(1), encoder(2), again(1, first)).of("six")
    (end,) = [number for number, one in enumerate(shown) if one.ended]
    assert not any(one.is_gap for one in shown)
    assert shown[end + 1].discontinuity
    assert sum(one.discontinuity for one in shown) == 1


def test_it_can_end_and_live_any_number_of_times() -> None:
    lives = [encoder(1), again(1, 40, 60, ends=True), again(1, 80, 100, ends=True)]
    shown = run(*lives, until=300.0).of("two")
    assert len(ends(shown)) == 3
    assert numbers(shown) == list(range(len(numbers(shown))))


def test_a_playlist_that_goes_on_cancels_the_end() -> None:
    resumed = PlaylistArrived("channel_1.m3u8", from_seconds(2), LAST, ())
    shown = run(encoder(1), [Message(EPOCH + from_seconds(ENDED + 5), 1, resumed)]).of("two")
    assert ends(shown) == []


def test_a_playlist_that_ends_again_is_no_second_end() -> None:
    fact = PlaylistArrived("channel_1.m3u8", from_seconds(2), LAST, (), ended=True)
    messages = [Message(EPOCH + from_seconds(ENDED + seconds), 1, fact) for seconds in (2, 30, 60)]
    shown = run(encoder(1), messages).of("two")
    assert [at for _, at in ends(shown)] == [round(ENDED + 9, 2)]


def test_a_segment_behind_the_end_is_the_beginning_of_more() -> None:
    """Its playlist comes a moment later: in between nothing must be taken for the short rest of a programme."""
    playlists = ("high.m3u8", "low.m3u8")
    first = SyntheticEncoder(1, playlists=playlists, ended_after=LAST).messages(range(LAST + 1))
    more = SyntheticEncoder(1, playlists=playlists).messages(range(LAST + 2, LAST + 6))
    slots = slots_of(run(first, more, until=60.0).of("two"))
    assert not any(slot.reason is Reason.PARTIAL for slot in slots)
    assert len(slots) == LAST + 6


def test_a_segment_that_its_ended_playlist_overtook_is_the_last_one() -> None:
    messages = encoder(1)
    *before, segment, playlist = messages
    late = [playlist, replace(segment, instant=playlist.instant + from_seconds(1))]
    shown = run(before, late).of("two")
    assert [at for _, at in ends(shown)] == [round(ENDED + 1 + 9, 2)]
    assert sum(len(slot.renditions[0].pieces) for slot in slots_of(shown)) == LAST + 1


def test_no_programme_ends_that_never_began() -> None:
    endless = Broadcast([*ENDPOINTS, ordered(1.0)]).run(until_seconds=100)
    assert endless.entries == {}


@pytest.mark.parametrize(
    ("policy", "ended"),
    [(PolicyKind.STICKY, []), (PolicyKind.PINNED, []), (PolicyKind.OFF, [round(ENDED + 9, 2)])],
)
def test_without_redundancy_input_1_alone_counts(policy: PolicyKind, ended: list[float]) -> None:
    fact = EndpointConfigured(endpoint_guid("e"), from_seconds(2), 0, 1, policy=policy)
    messages = [Message(EPOCH - 1, None, fact), *encoder(1), *encoder(2, last=90)]
    shown = Broadcast(messages).run(until_seconds=170).of("e")
    assert [at for _, at in ends(shown)] == ended
    assert len(slots_of(shown)) == (LAST + 1 if ended else 91)


# --- by order ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["two", "six"])
def test_an_order_ends_it_at_once_where_both_inputs_have_ended(name: str) -> None:
    shown = run(encoder(1, last=17), encoder(2, last=17), [ordered(39.0)]).of(name)
    assert [at for _, at in ends(shown)] == [39.0]


@pytest.mark.parametrize("name", NAMES)
def test_an_order_ends_it_where_encoders_crashed(name: str) -> None:
    shown = run(encoder(1, ends=False), encoder(2, ends=False), [ordered(100.0)]).of(name)
    assert [at for _, at in ends(shown)] == [100.0]
    assert sum(len(slot.renditions[0].pieces) for slot in slots_of(shown)) == LAST + 1


def test_an_end_says_whether_it_was_ordered() -> None:
    late = run(encoder(1, ends=False), encoder(2), [ordered(100.0)]).of("delayed")[-1]
    assert (late.ended, late.evidence.end_ordered_at) == (True, None)  # it had ended by itself before
    crashed = run(encoder(1, ends=False), encoder(2, ends=False), [ordered(100.0)]).of("two")[-1]
    assert (crashed.ended, crashed.evidence.end_ordered_at) == (True, EPOCH + from_seconds(100.0))
    (told,) = entry_events(crashed, before=None)
    assert told.words.endswith(f", by an operator's order of {clock(EPOCH + from_seconds(100.0))}.")


@pytest.mark.parametrize("seconds", [20.0, 41.0])
def test_an_order_is_void_while_an_input_delivers(seconds: float) -> None:
    shown = run(encoder(1), encoder(2, last=40, ends=False), [ordered(seconds)]).of("two")
    assert ends(shown) == []


def test_what_arrives_after_an_order_takes_it_back() -> None:
    shown = run(encoder(1, ends=False), [ordered(60.0)], again(1, first=45, last=50), until=300.0).of("two")
    assert [at for _, at in ends(shown)] == [60.0]
    assert not shown[-1].ended


@pytest.mark.parametrize(
    ("messages", "at", "refused"),
    [
        ([], 0.0, EndRefusal.NOTHING_PUBLISHED_YET),
        ([*encoder(1), *encoder(2)], 40.31, None),
        ([*encoder(1), *encoder(2, ends=False)], 41.0, EndRefusal.STILL_DELIVERING),
        # Dead: nothing for 3 S_in and 1 s.
        ([*encoder(1), *encoder(2, ends=False)], 47.31, None),
        ([*encoder(1, ends=False), *encoder(2, ends=False)], 47.3 - 1 / 90_000, EndRefusal.STILL_DELIVERING),
        ([*encoder(1, ends=False), *encoder(2, ends=False)], 47.3, None),
    ],
)
def test_an_order_is_judged_before_it_is_given(messages: list[Message], at: float, refused: EndRefusal | None) -> None:
    state = Broadcast([*ENDPOINTS, *messages]).run().fold.state
    found = refusal(state, EPOCH + from_seconds(at))
    assert (found[0] if found is not None else None) == refused


@pytest.mark.parametrize(
    ("first_ends", "told"),
    [
        (False, "input 1 and input 2 are still delivering: stop what pushes there first"),
        (True, "input 2 is still delivering: stop what pushes there first"),
    ],
)
def test_a_refusal_names_the_inputs_that_deliver(first_ends: bool, told: str) -> None:
    state = Broadcast([*ENDPOINTS, *encoder(1, ends=first_ends), *encoder(2, ends=False)]).run().fold.state
    found = refusal(state, state.now)
    assert found is not None
    assert found[1] == told


# --- whoever decides --------------------------------------------------------------------------------------------------


def test_a_successor_tells_the_same_end_once() -> None:
    messages = sorted([*ENDPOINTS, *encoder(1), *encoder(2), *again(2, first=45)], key=lambda one: one.instant)
    whole = Broadcast(messages).run(until_seconds=300)
    for taken_over_at in range(0, len(messages), 3):
        first = Broadcast(messages[:taken_over_at]).run()
        state = codec.decode_as(ChannelState, codec.encode(first.fold.state))
        for standing in (first, whole):
            last = {guid: entries[-1] for guid, entries in standing.entries.items()}
            fold = ChannelFold(codec.decode_as(ChannelState, codec.encode(state)), standing=last)
            made = fold.resume()
            for sequence, message in enumerate(messages[taken_over_at:], start=taken_over_at + 1):
                made += fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
            made += fold.pass_time(EPOCH + from_seconds(300))
            for name in NAMES:
                mine = [one for one in made if one.origin_endpoint == endpoint_guid(name)]
                assert mine == whole.of(name)[len(standing.of(name)) :]


def test_a_successor_goes_on_from_an_end_that_stands() -> None:
    """The last entry of all is the end: what came before may be gone from PROGRAM."""
    messages = sorted([*ENDPOINTS, *encoder(1), *encoder(2), *again(2, first=45)], key=lambda one: one.instant)
    whole = Broadcast(messages).run(until_seconds=300)
    for name in NAMES:
        shown = whole.of(name)
        position = [one.ended for one in shown].index(True)
        fold = ChannelFold(ChannelState("c" * 32), standing={endpoint_guid(name): shown[position]})
        made: list[ProgramEntry] = []
        for sequence, message in enumerate(messages, start=1):
            made += fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
        made += fold.pass_time(EPOCH + from_seconds(300))
        assert [one for one in made if one.origin_endpoint == endpoint_guid(name)] == shown[position + 1 :]
