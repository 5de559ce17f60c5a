"""Which slots an asset has, when a window is over, how far everything is stored: without any storage."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.program_entries import make_audio, make_endpoint, make_entries, make_entry, make_piece, make_video, seconds
from support.windows import driven, pages_of
from understudy_domain import codec, ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.harvest_asset import (
    AssetPlaylists,
    HarvestFailed,
    Watermark,
    first_plan,
    is_over,
    may_be_over,
    shortfall,
    slots_of,
    spans_within,
)
from understudy_domain.harvest_job import HarvestDestination, HarvestJob, HarvestPlan, job_endpoint, reaching_back_to
from understudy_domain.hls.media_playlist import MediaPlaylist
from understudy_domain.hls.multivariant_playlist import MultivariantPlaylist
from understudy_domain.hls.playlist import parse_playlist
from understudy_domain.timeshift import Cut, Span, TimeWindow, cut, newest_lineup

ENTRIES = make_entries(30)
LATER = ENTRIES[-1].program_date_time + seconds(7_200)


def make_job(*, start: int = 5, end: int = 12, entries: list[ProgramEntry] = ENTRIES) -> HarvestJob:
    endpoint = replace(make_endpoint(date_interval_seconds=6), startover_window_seconds=600, whitelist=("10.0.0.0/8",))
    return HarvestJob(
        id="show",
        guid="0123456789abcdef" * 2,
        origin_endpoint=job_endpoint(endpoint),
        start=entries[start].program_date_time,
        end=entries[end].program_date_time,
        destination=HarvestDestination("vod", "shows/today/index.m3u8", "role"),
        created_at=0,
    )


def found_in(job: HarvestJob, entries: list[ProgramEntry], *, now: int = LATER, ended: bool = False) -> Cut:
    pages = pages_of(entries, size=8)
    spans = [Span(page.key, 0, len(page)) for page in pages]
    return driven(cut(spans, TimeWindow(job.start, job.end), now=now, time_delay=0, ended=ended), pages)


def planned(job: HarvestJob, entries: list[ProgramEntry]) -> HarvestPlan:
    found = found_in(job, entries)
    selection = job.origin_endpoint.hls_package.stream_selection
    return first_plan(found, driven(newest_lineup(found.spans, selection=selection), pages_of(entries, size=8)))


def playlists_of(job: HarvestJob, entries: list[ProgramEntry], *, size: int) -> tuple[dict[str, bytes], bytes]:
    plan = planned(job, entries)
    pages = {page.key: page for page in pages_of(entries, size=size)}
    rendered = AssetPlaylists(job, plan)
    whole = [Span(key, 0, len(page)) for key, page in pages.items()]
    for span in spans_within(whole, first=plan.first_sequence, last=plan.last_sequence):
        rendered.add(pages[span.key], span)
    return dict(rendered.media_playlists()), rendered.multivariant_playlist()


def test_an_asset_has_the_slots_of_its_window_and_is_complete() -> None:
    media, multivariant = playlists_of(make_job(), ENTRIES, size=8)
    assert media.keys() == {"shows/today/show-01234567/index_v1.m3u8"}
    playlist = parse_playlist(media["shows/today/show-01234567/index_v1.m3u8"].decode())
    assert isinstance(playlist, MediaPlaylist)
    assert [one.uri for one in playlist.segments] == [f"r1/v1/{number}.ts" for number in range(5, 12)]
    assert (playlist.playlist_type, playlist.ended, playlist.media_sequence) == ("VOD", True, 5)
    top = parse_playlist(multivariant.decode())
    assert isinstance(top, MultivariantPlaylist)
    assert [one.uri for one in top.variants] == ["show-01234567/index_v1.m3u8"]


@given(st.integers(1, 31))
def test_an_asset_is_the_same_however_the_programme_is_cut_into_pages(size: int) -> None:
    assert playlists_of(make_job(), ENTRIES, size=size) == playlists_of(make_job(), ENTRIES, size=8)


def test_what_a_rendition_lacks_is_a_gap_and_nothing_is_copied_for_it() -> None:
    video, audio = make_video(make_piece(6), audio_group="audio"), make_audio(make_piece(6))
    entries = [make_entry(number, renditions=[video, audio]) for number in range(20)]
    entries[7] = replace(entries[7], renditions=(video, make_audio()))
    entries[8] = replace(entries[8], renditions=())
    job = make_job(entries=entries)
    plan = planned(job, entries)
    assert plan.renditions == ("v1", "a1")
    (page,) = pages_of(entries, size=20)
    slots = list(slots_of(job, plan, page, Span(page.key, 5, 10)))
    assert [(slot.media_sequence, [one.rendition for one in slot.segments]) for slot in slots] == [
        (5, ["v1", "a1"]),
        (6, ["v1", "a1"]),
        (7, ["v1"]),
        (8, []),
        (9, ["v1", "a1"]),
    ]
    assert slots[0].segments[1].key == "shows/today/show-01234567/r1/a1/5.ts"
    media, _ = playlists_of(job, entries, size=8)
    audio_playlist = parse_playlist(media["shows/today/show-01234567/index_a1.m3u8"].decode())
    assert isinstance(audio_playlist, MediaPlaylist)
    assert [one.gap for one in audio_playlist.segments] == [False, False, True, True, False, False, False]


def test_a_window_of_nothing_but_gaps_makes_no_asset() -> None:
    with pytest.raises(HarvestFailed, match="nothing to offer"):
        planned(make_job(), [replace(entry, renditions=()) for entry in ENTRIES])


def test_a_programme_that_lacks_a_slot_of_the_plan_says_which() -> None:
    pages = pages_of(ENTRIES, size=8)
    spans = [Span(page.key, 0, len(page)) for page in pages]
    assert [(one.first, one.end - one.begin) for one in spans_within(spans, first=6, last=17)] == [
        (6, 2),
        (8, 8),
        (16, 2),
    ]
    with pytest.raises(HarvestFailed, match=r"slot 8 .* of slots 6 to 17"):
        spans_within([spans[0], *spans[2:]], first=6, last=17)
    with pytest.raises(HarvestFailed, match="slot 30 "):
        spans_within(spans, first=6, last=30)
    assert spans_within(spans, first=6, last=5) == []


def test_a_window_is_over_once_a_slot_reaches_its_end() -> None:
    job = make_job()
    before, at = ENTRIES[10], ENTRIES[11]
    assert not may_be_over(job, before, now=LATER)
    assert may_be_over(job, at, now=at.available_at)
    assert not may_be_over(job, None, now=LATER)
    now = at.available_at
    assert is_over(job, found_in(job, ENTRIES, now=now), at, now=now, wait=seconds(60))
    early = found_in(job, ENTRIES, now=now - 1)
    assert not is_over(job, early, at, now=now - 1, wait=seconds(60))


def test_a_programme_that_ended_is_not_waited_for_beyond_the_end_of_the_window() -> None:
    job, entries = make_job(), ENTRIES[:9]
    ended = replace(entries[-1], ended=True)
    found = found_in(job, entries, now=job.end, ended=True)
    assert not may_be_over(job, ended, now=job.end - 1)
    assert may_be_over(job, ended, now=job.end)
    assert is_over(job, found, ended, now=job.end, wait=seconds(60))
    assert not is_over(job, found, entries[-1], now=job.end, wait=seconds(60))
    assert is_over(job, found, entries[-1], now=job.end + seconds(60), wait=seconds(60))


def test_a_time_delay_is_waited_for_as_well() -> None:
    job = make_job()
    delayed = replace(job, origin_endpoint=replace(job.origin_endpoint, time_delay_seconds=30))
    assert delayed.is_due_at == job.end + seconds(30)
    assert not is_over(delayed, None, None, now=job.end + seconds(80), wait=seconds(60))
    assert is_over(delayed, None, None, now=job.end + seconds(90), wait=seconds(60))


def test_what_is_known_and_not_available_yet_is_waited_for_however_long_that_takes() -> None:
    held = [replace(entry, available_at=LATER + seconds(9_000)) for entry in ENTRIES[9:]]
    entries = [*ENTRIES[:9], *held]
    job = make_job(entries=entries)
    known = found_in(job, entries, now=1 << 62)
    for now in (LATER, LATER + seconds(8_999)):
        found = found_in(job, entries, now=now)
        assert not found.is_complete
        assert not is_over(job, found, entries[-1], now=now, wait=0, known=known)
    assert not is_over(job, None, entries[-1], now=LATER, wait=0, known=known)
    now = LATER + seconds(9_000)
    assert is_over(job, found_in(job, entries, now=now), entries[-1], now=now, wait=0, known=known)


def test_what_is_missing_at_either_end_is_said() -> None:
    job = make_job()
    assert shortfall(job, begins=job.start - seconds(1), ends=job.end) == ""
    assert shortfall(job, begins=job.start + seconds(3), ends=job.end - seconds(1.5)) == (
        "the programme begins 3 s after the window; the programme ends 1.5 s before the window"
    )


@given(st.data(), st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_what_counts_as_stored_has_no_hole_whatever_ends_first(data: st.DataObject, shapes: list[int]) -> None:
    mark = Watermark(99, 7, 1_000)
    under_way: list[int] = []
    left: dict[int, int] = {}
    to_begin = list(enumerate(shapes, start=100))
    while to_begin or under_way:
        if to_begin and (not under_way or data.draw(st.booleans())):
            number, segments = to_begin.pop(0)
            mark.begin(number, segments)
            left[number] = segments
            under_way += [number] * segments
        else:
            number = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
            left[number] -= 1
            mark.stored(number, number)
        done = list(itertools.takewhile(lambda one: left.get(one) == 0, range(100, 100 + len(shapes))))
        assert mark.stored_up_to == 99 + len(done)
        assert mark.segments == 7 + sum(shapes[one - 100] for one in done)
        assert mark.bytes == 1_000 + sum(one * shapes[one - 100] for one in done)


def test_a_job_is_written_and_read_and_keeps_of_its_endpoint_what_it_needs() -> None:
    job = make_job()
    assert codec.decode_as(HarvestJob, codec.encode(job)) == job
    assert job.origin_endpoint.whitelist == ()
    assert job.origin_endpoint.hls_package.program_date_time_interval_seconds == 6
    assert ticks.to_seconds(job.end - job.start) == 42


def test_an_endpoint_is_kept_as_far_back_as_an_unfinished_job_reaches() -> None:
    endpoint = make_endpoint(delay_seconds=10)
    now = ticks.from_seconds(1_800_000_000)
    assert reaching_back_to(endpoint, now - seconds(300), now=now).startover_window_seconds == 360
    longer = replace(endpoint, startover_window_seconds=600)
    assert reaching_back_to(longer, now - seconds(300), now=now) is longer
    assert reaching_back_to(endpoint, now + seconds(55), now=now).startover_window_seconds == 11
