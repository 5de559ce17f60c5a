"""Which entries a window lists, and what its playlists say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from support.program_entries import START, make_audio, make_endpoint, make_entries, make_entry, make_piece, make_video
from support.program_entries import seconds as s
from support.windows import media_playlist, multivariant_playlist, pages_of, window_of
from understudy_domain import ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.timeshift import (
    Cut,
    OutOfWindow,
    TimeWindow,
    check_reach,
)

ENTRIES = make_entries(100)
"""Slots of 6 s from START on, each available when it ends."""


def listed(cut: Cut) -> list[int]:
    return [number for span in cut.spans for number in range(span.first, span.key.first + span.end)]


def window(start: float, end: float | None = None) -> TimeWindow:
    return TimeWindow(START + s(start), None if end is None else START + s(end))


def cut_at(now: float, asked: TimeWindow, entries: Sequence[ProgramEntry] = ENTRIES, delay: float = 0) -> Cut:
    return window_of(pages_of(entries, size=16), asked, now=START + s(now), time_delay=s(delay))


def test_a_window_lists_every_slot_that_has_a_part_in_it() -> None:
    assert listed(cut_at(600, window(60, 120))) == list(range(10, 20))
    assert listed(cut_at(600, window(59, 121))) == list(range(9, 21))
    assert listed(cut_at(600, window(65.9, 114.1))) == list(range(10, 20))


def test_a_window_whose_end_is_to_come_grows_up_to_it() -> None:
    grown = [cut_at(now, window(60, 120)) for now in (66, 72, 119, 120, 500)]
    assert [len(listed(one)) for one in grown] == [1, 2, 9, 10, 10]
    assert [one.is_complete for one in grown] == [False, False, False, True, True]


def test_a_start_alone_grows_for_a_day() -> None:
    cut = cut_at(600, window(60))
    assert (listed(cut), cut.is_complete) == (list(range(10, 100)), False)
    long = make_entries(24 * 600 + 20)
    cut = cut_at(24 * 3600 + 120, window(60), long)
    assert listed(cut) == list(range(10, 10 + 24 * 600))
    assert cut.is_complete


def test_what_the_time_delay_holds_back_is_not_listed() -> None:
    delayed = [replace(entry, available_at=entry.available_at + s(60)) for entry in ENTRIES]
    cut = cut_at(150, window(60, 120), delayed, delay=60)
    assert (listed(cut), cut.is_complete) == (list(range(10, 15)), False)


def test_a_window_in_which_there_is_nothing_is_out_of_reach() -> None:
    for asked in (window(700), window(700, 800), window(-100, 0)):
        with pytest.raises(OutOfWindow):
            cut_at(600, asked)
    with pytest.raises(OutOfWindow, match="maybe nothing yet"):
        cut_at(65, window(60, 120))
    with pytest.raises(OutOfWindow, match="after the live edge"):
        cut_at(65, window(60), [])


def test_a_window_that_begins_before_the_content_begins_with_it() -> None:
    assert listed(cut_at(600, window(-50, 20))) == [0, 1, 2, 3]


def test_a_window_is_complete_without_what_never_came_once_nothing_can_come() -> None:
    before = cut_at(4000 + 3600 - 1, window(60, 4000))
    after = cut_at(4000 + 3600, window(60, 4000))
    assert (before.is_complete, after.is_complete) == (False, True)
    assert listed(before) == listed(after) == list(range(10, 100))
    delayed = cut_at(4000 + 3600, window(60, 4000), delay=60)
    assert not delayed.is_complete


def test_a_window_is_not_complete_before_all_of_it_that_is_known_is_available() -> None:
    delay = 6 * 3600
    delayed = [replace(entry, available_at=entry.available_at + s(delay)) for entry in ENTRIES]
    asked = window(0, 300)
    lowered = [cut_at(delay + now, asked, delayed, delay=0) for now in (120, 299, 300)]
    assert [listed(one) for one in lowered] == [list(range(20)), list(range(49)), list(range(50))]
    assert [one.is_complete for one in lowered] == [False, False, True]
    at_a_page = cut_at(delay + 16 * 6, asked, delayed, delay=0)
    assert (listed(at_a_page), at_a_page.is_complete) == (list(range(16)), False)
    behind = [*ENTRIES[:40], *(replace(one, available_at=one.available_at + s(delay)) for one in ENTRIES[50:])]
    gap = [replace(one, media_sequence=number) for number, one in enumerate(behind)]
    over = cut_at(300 + 3600, asked, gap)
    assert (listed(over), over.is_complete) == (list(range(40)), True), "what is not available yet lies behind it"


def test_a_programme_that_ended_in_the_window_ends_its_playlist_until_it_goes_on() -> None:
    pages = pages_of(ENTRIES, size=16)
    cut = window_of(pages, window(60, 4000), now=START + s(700), ended=True)
    assert (cut.is_complete, cut.has_ended) == (False, True)
    text = media_playlist(make_endpoint(), pages, cut, "v1").decode()
    assert "#EXT-X-PLAYLIST-TYPE:EVENT\n" in text
    assert text.endswith("#EXT-X-ENDLIST\n")
    assert not window_of(pages, window(60, 120), now=START + s(119), ended=True).has_ended


def test_the_startover_window_bounds_how_far_back_a_window_may_begin() -> None:
    endpoint = replace(make_endpoint(), startover_window_seconds=3600)
    now = START + s(7200)
    check_reach(endpoint, TimeWindow(now - s(3600)), now=now)
    with pytest.raises(OutOfWindow, match="further back than the startover window of 3600 s"):
        check_reach(endpoint, TimeWindow(now - s(3600) - 1), now=now)
    with pytest.raises(OutOfWindow, match="startoverWindowSeconds is 0"):
        check_reach(make_endpoint(), TimeWindow(now), now=now)


def test_a_date_that_was_set_back_within_a_window_leaves_nothing_out() -> None:
    back = [replace(one, program_date_time=one.program_date_time - s(10)) for one in ENTRIES[50:]]
    assert listed(cut_at(600, window(240, 360), [*ENTRIES[:50], *back])) == list(range(40, 62))


def test_the_playlist_of_a_window_that_is_over() -> None:
    pages = pages_of(ENTRIES, size=16)
    cut = window_of(pages, window(90, 108), now=START + s(600))
    assert media_playlist(make_endpoint(date_interval_seconds=3600), pages, cut, "v1").decode() == (
        "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:9\n#EXT-X-MEDIA-SEQUENCE:15\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        f"#EXT-X-PROGRAM-DATE-TIME:{ticks.to_iso8601(START + s(90))}\n"
        "#EXTINF:6.00000,\nr1/v1/15.ts\n"
        "#EXTINF:6.00000,\nr1/v1/16.ts\n"
        "#EXTINF:6.00000,\nr1/v1/17.ts\n"
        "#EXT-X-ENDLIST\n"
    )


def test_a_window_that_grows_is_an_event_and_climbs_out_of_its_path() -> None:
    pages = pages_of(ENTRIES, size=16)
    cut = window_of(pages, window(96), now=START + s(108))
    assert media_playlist(make_endpoint(), pages, cut, "v1", prefix="../../").decode() == (
        "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:9\n#EXT-X-MEDIA-SEQUENCE:16\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n"
        "#EXTINF:6.00000,\n../../r1/v1/16.ts\n"
        "#EXTINF:6.00000,\n../../r1/v1/17.ts\n"
    )


def test_the_target_duration_is_the_longest_of_what_is_listed() -> None:
    entries = [replace(one, target_duration_seconds=11) if 20 <= one.media_sequence < 30 else one for one in ENTRIES]
    pages = pages_of(entries, size=16)
    for asked, expected in ((window(0, 60), 9), (window(60, 121), 11), (window(0, 600), 11), (window(180, 300), 9)):
        cut = window_of(pages, asked, now=START + s(600))
        assert f"#EXT-X-TARGETDURATION:{expected}\n".encode() in media_playlist(make_endpoint(), pages, cut, "v1")


def test_the_multivariant_playlist_is_that_of_the_newest_slot_that_names_renditions() -> None:
    def entry(number: int) -> ProgramEntry:
        video = make_video(make_piece(number), audio_group="audio")
        late = [make_audio(make_piece(number))] if number >= 20 else []
        return make_entry(number, renditions=[] if number >= 30 else [video, *late])

    pages = pages_of([entry(number) for number in range(40)], size=8)
    cut = window_of(pages, window(0, 60), now=START + s(600))
    assert b"EXT-X-MEDIA" not in multivariant_playlist(make_endpoint(), pages, cut)
    cut = window_of(pages, window(0, 240), now=START + s(600))
    text = multivariant_playlist(make_endpoint(), pages, cut, child_query="?start=1")
    assert b'URI="index_a1.m3u8?start=1"' in text
    assert text.endswith(b"\nindex_v1.m3u8?start=1\n")
