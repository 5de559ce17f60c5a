"""Defects of the decision core that the simulation found, each as small as it gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured
from understudy_domain import failover
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import PlaylistArrived, SegmentArrived
from understudy_domain.failover import GoOn, InputView, PublishGap, SlotView
from understudy_domain.slots import SlotDelivery, begun_together
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds


def numbers(entries: list[ProgramEntry]) -> list[int]:
    return [
        round((piece.timestamp - EPOCH) % 2**33 / TICKS_PER_SECOND / 2)
        for entry in entries
        for piece in entry.renditions[0].pieces
    ]


def test_no_gap_is_longer_than_the_target_duration() -> None:
    lost = {15, 16, 17, 18, 19}
    messages = [configured("four", seconds=4)]
    for input_id in (1, 2):
        messages += SyntheticEncoder(input_id, lost=lost).messages(range(40))
    shown = Broadcast(messages).run(until_seconds=120).of("four")
    assert any(entry.is_gap for entry in shown)
    assert all(entry.end - entry.start <= entry.target_duration_seconds * TICKS_PER_SECOND for entry in shown)
    assert numbers(shown) == [number for number in range(40) if number not in lost]


def test_an_encoder_that_was_silent_is_the_same_when_it_comes_back_although_it_sends_no_dates() -> None:
    silent = SyntheticEncoder(1, date_offset_seconds=None, lost=set(range(10, 20)))
    messages = [configured("two", seconds=2), *silent.messages(range(40))]
    run = Broadcast(messages).run(until_seconds=120)
    assert len(run.fold.state.input(1).sessions) == 1
    assert numbers(run.of("two")) == [number for number in range(40) if not 10 <= number < 20]


def test_what_one_input_has_whole_is_not_hidden_behind_what_the_other_lacks_a_rendition_of() -> None:
    playlists = ("high.m3u8", "low.m3u8")
    first = SyntheticEncoder(1, playlists=playlists, lost_of_playlist={"low.m3u8": {24, 25, 26}}, lost={28})
    second = SyntheticEncoder(2, playlists=playlists, lost={24, 26, 28})
    messages = [configured("twelve", seconds=12), *first.messages(range(48)), *second.messages(range(48))]
    shown = Broadcast(messages).run(until_seconds=140).of("twelve")
    for rendition in (0, 1):
        held = {piece.object_key for entry in shown for piece in entry.renditions[rendition].pieces}
        assert any(f"{('high', 'low')[rendition]}/25-" in key and "media/2/" in key for key in held)


def test_a_delivery_that_is_changed_to_and_has_nothing_left_in_one_rendition_is_not_complete() -> None:
    delivery = SlotDelivery(1, complete=True, missing=(), pieces={"v1": (), "a1": ()}, completed_at=1)
    assert not begun_together(delivery).complete


def test_a_slot_that_the_slower_input_may_still_deliver_is_not_passed_over() -> None:
    def view(input_id: int, *, lag_seconds: float, next_slot: int | None) -> InputView:
        return InputView(
            input_id=input_id,
            complete=False,
            completed_at=None,
            first_piece_at=None,
            first_piece_renditions=0,
            lag=from_seconds(lag_seconds),
            dead_at=from_seconds(1000),
            has_ended=False,
            is_overdue=True,
            next_slot=next_slot,
        )

    two = from_seconds(2)
    slot = SlotView(
        slot=10,
        end=11 * two,
        slot_duration=two,
        time_delay=0,
        active=view(1, lag_seconds=0.3, next_slot=17),
        other=view(2, lag_seconds=3.3, next_slot=None),
    )
    # Input 2 is owed slot k until 2 (k + 1) + 4.3 s.
    assert failover.decide(slot, now=from_seconds(34.2)) == GoOn(14)
    assert failover.decide(slot, now=from_seconds(34.4)) == GoOn(15)
    assert failover.decide(slot, now=from_seconds(32.2)) == PublishGap()


def test_an_encoder_that_catches_up_after_losses_is_the_same_although_it_sends_no_dates() -> None:
    late = {10: 8.8, 11: 6.8}
    catching_up = SyntheticEncoder(1, date_offset_seconds=None, lost={12, 13, 14}, late=late)
    messages = [configured("two", seconds=2), *catching_up.messages(range(40))]
    run = Broadcast(messages).run(until_seconds=120)
    # Segment 15 ends 8 s after 11 and comes 1.2 s after it: a jump, and yet just when it was due.
    assert len(run.fold.state.input(1).sessions) == 1


def test_filler_that_an_encoder_lists_in_its_second_life_is_not_taken_for_its_namesake_of_the_first() -> None:
    first = SyntheticEncoder(1, date_offset_seconds=None, ended_after=9)
    second = SyntheticEncoder(
        1, date_offset_seconds=None, media_offset_seconds=-1000, content="later", first_number=-20
    )
    messages = [configured("two", seconds=2), *first.messages(range(10))]
    for message in second.messages(range(20, 30)):
        fact, instant = message.fact, message.instant
        if isinstance(fact, PlaylistArrived):  # listed before it is uploaded, as filler
            line = replace(fact.lines[0], gap=fact.lines[0].path.endswith("00002.ts"))
            fact, instant = replace(fact, lines=(line,)), instant - from_seconds(0.02)
        messages.append(replace(message, fact=fact, instant=instant))
    shown = Broadcast(messages).run(until_seconds=120).of("two")
    keys = [piece.object_key for entry in shown for piece in entry.renditions[0].pieces]
    assert any("/2-" in key for key in keys)
    assert not any("/22-" in key for key in keys)
    assert any("/23-" in key for key in keys)


def lives(*, dated: bool, media_offset_seconds: float, ahead: bool, counts_on: bool) -> list[Message]:
    """Two lives of one encoder under the same names, the first one killed; playlists ahead of their segments or not.

    The third segment's line of the first life was never read, the one of the second life says that it is filler.
    """
    date = 0.0 if dated else None
    first = SyntheticEncoder(1, date_offset_seconds=date).messages(range(10))
    second = SyntheticEncoder(
        1,
        date_offset_seconds=date,
        media_offset_seconds=media_offset_seconds,
        content="later",
        first_number=-20,
        ended_after=29,
    ).messages(range(20, 30))
    messages = [configured("four", seconds=4)]
    messages += [one for one in first if not (isinstance(one.fact, PlaylistArrived) and one.fact.media_sequence == 2)]
    for message in second:
        fact, instant = message.fact, message.instant
        if isinstance(fact, PlaylistArrived):
            sequence = fact.media_sequence - (0 if counts_on else 20)
            gap = fact.lines[0].path.endswith(("00002.ts", "00003.ts"))
            line = replace(fact.lines[0], gap=gap, source_sequence=sequence)
            fact, instant = (
                replace(fact, media_sequence=sequence, lines=(line,)),
                instant - from_seconds(0.02 if ahead else 0.0),
            )
        messages.append(replace(message, fact=fact, instant=instant))
    return messages


@pytest.mark.parametrize("media_offset_seconds", [0.0, -1000.0], ids=["one session", "another session"])
@pytest.mark.parametrize("dated", [True, False], ids=["with dates", "without dates"])
@pytest.mark.parametrize("ahead", [True, False], ids=["playlist first", "segment first"])
@pytest.mark.parametrize("counts_on", [True, False], ids=["numbers going on", "numbers from zero"])
def test_lines_of_an_encoder_that_was_killed_and_restarted_are_of_its_new_segments(
    counts_on: bool, ahead: bool, dated: bool, media_offset_seconds: float
) -> None:
    log = lives(dated=dated, media_offset_seconds=media_offset_seconds, ahead=ahead, counts_on=counts_on)
    run = Broadcast(log).run(until_seconds=120)
    keys = {piece.object_key for entry in run.of("four") for piece in entry.renditions[0].pieces}
    found = {int(key.split("/")[-1].split("-")[0]) for key in keys}
    assert found == {*range(10), *range(20, 30)} - {22, 23}
    assert run.of("four")[-1].ended


def told_late(*media_offsets_seconds: float) -> Broadcast:
    """The first segments of a second rendition arrive, and for long no playlist lists them.

    The encoder is started anew every 20 s, with these timestamps, before any does.
    """
    messages = [configured("two", seconds=2), configured("six", seconds=6, delay_seconds=20)]
    playlists, listed = ("high.m3u8", "low.m3u8"), list[Message]()
    for number, offset in enumerate(media_offsets_seconds):
        encoder = SyntheticEncoder(
            1,
            playlists=playlists,
            media_offset_seconds=offset,
            content=f"of life {number}",
            lost_of_playlist={"low.m3u8": set(range(6, 60))},
        )
        for message in encoder.messages(range(10 * number, 10 * number + 10)):
            is_list = isinstance(message.fact, PlaylistArrived) and message.fact.path == "low.m3u8"
            (listed if is_list else messages).append(message)
    last = EPOCH + from_seconds(20 * len(media_offsets_seconds) - 1)
    messages += [replace(message, instant=last) for message in listed]
    return Broadcast(messages).run(until_seconds=120)


@pytest.mark.parametrize("media_offsets_seconds", [(0, 0, 0), (0, 0, -1000), (0, -1000, -2000)])
def test_segments_that_are_listed_long_after_they_came_are_no_restart_of_their_encoder(
    media_offsets_seconds: tuple[float, ...],
) -> None:
    run = told_late(*media_offsets_seconds)
    restarts = len(set(media_offsets_seconds)) - 1
    assert len(run.fold.state.input(1).sessions) == min(1 + restarts, 2)
    assert [entry.discontinuity for entry in run.of("two")].count(True) == restarts
    assert len({piece.object_key for entry in run.of("two") for piece in entry.renditions[0].pieces}) == 30


def test_a_restarted_encoder_goes_on_where_it_was_although_the_other_one_is_behind() -> None:
    before = SyntheticEncoder(1, lag_seconds=0.3)
    after = replace(before, media_offset_seconds=-1000, content="later")
    behind = SyntheticEncoder(2, lag_seconds=3.3)
    messages = [configured("two", seconds=2), *before.messages(range(10)), *after.messages(range(11, 30))]
    shown = Broadcast([*messages, *behind.messages(range(30))]).run(until_seconds=120).of("two")
    keys = [entry.renditions[0].pieces[0].object_key for entry in shown]
    # What it lacks comes from the other one, which is followed from there on: nothing is lost, or shown twice.
    assert [key.split("/")[1] for key in keys] == ["1"] * 10 + ["2"] * 20
    assert [int(key.split("/")[3].split("-")[0]) for key in keys] == list(range(30))


@pytest.mark.parametrize(("height", "lost", "carrier"), [(360, 4, "low"), (180, 4, "high"), (180, 12, "low")])
def test_a_rendition_that_sets_in_as_another_stops_is_its_new_name_only_if_alike_or_that_stays_away(
    height: int, lost: int, carrier: str
) -> None:
    playlists = ("high.m3u8", "low.m3u8")
    missing = {"high.m3u8": set(range(8, 8 + lost)), "low.m3u8": set(range(7))}
    messages = [configured("two", seconds=2), *SyntheticEncoder(2, playlists=playlists[:1]).messages(range(24))]
    for message in SyntheticEncoder(1, playlists=playlists, lost_of_playlist=missing).messages(range(24)):
        fact = message.fact
        if isinstance(fact, SegmentArrived) and fact.path.startswith("low"):
            (track,) = fact.probe.tracks
            fact = replace(fact, probe=replace(fact.probe, tracks=(replace(track, height=height),)))
        messages.append(replace(message, fact=fact))
    run = Broadcast(messages).run()
    assert run.fold.state.input(1).carries["v1"] == f"{carrier}.m3u8"
