"""Every playlist that is shown parses strictly with an independent reader, and keeps RFC 8216 over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import m3u8
import pytest

from support.program_entries import (
    START,
    make_audio,
    make_endpoint,
    make_entry,
    make_piece,
    make_video,
    seconds,
    with_discontinuities,
)
from understudy_domain import ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.program import ProgramWindow


def regular(number: int) -> ProgramEntry:
    video = make_video(make_piece(number), audio_group="audio")
    return make_entry(number, renditions=[video, make_audio(make_piece(number))])


def with_gaps(number: int) -> ProgramEntry:
    pieces = [] if number % 7 == 3 else [make_piece(number)]
    audio = make_audio(*([] if number % 5 == 2 else [make_piece(number)]))
    return make_entry(number, renditions=[make_video(*pieces, audio_group="audio"), audio])


def ntsc(number: int) -> ProgramEntry:
    duration = seconds(6.006)
    video = replace(make_video(make_piece(number, duration=duration)), frame_rate="30000/1001")
    return make_entry(number, slot_duration=duration, renditions=[video])


def run(make: Callable[[int], ProgramEntry], *, discontinuities: frozenset[int] = frozenset()) -> list[ProgramEntry]:
    return with_discontinuities([make(number) for number in range(40)], discontinuities)


PROGRAMMES = {
    "regular": run(regular),
    "gaps": run(with_gaps),
    "ntsc": run(ntsc),
    "discontinuities": run(with_gaps, discontinuities=frozenset({1, 2, 9, 10, 25})),
}


@pytest.mark.parametrize("date_interval_seconds", [0, 1, 60])
@pytest.mark.parametrize("name", PROGRAMMES)
def test_every_state_of_every_playlist_parses_strictly(name: str, date_interval_seconds: int) -> None:
    entries = PROGRAMMES[name]
    endpoint = make_endpoint(window_seconds=30, date_interval_seconds=date_interval_seconds)
    window = ProgramWindow(endpoint, entries)
    for entry in entries:
        window.advance(now=entry.available_at)
        multivariant = m3u8.M3U8(window.multivariant_playlist().decode(), strict=True)
        assert multivariant.is_variant
        listed = [playlist.uri for playlist in multivariant.playlists] + [media.uri for media in multivariant.media]
        assert sorted(listed) == sorted(f"index_{rendition}.m3u8" for rendition in window.renditions())
        for rendition in window.renditions():
            check_media(m3u8.M3U8(window.media_playlist(rendition).decode(), strict=True), entry)


@pytest.mark.parametrize("name", PROGRAMMES)
def test_an_ended_programme_is_whole_for_an_independent_reader_and_goes_on_where_it_was(name: str) -> None:
    *entries, later = PROGRAMMES[name]
    window = ProgramWindow(make_endpoint(window_seconds=30, date_interval_seconds=1), entries)
    window.append(replace(entries[-1], ended=True))
    window.advance(now=entries[-1].available_at)
    for rendition in window.renditions():
        ended = m3u8.M3U8(window.media_playlist(rendition).decode(), strict=True)
        assert ended.is_endlist
        assert ended.playlist_type is None
        ended.is_endlist = False
        check_media(ended, entries[-1])
    window.append(later)
    window.advance(now=later.available_at)
    for rendition in window.renditions():
        check_media(m3u8.M3U8(window.media_playlist(rendition).decode(), strict=True), later)


def check_media(playlist: m3u8.M3U8, edge: ProgramEntry) -> None:
    assert not playlist.is_endlist
    assert playlist.version == 8
    assert playlist.target_duration == edge.target_duration_seconds
    durations = [segment.duration for segment in playlist.segments]
    assert all(round(duration) <= playlist.target_duration for duration in durations)
    if edge.media_sequence >= 10:
        assert sum(durations) >= 3 * playlist.target_duration
    assert playlist.media_sequence + len(playlist.segments) - 1 == edge.media_sequence
    for before, after in pairwise(segment for segment in playlist.segments if segment.program_date_time):
        assert after.program_date_time > before.program_date_time


def test_dates_advance_with_durations() -> None:
    entries = PROGRAMMES["ntsc"]
    window = ProgramWindow(make_endpoint(window_seconds=60, date_interval_seconds=1), entries)
    window.advance(now=entries[-1].available_at)
    playlist = m3u8.M3U8(window.media_playlist("v1").decode(), strict=True)
    assert all(segment.program_date_time for segment in playlist.segments)
    for before, after in pairwise(playlist.segments):
        difference = (after.program_date_time - before.program_date_time).total_seconds()
        assert difference == pytest.approx(before.duration, abs=0.002)
    first = entries[playlist.media_sequence]
    assert playlist.segments[0].program_date_time == ticks.to_datetime(first.program_date_time).replace(
        microsecond=playlist.segments[0].program_date_time.microsecond
    )
    assert first.program_date_time >= START


def test_the_variants_say_what_is_measured() -> None:
    entries = PROGRAMMES["regular"]
    window = ProgramWindow(make_endpoint(), entries)
    window.advance(now=entries[-1].available_at)
    (variant,) = m3u8.M3U8(window.multivariant_playlist().decode(), strict=True).playlists
    assert variant.stream_info.bandwidth == 2_128_000
    assert variant.stream_info.resolution == (1280, 720)
    assert variant.stream_info.frame_rate == 25.0
    assert variant.stream_info.codecs == "avc1.64001f,mp4a.40.2"
    assert variant.stream_info.audio == "audio"
    assert [(media.type, media.default, media.autoselect) for media in variant.media] == [("AUDIO", "YES", "YES")]
