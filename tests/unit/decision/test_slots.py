"""What one entry holds of a slot: one stretch of time, in every rendition or not at all, within the target duration."""

from __future__ import annotations

from support.synthetic import EPOCH, Broadcast, SyntheticEncoder, configured
from understudy_domain.entry import ProgramEntry
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

PLAYLISTS = ("v0.m3u8", "v1.m3u8")


def shown(*encoders: SyntheticEncoder, seconds: float, segments: int = 40) -> list[ProgramEntry]:
    """One endpoint's entries."""
    messages = [configured("e", seconds=seconds)]
    for encoder in encoders:
        messages += encoder.messages(range(segments))
    return Broadcast(messages).run(until_seconds=segments * encoder.segment_seconds + 60).of("e")


def assert_stretches(entries: list[ProgramEntry]) -> None:
    """Every rendition has all of an entry, or nothing; no programme is shown twice, no timestamp jumps inside."""
    keys = [piece.object_key for entry in entries for one in entry.renditions for piece in one.pieces]
    assert len(keys) == len(set(keys))
    for entry in entries:
        for one in entry.renditions:
            assert one.duration in (0, entry.end - entry.start)
            for before, piece in zip(one.pieces, one.pieces[1:], strict=False):
                assert piece.timestamp == (before.timestamp + before.duration) % 2**33


def test_a_rendition_that_sets_in_late_begins_an_entry_of_its_own() -> None:
    """Both inputs lose the first two thirds of a slot in one rendition: that rendition has a gap, then goes on."""
    lost = {"v0.m3u8": {21, 22}}
    one, two = (SyntheticEncoder(n, playlists=PLAYLISTS, lost_of_playlist=lost) for n in (1, 2))
    entries = shown(one, two, seconds=6)
    assert_stretches(entries)
    partial = [entry for entry in entries if entry.reason is Reason.PARTIAL]
    assert [[len(one.pieces) for one in entry.renditions] for entry in partial] == [[0, 2], [1, 1]]


def test_a_rendition_with_a_hole_in_its_middle_is_one_entry_before_it_one_beside_it_and_one_after() -> None:
    lost = {"v1.m3u8": {22}}
    one, two = (SyntheticEncoder(n, playlists=PLAYLISTS, lost_of_playlist=lost) for n in (1, 2))
    entries = shown(one, two, seconds=6)
    assert_stretches(entries)
    partial = [entry for entry in entries if entry.reason is Reason.PARTIAL]
    assert [[len(one.pieces) for one in entry.renditions] for entry in partial] == [[1, 1], [1, 0], [1, 1]]


def test_a_restart_inside_a_slot_is_a_discontinuity_between_entries_and_no_jump_inside_one() -> None:
    """The encoder comes back within half a segment, so the slot is complete, of two runs of timestamps."""
    first = SyntheticEncoder(1, media_offset_seconds=1000.0)
    again = SyntheticEncoder(1, media_offset_seconds=5.0, phase_seconds=0.4, content="again")
    messages = [configured("e", seconds=6), *first.messages(range(20)), *again.messages(range(20, 40))]
    entries = Broadcast(messages).run(until_seconds=120).of("e")
    assert_stretches(entries)
    assert [entry.discontinuity for entry in entries].count(True) == 1
    assert sum(len(entry.renditions[0].pieces) for entry in entries) >= 38
    assert {entry.reason for entry in entries} == {Reason.START, Reason.KEEP}
    assert [entry.media_sequence for entry in entries] == list(range(len(entries)))


def test_no_segment_of_several_pieces_is_longer_than_the_target_duration() -> None:
    """Key frames come where they come: pieces of 2.5 and 3 s begin in one slot of 4 s; S_in is what the first show."""
    lengths = [2.0, 2.0, *[2.5, 3.0, 2.5] * 6]
    begins = [sum(lengths[:number]) for number in range(len(lengths))]
    messages = [configured("e", seconds=4)]
    for number, (begin, length) in enumerate(zip(begins, lengths, strict=True)):
        encoder = SyntheticEncoder(1, phase_seconds=begin - 2.0 * number, short={number: length})
        messages += encoder.messages([number])
    entries = Broadcast(messages).run(until_seconds=80).of("e")
    assert_stretches(entries)
    assert entries[0].target_duration_seconds == 5
    assert max(entry.renditions[0].duration for entry in entries) <= from_seconds(5)
    assert sum(len(entry.renditions[0].pieces) for entry in entries) >= len(lengths) - 2
    assert not any(entry.discontinuity or entry.is_gap for entry in entries)


def test_a_short_piece_is_followed_by_the_next_and_no_restart() -> None:
    """Encoders cut short where a splice point is; without dates nothing else would tie the pieces together."""
    begins = SyntheticEncoder(1, date_offset_seconds=None, short={20: 0.5}).messages(range(21))
    rest = SyntheticEncoder(1, date_offset_seconds=None, phase_seconds=-1.5, late={21: 0.3}).messages(range(21, 40))
    entries = Broadcast([configured("e", seconds=2), *begins, *rest]).run(until_seconds=120).of("e")
    assert not any(entry.discontinuity for entry in entries)
    assert_stretches(entries)
    assert sum(len(entry.renditions[0].pieces) for entry in entries) == 40


def test_a_backlog_that_comes_at_once_is_available_after_the_delay() -> None:
    """An encoder that was cut off delivers half a minute in a second: nobody waits half a minute longer for that."""
    late = {number: 60.0 - 2.0 * number for number in range(30)}
    messages = [configured("e", seconds=2, delay_seconds=10), *SyntheticEncoder(1, late=late).messages(range(50))]
    entries = Broadcast(messages).run(until_seconds=140).of("e")
    assert max(entry.available_at - entry.as_of.instant for entry in entries) <= 10 * TICKS_PER_SECOND
    assert entries[-1].available_at < EPOCH + from_seconds(50 * 2 + 15)


def test_an_endpoint_begins_although_pieces_are_longer_than_those_that_settled_the_grid() -> None:
    """Input 2 sends 2 s, then dies; of input 1's 6 s no piece ever begins near a slot of 30 s."""
    settles = SyntheticEncoder(2, phase_seconds=-12.0).messages(range(6))
    goes_on = SyntheticEncoder(1, segment_seconds=6.0, phase_seconds=3.0).messages(range(30))
    created = configured("e", seconds=30, at_seconds=60.0)
    entries = Broadcast([*settles, *goes_on, created]).run(until_seconds=250).of("e")
    assert (entries[0].reason, entries[0].step) == (Reason.START, 0)
    assert len(entries) >= 3
    assert_stretches(entries)


def test_audio_that_is_cut_elsewhere_is_published_once_and_whole() -> None:
    """A short video piece ends where an audio piece of the same slot has half its length to go."""
    video = SyntheticEncoder(1, playlists=("v.m3u8",), short={20: 1.1})
    after = SyntheticEncoder(1, playlists=("v.m3u8",), phase_seconds=-0.9)
    audio = SyntheticEncoder(1, playlists=("a.m3u8",), phase_seconds=0.2)
    messages = [*video.messages(range(21)), *after.messages(range(21, 40)), *audio.messages(range(40))]
    entries = Broadcast([configured("e", seconds=6), *messages]).run(until_seconds=120).of("e")
    for number in (0, 1):
        keys = [piece.object_key for entry in entries for piece in entry.renditions[number].pieces]
        assert len(keys) == len(set(keys)) >= 36
        assert {entry.reason for entry in entries} == {Reason.START, Reason.KEEP}
