"""What may be removed of a programme, and of the media that it names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from support.program_entries import CHANNEL_GUID, START, make_endpoint, make_entries, make_entry, make_piece, make_video
from support.program_entries import seconds as s
from understudy_domain import codec, keys
from understudy_domain.channel import OriginEndpoint
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedRecord
from understudy_domain.facts import SegmentArrived
from understudy_domain.media import Probe
from understudy_domain.piece import ParkedSegment
from understudy_domain.retention import (
    EntryOutline,
    Programme,
    RemovedChannel,
    StoredObject,
    held_object_keys,
    oldest_received_milliseconds,
    removable_before,
    removable_objects,
)

ENDPOINT = make_endpoint(window_seconds=60)
REACH = 2 * (60 + 9) + 2 * 9
"""Of slots of 6 s, whose target duration is 9 s, in seconds: twice the longest playlist, and two entries."""


def programme(entries: Iterable[ProgramEntry], *, run_duration: int = 1) -> Programme:
    """Entries that stand in PROGRAM at their media sequences plus 1000, in runs of one, unless said."""
    found = Programme()
    for entry in entries:
        found.add(entry, entry.media_sequence + 1000, run_duration=run_duration)
    return found


def first_kept(found: Programme, *, now: int, endpoint: OriginEndpoint = ENDPOINT, margin: int = 0) -> int:
    """The media sequence of the oldest entry that has to stay."""
    return found.runs[found.removable(endpoint, now=now, margin=margin)].first_sequence - 1000


def test_what_lies_further_back_than_a_playlist_and_its_segments_reach_may_go() -> None:
    # The last of 100 slots is available at 600 s. Behind entry k lie 600 - 6 (k + 1) s.
    assert first_kept(programme(make_entries(100)), now=START + s(600)) == (600 - REACH) // 6


def test_the_margin_adds_to_the_reach() -> None:
    assert first_kept(programme(make_entries(100)), now=START + s(600), margin=s(60)) == (600 - REACH - 60) // 6


def test_hours_after_the_encoders_stopped_the_last_window_stays() -> None:
    found = programme(make_entries(100))
    assert first_kept(found, now=START + s(600 + 3 * 3600)) == first_kept(found, now=START + s(600))


def test_what_viewers_are_yet_to_see_counts_for_nothing() -> None:
    assert first_kept(programme(make_entries(100)), now=START + s(300)) == (300 - REACH) // 6
    delayed = [replace(entry, available_at=entry.available_at + s(3600)) for entry in make_entries(100)]
    assert first_kept(programme(delayed), now=START + s(600)) == 0


def test_what_a_startover_window_reaches_stays_by_the_time_it_became_available() -> None:
    endpoint = replace(ENDPOINT, startover_window_seconds=400)
    found = programme(make_entries(100))
    # Entry k became available at 6 (k + 1) s.
    assert first_kept(found, now=START + s(600), endpoint=endpoint) == 33
    assert first_kept(found, now=START + s(1000), endpoint=endpoint) == (600 - REACH) // 6


def test_what_a_startover_window_reaches_stays_where_dates_run_ahead_of_the_clock() -> None:
    endpoint = replace(ENDPOINT, startover_window_seconds=400)
    ahead = [replace(one, program_date_time=one.program_date_time + s(10)) for one in make_entries(100)]
    # Entry k ends at 6 (k + 1) + 10 s, and is reached until 400 s later; in runs of ten its run goes with the last one.
    assert first_kept(programme(ahead), now=START + s(600), endpoint=endpoint) == 31
    assert first_kept(programme(ahead, run_duration=s(60)), now=START + s(600), endpoint=endpoint) == 30


def test_programmes_that_ended_on_the_way_reach_as_far_back_as_others() -> None:
    entries = make_entries(100)
    ends = [one for entry in entries for one in (entry, replace(entry, ended=True))]
    now = entries[-1].available_at
    ended, plain = programme(ends, run_duration=s(30)), programme(entries, run_duration=s(30))
    assert first_kept(plain, now=now) - 1 <= first_kept(ended, now=now) <= first_kept(plain, now=now)
    assert ended.next_media_sequence == plain.next_media_sequence


def test_a_run_goes_as_a_whole_or_not_at_all() -> None:
    found = programme(make_entries(100), run_duration=s(60))
    assert [run.entries for run in found.runs] == [10] * 10
    assert first_kept(found, now=START + s(600)) == (600 - REACH) // 60 * 10
    assert found.drop(2) == 20
    assert found.runs[0].first_sequence == 1020


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_short_programme_stays_whole(count: int) -> None:
    assert first_kept(programme(make_entries(count)), now=START + s(10_000)) == 0


def test_the_last_run_stays_even_if_it_takes_up_nothing() -> None:
    found = Programme()
    found.add(replace(make_entry(0), end=make_entry(0).start), 1, run_duration=0)
    assert found.removable(ENDPOINT, now=START + s(10_000), margin=0) == 0
    assert not Programme().removable(ENDPOINT, now=START, margin=0)


def test_an_entry_that_does_not_parse_keeps_all_media_until_it_has_gone_itself() -> None:
    found = Programme()
    for entry in make_entries(100):
        if entry.media_sequence == 10:
            found.add_unreadable(1010, run_duration=1)
        else:
            found.add(entry, entry.media_sequence + 1000, run_duration=1)
    assert removable_before([found], read_until=START, margin=0) == 0
    found.drop(found.removable(ENDPOINT, now=START + s(600), margin=0))
    assert removable_before([found], read_until=START, margin=0) == first_kept(found, now=START + s(600))


def test_a_programme_is_read_by_what_retention_needs_of_it() -> None:
    entry = make_entry(7, renditions=[make_video(make_piece(8), make_piece(7)), make_video(rendition="v2")])
    outline = codec.decode_outline(ProgramEntry, EntryOutline, codec.encode(entry))
    assert (outline.media_sequence, outline.start, outline.end) == (7, entry.start, entry.end)
    assert (outline.available_at, outline.target_duration_seconds) == (entry.available_at, 9)
    assert oldest_received_milliseconds(outline) == oldest_received_milliseconds(entry) == 7
    assert oldest_received_milliseconds(make_entry(7, renditions=[make_video()])) is None


def test_an_outline_of_another_record_is_refused() -> None:
    with pytest.raises(MalformedRecord):
        codec.decode_outline(ProgramEntry, EntryOutline, codec.encode(RemovedChannel("c" * 32, 1)))


def test_objects_may_go_up_to_the_oldest_that_any_entry_left_names() -> None:
    # A piece that was held for long before its slot was decided is older than what the entries before it name.
    held = make_entry(31, renditions=[make_video(make_piece(3))])
    one, other = programme([make_entry(30), held]), programme(make_entries(9, first=20))
    assert removable_before([one, other], read_until=START, margin=0) == 3
    assert removable_before([other], read_until=START, margin=0) == 20


def test_objects_of_what_is_not_read_yet_stay() -> None:
    gaps = programme([make_entry(0, renditions=[make_video()])])
    assert removable_before([gaps], read_until=s(90), margin=s(60)) == 30_000
    assert removable_before([], read_until=s(90), margin=s(60)) == 30_000


def stored(milliseconds: int, *, modified_at: int = 0, name: str | None = None) -> StoredObject:
    key = keys.media_object_key(CHANNEL_GUID, 1, received_milliseconds=milliseconds, upload="0", suffix="ts")
    return StoredObject(name or key, 1, modified_at)


def test_of_the_objects_listed_those_go_that_are_old_by_both_clocks_and_not_held() -> None:
    listed = [stored(1), stored(2, modified_at=50), stored(3), stored(4, name="media/other"), stored(5), stored(9)]
    found = removable_objects(listed, before_milliseconds=9, modified_before=50, held={listed[2].key})
    assert list(found) == [listed[0], listed[4]]


def test_what_the_decision_core_has_parked_is_held() -> None:
    state = ChannelState(CHANNEL_GUID)
    parked = ParkedSegment(SegmentArrived("a.ts", "key", 1, Probe("mpegts", (), digest="")), 0, 0)
    state.input(1).unlisted.append(parked)
    state.input(2).unplaced.append(replace(parked, fact=replace(parked.fact, object_key="other")))
    assert held_object_keys(state) == {"key", "other"}


@pytest.mark.parametrize(
    ("key", "milliseconds"),
    [
        (
            keys.media_object_key("c" * 32, 2, received_milliseconds=1_800_000_000_000, upload="ab", suffix="ts"),
            18 * 10**11,
        ),
        ("media/1/channel_1/5-162000000000000000", None),
        ("index/" + "c" * 32 + "/1/1800000000000-ab.ts", None),
        ("", None),
    ],
)
def test_the_time_in_a_key_is_when_the_object_was_received(key: str, milliseconds: int | None) -> None:
    assert keys.received_milliseconds(key) == milliseconds
