"""Playlists over time: what is listed, and that what was listed stays as it was."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.program_entries import (
    START,
    make_audio,
    make_endpoint,
    make_entries,
    make_entry,
    make_piece,
    make_video,
    seconds,
    with_discontinuities,
)
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import LeftWindow, NotYetAvailable, UnknownObject
from understudy_domain.hls.media_playlist import MediaPlaylist
from understudy_domain.hls.playlist import parse_playlist
from understudy_domain.program import NotContiguous, ProgramWindow, contiguous_tail


def listed(window: ProgramWindow, rendition: str = "v1") -> MediaPlaylist:
    playlist = parse_playlist(window.media_playlist(rendition).decode())
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def window_at(
    entries: list[ProgramEntry], now: int, *, window_seconds: int = 60, date_interval_seconds: int = 0
) -> ProgramWindow:
    endpoint = make_endpoint(window_seconds=window_seconds, date_interval_seconds=date_interval_seconds)
    window = ProgramWindow(endpoint, entries)
    window.advance(now=now)
    return window


def end_of(entry: ProgramEntry) -> int:
    return entry.available_at


def test_nothing_is_listed_before_the_first_entry_is_available() -> None:
    entries = make_entries(1)
    window = window_at(entries, end_of(entries[0]) - 1)
    with pytest.raises(NotYetAvailable):
        window.media_playlist("v1")
    with pytest.raises(NotYetAvailable):
        window.multivariant_playlist()
    assert window.next_available_at == end_of(entries[0])
    assert list(window.renditions()) == []


@pytest.mark.compatibility("OriginEndpoint.timeDelaySeconds")
def test_an_entry_is_listed_from_its_instant_on() -> None:
    entries = make_entries(2)
    window = window_at(entries, end_of(entries[0]))
    assert [segment.uri for segment in listed(window).segments] == ["r1/v1/0.ts"]
    assert window.advance(now=end_of(entries[1]))
    assert [segment.uri for segment in listed(window).segments] == ["r1/v1/0.ts", "r1/v1/1.ts"]


def test_a_clock_set_back_takes_nothing_away() -> None:
    entries = make_entries(3)
    window = window_at(entries, end_of(entries[2]))
    before = window.media_playlist("v1")
    assert not window.advance(now=START)
    assert window.media_playlist("v1") == before


def test_the_playlist_reads_as_expected() -> None:
    entries = with_discontinuities(make_entries(14), frozenset({3, 13}))
    assert window_at(entries, end_of(entries[-1]), window_seconds=24).media_playlist("v1").decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:8\n"
        "#EXT-X-TARGETDURATION:9\n"
        "#EXT-X-MEDIA-SEQUENCE:9\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:1\n"
        "#EXTINF:6.00000,\nr1/v1/9.ts\n"
        "#EXTINF:6.00000,\nr1/v1/10.ts\n"
        "#EXTINF:6.00000,\nr1/v1/11.ts\n"
        "#EXTINF:6.00000,\nr1/v1/12.ts\n"
        "#EXT-X-DISCONTINUITY\n#EXTINF:6.00000,\nr1/v1/13.ts\n"
    )


@pytest.mark.parametrize(
    ("window_seconds", "slot_duration", "count"),
    [
        (60, seconds(6), 10),
        (60, seconds(6.006), 10),  # the window is met to the nearest slot, not cut by a few milliseconds
        (60, seconds(2), 30),
        (6, seconds(6), 5),  # at least three target durations: 3 · 9 s
        (3, seconds(2), 5),
        (60, seconds(40), 5),
    ],
)
@pytest.mark.compatibility("OriginEndpoint.hlsPackage.playlistWindowSeconds")
def test_as_much_is_listed_as_the_window_holds(window_seconds: int, slot_duration: int, count: int) -> None:
    entries = make_entries(100, slot_duration=slot_duration)
    window = window_at(entries, end_of(entries[-1]), window_seconds=window_seconds)
    playlist = listed(window)
    assert len(playlist.segments) == window.listed_count == count
    assert playlist.media_sequence == 100 - count
    assert window.is_filled


def test_a_jump_in_programme_time_costs_no_window() -> None:
    before = make_entries(20)
    after = [
        replace(entry, start=entry.start + seconds(500), end=entry.end + seconds(500))
        for entry in make_entries(1, first=20)
    ]
    assert len(listed(window_at(before + after, end_of(after[-1]))).segments) == 10


def test_the_discontinuity_sequence_counts_what_has_left_the_playlist() -> None:
    entries = with_discontinuities(make_entries(30), frozenset({4, 5, 18}))
    window = ProgramWindow(make_endpoint(window_seconds=30), entries)
    seen = []
    for entry in entries:
        window.advance(now=end_of(entry))
        playlist = listed(window)
        shown = sum(segment.discontinuity for segment in playlist.segments)
        assert playlist.discontinuity_sequence is not None
        # Every discontinuity so far has either left or is shown.
        assert playlist.discontinuity_sequence + shown == entry.discontinuity_sequence + entry.discontinuity
        seen.append(playlist.discontinuity_sequence)
    assert seen == sorted(seen)


def test_a_segments_discontinuity_sequence_number_stays_while_it_moves_to_the_front_and_leaves() -> None:
    entries = with_discontinuities(make_entries(30), frozenset({4, 5, 18}))
    window = ProgramWindow(make_endpoint(window_seconds=30), entries)
    numbers: dict[str, set[int]] = {}
    for entry in entries:
        window.advance(now=end_of(entry))
        playlist = listed(window)
        number = playlist.discontinuity_sequence
        assert number is not None
        assert number >= 0
        for segment in playlist.segments:
            number += segment.discontinuity
            numbers.setdefault(segment.uri, set()).add(number)
    assert {len(found) for found in numbers.values()} == {1}
    assert sorted({number for found in numbers.values() for number in found}) == [0, 1, 2, 3]


def test_what_a_rendition_lacks_is_a_gap_of_the_slots_length() -> None:
    entries = [
        make_entry(0, renditions=[make_video(make_piece(0), rendition="v1")]),
        make_entry(1, renditions=[make_video(rendition="v1"), make_video(make_piece(1), rendition="v2")]),
        make_entry(2, renditions=[make_video(make_piece(2), rendition="v2")]),
    ]
    window = window_at(entries, end_of(entries[-1]))
    assert sorted(window.renditions()) == ["v1", "v2"]
    assert [segment.gap for segment in listed(window, "v1").segments] == [False, True, True]
    assert [segment.gap for segment in listed(window, "v2").segments] == [True, False, False]
    assert {segment.duration for segment in listed(window, "v2").segments} == {seconds(6)}


def test_a_rendition_is_forgotten_when_nothing_listed_has_it() -> None:
    entries = [make_entry(0, renditions=[make_video(make_piece(0), rendition="v9")]), *make_entries(40, first=1)]
    window = window_at(entries, end_of(entries[5]))
    assert sorted(window.renditions()) == ["v1", "v9"]
    window.advance(now=end_of(entries[-1]))
    assert list(window.renditions()) == ["v1"]
    with pytest.raises(UnknownObject):
        window.media_playlist("v9")


@pytest.mark.compatibility("OriginEndpoint.hlsPackage.programDateTimeIntervalSeconds")
def test_dates_stand_where_an_interval_begins_and_at_every_jump() -> None:
    entries = with_discontinuities(make_entries(20), frozenset({14}))
    playlist = listed(window_at(entries, end_of(entries[-1]), window_seconds=120, date_interval_seconds=60))
    dated = {number: segment.program_date_time for number, segment in enumerate(playlist.segments)}
    expected = {0: START, 10: START + seconds(60), 14: START + seconds(84)}
    assert {number: date for number, date in dated.items() if date is not None} == expected


def test_no_interval_means_no_dates() -> None:
    entries = make_entries(20)
    assert b"PROGRAM-DATE-TIME" not in window_at(entries, end_of(entries[-1])).media_playlist("v1")


def test_the_multivariant_playlist_reads_as_expected() -> None:
    audio = make_audio(make_piece(0))
    french = replace(audio, rendition="a2", name=None, language="fr", bandwidth=192_000, codecs=("ac-3",))
    video = replace(make_video(make_piece(0), audio_group="audio"), frame_rate="30000/1001")
    entries = [make_entry(0, renditions=[video, audio, french])]
    assert window_at(entries, end_of(entries[0])).multivariant_playlist().decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,DEFAULT=YES,AUTOSELECT=YES,GROUP-ID="audio",NAME="English",LANGUAGE="en",'
        'CHANNELS="2",URI="index_a1.m3u8"\n'
        '#EXT-X-MEDIA:TYPE=AUDIO,AUTOSELECT=YES,GROUP-ID="audio",NAME="a2",LANGUAGE="fr",'
        'CHANNELS="2",URI="index_a2.m3u8"\n'
        "#EXT-X-STREAM-INF:BANDWIDTH=2192000,RESOLUTION=1280x720,FRAME-RATE=29.970,"
        'CODECS="avc1.64001f,mp4a.40.2,ac-3",AUDIO="audio"\n'
        "index_v1.m3u8\n"
    )


def test_audio_without_video_is_a_variant() -> None:
    entries = [make_entry(0, renditions=[make_audio(make_piece(0))])]
    text = window_at(entries, end_of(entries[0])).multivariant_playlist().decode()
    assert '#EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS="mp4a.40.2"\nindex_a1.m3u8\n' in text
    assert "#EXT-X-MEDIA" not in text


def test_known_entries_are_taken_once_and_missing_ones_are_noticed() -> None:
    entries = make_entries(3)
    window = ProgramWindow(make_endpoint(), entries[:2])
    assert not window.append(entries[0])
    assert not window.append(entries[1])
    with pytest.raises(NotContiguous):
        window.append(make_entry(3))
    assert window.append(entries[2])


def test_the_last_run_without_a_hole_is_what_counts() -> None:
    entries = make_entries(10)
    assert contiguous_tail([*entries[6:], *entries[:3], *entries[4:8]]) == entries[4:]
    assert contiguous_tail([]) == []


def test_a_segment_is_found_late_too_early_and_unknown() -> None:
    entries = make_entries(200)
    window = window_at(entries, end_of(entries[150]))
    assert window.segment("v1", 150, rendering_version=1).pieces == entries[150].renditions[0].pieces
    with pytest.raises(NotYetAvailable):
        window.segment("v1", 151, rendering_version=1)
    with pytest.raises(NotYetAvailable):
        window.segment("v1", 10_000, rendering_version=1)
    with pytest.raises(LeftWindow):
        window.segment("v1", 0, rendering_version=1)
    with pytest.raises(UnknownObject):
        window.segment("v2", 150, rendering_version=1)
    with pytest.raises(UnknownObject):
        window.segment("v1", 150, rendering_version=2)


def test_a_segment_that_left_the_playlist_stays_for_as_long_as_one_may_play_it() -> None:
    entries = make_entries(200)
    window = ProgramWindow(make_endpoint(window_seconds=60), entries)
    for entry in entries:
        window.advance(now=end_of(entry))
        if entry.media_sequence >= 20:
            # Ten are listed; the one that left ten slots and its own length ago is still there.
            window.segment("v1", entry.media_sequence - 20, rendering_version=1)
    assert len(window.entries) < 30


@st.composite
def programmes(draw: st.DrawFn) -> list[ProgramEntry]:
    """Runs with gaps, discontinuities, renditions that come and go, and slots of varying length."""
    found: list[ProgramEntry] = []
    first = draw(st.integers(0, 5))
    start = available = date = 0
    discontinuities = 0
    for number in range(first, first + draw(st.integers(1, 40))):
        duration = seconds(draw(st.sampled_from([1.92, 2.0, 2.08, 4.0])))
        names = draw(st.sets(st.sampled_from(["v1", "v2", "v3"])))
        discontinuity = number > first and draw(st.booleans())
        available = max(available, start + duration + seconds(draw(st.floats(0, 3))))
        found.append(
            replace(
                make_entry(number),
                start=start,
                end=start + duration,
                program_date_time=START + date,
                available_at=START + available,
                slot_duration=seconds(2),
                target_duration_seconds=4,
                discontinuity=discontinuity,
                discontinuity_sequence=discontinuities,
                renditions=tuple(
                    make_video(
                        *([make_piece(number, duration=duration)] if draw(st.booleans()) else []), rendition=name
                    )
                    for name in sorted(names)
                ),
            )
        )
        start += duration
        date += duration
        discontinuities += discontinuity
    return found


def playlists(window: ProgramWindow) -> dict[str, bytes]:
    found = {name: window.media_playlist(name) for name in window.renditions()}
    with contextlib.suppress(NotYetAvailable):
        found[""] = window.multivariant_playlist()
    return found


@given(programmes(), st.integers(2, 30), st.sampled_from([0, 1, 5, 60]))
def test_what_was_listed_never_changes_and_is_contiguous(
    entries: list[ProgramEntry], window_seconds: int, interval: int
) -> None:
    window = ProgramWindow(make_endpoint(window_seconds=window_seconds, date_interval_seconds=interval))
    published: dict[tuple[str, int], str] = {}
    last_sequence = -1
    for entry in entries:
        window.append(entry)
        window.advance(now=end_of(entry))
        for name in window.renditions():
            playlist = listed(window, name)
            assert playlist.media_sequence >= last_sequence
            for number, segment in enumerate(playlist.segments, start=playlist.media_sequence):
                assert segment.uri == f"r1/{name}/{number}.ts"
                assert published.setdefault((name, number), segment.render()) == segment.render()
            assert playlist.media_sequence + len(playlist.segments) - 1 == entry.media_sequence
            last_sequence = max(last_sequence, playlist.media_sequence)


@given(programmes(), st.integers(2, 30), st.sampled_from([0, 1, 5]), st.data())
def test_a_process_that_starts_later_shows_the_same(
    entries: list[ProgramEntry], window_seconds: int, interval: int, data: st.DataObject
) -> None:
    endpoint = make_endpoint(window_seconds=window_seconds, date_interval_seconds=interval)
    early = ProgramWindow(endpoint)
    for entry in entries:
        early.append(entry)
        early.advance(now=end_of(entry))
        if data.draw(st.booleans()):
            playlists(early)  # renewals build on what was shown before
    now = end_of(entries[-1])
    late = ProgramWindow(endpoint, entries[data.draw(st.integers(0, len(entries) - 1)) :])
    late.advance(now=now)
    if late.is_filled or len(late.entries) == len(entries):
        assert playlists(late) == playlists(early)
