"""Defects of the decision core that the simulation found, each as small as it gets."""

from __future__ import annotations

from support.synthetic import EPOCH, Broadcast, SyntheticEncoder, configured
from understudy_domain.entry import ProgramEntry
from understudy_domain.slots import SlotDelivery, begun_together
from understudy_domain.ticks import TICKS_PER_SECOND


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
