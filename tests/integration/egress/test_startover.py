"""Windows of the past, over real sockets: from the log, from index pages, and from both."""

from __future__ import annotations

import gzip
import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urljoin

import pytest

from support.deadline import eventually
from support.egress_process import LIVE, Answer, EgressProcess
from support.hls_reader import read_media_playlist, read_multivariant_playlist
from support.program_entries import CHANNEL_GUID, make_entry, make_piece, make_video
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain import keys, ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.index_page import IndexPage
from understudy_domain.stream_selection import StreamSelection
from understudy_runtime import clock
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings

SLOT = ticks.from_seconds(2)
BODY = b"G" * 188 * 10


@pytest.fixture
def shown(shown: Shown) -> Shown:
    """With an hour to start over in."""
    return Shown(replace(shown.endpoint, startover_window_seconds=3600))


def whole_second() -> int:
    return clock.now_ticks() // ticks.TICKS_PER_SECOND * ticks.TICKS_PER_SECOND


def past_entries(shown: Shown, count: int, *, end: int) -> list[ProgramEntry]:
    """Slots up to an instant, each available when it ended, each of an object of its own."""
    run, begin = secrets.token_hex(16), end - count * SLOT
    entries = []
    for number in range(count):
        date = begin + number * SLOT
        key = keys.media_object_key(
            CHANNEL_GUID, 1, received_milliseconds=date // 90, upload=f"{run}{number:08x}", suffix="ts"
        )
        piece = make_piece(number, duration=SLOT, size=len(BODY), object_key=key)
        entry = make_entry(number, slot_duration=SLOT, renditions=[make_video(piece)], endpoint=shown.endpoint)
        entries.append(
            replace(
                entry, program_date_time=date, available_at=date + SLOT, as_of=replace(entry.as_of, instant=date + SLOT)
            )
        )
    return entries


async def publish(
    publisher: ProgramPublisher,
    store: ObjectStore,
    shown: Shown,
    entries: Sequence[ProgramEntry],
    *,
    paged: Sequence[int],
) -> None:
    """Entries up to the last of ``paged`` stand in pages that end there, the others in the log."""
    await publisher.configure(shown.endpoint)
    for begin, end in zip([0, *paged], paged, strict=False):
        page = IndexPage.of(entries[begin:end])
        await store.put(page.key.render(), page.encode())
    for entry in entries[paged[-1] if paged else 0 :]:
        await publisher.append(entry, shown.endpoint)


def iso(instant: int) -> str:
    return ticks.to_iso8601(instant).replace(".000", "")


def path_of(shown: Shown, name: str, start: int, end: int | None = None) -> str:
    window = f"start/{iso(start)}/" + (f"end/{iso(end)}/" if end is not None else "")
    return f"/out/v1/{shown.endpoint.guid}/{window}{name}"


def assert_refused(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.headers["cache-control"]) == (status, "no-store"), answer
    assert json.loads(answer.body)["code"] == code


@pytest.fixture
def store(shared_settings: CommonSettings) -> ObjectStore:
    return ObjectStore(shared_settings)


async def test_a_window_is_the_same_playlist_wherever_its_entries_stand(
    egress: EgressProcess,
    publisher: ProgramPublisher,
    store: ObjectStore,
    shown: Shown,
    shared_settings: CommonSettings,
) -> None:
    end = whole_second()
    entries = past_entries(shown, 600, end=end)
    start, until = end - ticks.from_seconds(900), end - ticks.from_seconds(100)
    answers = []
    for paged in ([], [100, 300, 350, 500], [100, 600]):
        one = Shown(replace(shown.endpoint, guid=secrets.token_hex(16), id=f"endpoint-{secrets.token_hex(4)}"))
        mine = [replace(entry, origin_endpoint=one.endpoint.guid) for entry in entries]
        await publish(publisher, store, one, mine, paged=paged)
        if paged[-1:] == [600]:
            await publisher.append(mine[-1], one.endpoint)  # the newest entry always stands in the log
        answers.append(egress.get(path_of(one, "index_v1.m3u8", start, until)))
    assert [one.status for one in answers] == [200] * 3, answers
    assert answers[0].body == answers[1].body == answers[2].body
    timeless = [{name: one.headers[name] for name in one.headers if name != "cache-control"} for one in answers]
    assert timeless[0] == timeless[1] == timeless[2], "but for how long it may be kept, which gets less every second"
    media = read_media_playlist(answers[0].body.decode(), url="http://e/")
    assert len(media.segments) == 400
    assert b"\n../../../../r1/v1/150.ts\n" in answers[0].body


async def test_a_window_that_is_over_may_be_kept_as_long_as_it_is_in_reach(
    egress: EgressProcess, publisher: ProgramPublisher, store: ObjectStore, shown: Shown
) -> None:
    end = whole_second()
    await publish(publisher, store, shown, past_entries(shown, 100, end=end), paged=[64])
    start, until = end - ticks.from_seconds(180), end - ticks.from_seconds(20)
    plain = egress.get(path_of(shown, "index_v1.m3u8", start, until))
    assert plain.status == 200
    assert b"#EXT-X-PLAYLIST-TYPE:VOD\n" in plain.body
    assert plain.body.endswith(b"#EXT-X-ENDLIST\n")
    directive, _, seconds = plain.headers["cache-control"].partition("max-age=")
    assert directive == "public, "
    assert 3600 - 180 - 30 < int(seconds) <= 3600 - 180
    packed = egress.get(path_of(shown, "index_v1.m3u8", start, until), "Accept-Encoding: gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    for answer, ask in ((plain, []), (packed, ["Accept-Encoding: gzip"])):
        again = egress.get(
            path_of(shown, "index_v1.m3u8", start, until), *ask, f"If-None-Match: {answer.headers['etag']}"
        )
        assert (again.status, again.body) == (304, b"")
    head = egress.get(path_of(shown, "index_v1.m3u8", start, until), method="HEAD")
    assert (head.status, head.headers["content-length"]) == (200, str(len(plain.body)))


@pytest.mark.compatibility("OriginEndpoint.startoverWindowSeconds")
async def test_a_window_grows_with_the_programme_until_it_is_over(
    egress: EgressProcess, publisher: ProgramPublisher, store: ObjectStore, shown: Shown
) -> None:
    end = whole_second()
    entries = past_entries(shown, 40, end=end)
    await publish(publisher, store, shown, entries[:30], paged=[])
    start = entries[10].program_date_time
    fixed = path_of(shown, "index_v1.m3u8", start, entries[35].program_date_time)
    growing = path_of(shown, "index_v1.m3u8", start)

    def listed(path: str) -> int:
        answer = egress.get(path)
        assert answer.status == 200, answer
        return answer.body.count(b"#EXTINF")

    assert (listed(fixed), listed(growing)) == (20, 20)
    assert egress.get(fixed).headers["cache-control"] == LIVE
    assert b"#EXT-X-PLAYLIST-TYPE:EVENT\n" in egress.get(fixed).body
    for entry in entries[30:]:
        await publisher.append(entry, shown.endpoint)
    eventually(lambda: listed(growing) == 30, within_seconds=10, what="all ten are listed")
    assert listed(fixed) == 25
    assert b"#EXT-X-PLAYLIST-TYPE:VOD\n" in egress.get(fixed).body
    assert b"#EXT-X-ENDLIST" not in egress.get(growing).body


async def test_a_multivariant_playlist_leads_to_playlists_of_the_same_window_and_to_the_same_segments(
    egress: EgressProcess, publisher: ProgramPublisher, store: ObjectStore, shown: Shown
) -> None:
    end = whole_second()
    entries = past_entries(shown, 100, end=end)
    await store.put(entries[20].renditions[0].pieces[0].object_key, BODY)
    await publish(publisher, store, shown, entries, paged=[64])
    start, until = entries[20].program_date_time, entries[30].program_date_time
    posix = [instant // ticks.TICKS_PER_SECOND for instant in (start, until)]
    base = f"http://e/out/v1/{shown.endpoint.guid}/"
    for url in (
        f"{base}start/{posix[0]}/end/{posix[1]}/index.m3u8",
        f"{base}index.m3u8?start={iso(start)}&end={iso(until)}&m=1",
        f"{base}index.m3u8?end={posix[1]}&start={iso(start).replace(':', '%3A')}",
    ):
        multivariant = egress.get(url.removeprefix("http://e"))
        assert multivariant.status == 200, multivariant
        (child,) = read_multivariant_playlist(multivariant.body.decode(), url=url)
        media = egress.get(child.removeprefix("http://e"))
        playlist = read_media_playlist(media.body.decode(), url=child)
        assert len(playlist.segments) == 10
        first = urljoin(child, playlist.segments[0].url)
        assert first == f"{base}r1/v1/20.ts"
        segment = egress.get(first.removeprefix("http://e"))
        assert (segment.status, segment.body) == (200, BODY)
    gone = egress.get(f"/out/v1/{shown.endpoint.guid}/r1/v1/21.ts")
    assert_refused(gone, 404, "left_window")
    assert_refused(egress.get(f"/out/v1/{shown.endpoint.guid}/r1/v9/20.ts"), 404, "unknown")


async def test_a_changed_configuration_is_followed_by_windows_that_were_rendered_before(
    egress: EgressProcess, publisher: ProgramPublisher, store: ObjectStore, shown: Shown
) -> None:
    end = whole_second()
    await publish(publisher, store, shown, past_entries(shown, 100, end=end), paged=[64])
    window = end - ticks.from_seconds(180), end - ticks.from_seconds(20)
    index, renamed = path_of(shown, "index.m3u8", *window), path_of(shown, "renamed.m3u8", *window)
    assert (egress.get(index).status, egress.get(renamed).status) == (200, 404)
    dated = egress.get(path_of(shown, "index_v1.m3u8", *window)).body
    package = replace(shown.endpoint.hls_package, program_date_time_interval_seconds=0)
    await publisher.configure(replace(shown.endpoint, manifest_name="renamed", hls_package=package))
    eventually(lambda: egress.get(renamed).status == 200, within_seconds=10, what="the new name is known")
    assert egress.get(index).status == 404
    assert b"\nrenamed_v1.m3u8\n" in egress.get(renamed).body
    plain = egress.get(path_of(shown, "renamed_v1.m3u8", *window)).body
    assert plain == b"".join(line for line in dated.splitlines(keepends=True) if b"PROGRAM-DATE-TIME" not in line)


async def test_an_end_alone_is_the_live_playlist(
    egress: EgressProcess, publisher: ProgramPublisher, store: ObjectStore, shown: Shown
) -> None:
    await publish(publisher, store, shown, past_entries(shown, 50, end=whole_second()), paged=[])
    live = egress.get(shown.media)
    assert egress.get(shown.media + "?end=1000").body == live.body
    in_path = egress.get(f"/out/v1/{shown.endpoint.guid}/end/1000/index_v1.m3u8")
    assert in_path.body == live.body.replace(b"\nr1/", b"\n../../r1/")
    multivariant = egress.get(f"/out/v1/{shown.endpoint.guid}/end/1000/index.m3u8")
    assert multivariant.body == egress.get(shown.multivariant).body


async def test_what_cannot_be_shown_says_why(
    egress: EgressProcess, publisher: ProgramPublisher, store: ObjectStore, shown: Shown
) -> None:
    end = whole_second()
    await publish(publisher, store, shown, past_entries(shown, 50, end=end), paged=[])
    now = end // ticks.TICKS_PER_SECOND
    for query in (f"start={now - 3700}", f"start={now + 100}", f"start={now + 100}&end={now + 200}"):
        assert_refused(egress.get(f"{shown.media}?{query}"), 404, "out_of_window")
    for query in ("start=now", f"start={now}&end={now}", f"start={now}&start={now}", f"start={now}&end={now + 86401}"):
        assert_refused(egress.get(f"{shown.media}?{query}"), 400, "malformed_playlist_request")
    assert_refused(egress.get(f"{shown.media.replace('v1.m3u8', 'v7.m3u8')}?start={now - 60}"), 404, "unknown")
    assert_refused(egress.get(f"{shown.media.replace('index_', 'other_')}?start={now - 60}"), 404, "unknown")
    never = Shown(replace(shown.endpoint, guid=secrets.token_hex(16), id="never", startover_window_seconds=0))
    await publish(publisher, store, never, past_entries(never, 5, end=end), paged=[])
    assert_refused(egress.get(f"{never.media}?start={now - 5}"), 404, "out_of_window")


async def test_without_the_storage_a_window_is_not_answered_wrongly(
    publisher: ProgramPublisher, store: ObjectStore, shown: Shown, shared_settings: CommonSettings, logs: Path
) -> None:
    end = whole_second()
    await publish(publisher, store, shown, past_entries(shown, 50, end=end), paged=[32])
    away = shared_settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})
    with EgressProcess(logs, away) as process:
        assert process.get(shown.media).status == 200
        answer = process.get(path_of(shown, "index_v1.m3u8", end - ticks.from_seconds(60)))
        assert_refused(answer, 503, "media_unavailable")
        assert answer.headers["retry-after"] == "1"


async def test_a_window_of_the_past_is_filtered_and_offers_no_more_than_the_live_playlist(
    egress: EgressProcess, publisher: ProgramPublisher, store: ObjectStore, shown: Shown
) -> None:
    end = whole_second()
    entries = past_entries(shown, 300, end=end)
    await store.put(entries[10].renditions[0].pieces[0].object_key, BODY)
    await publish(publisher, store, shown, entries, paged=[200])
    window = end - ticks.from_seconds(590), end - ticks.from_seconds(100)
    whole, media = (path_of(shown, name, *window) for name in ("index.m3u8", "index_v1.m3u8"))
    assert egress.get(f"{whole}?aws.manifestfilter=video_height:720").body == egress.get(whole).body
    assert_refused(egress.get(f"{whole}?aws.manifestfilter=video_height:1"), 400, "manifest_filter_leaves_nothing")
    assert_refused(egress.get(f"{media}?aws.manifestfilter=video_height:720"), 400, "malformed_manifest_filter")
    assert [egress.get(path).status for path in (media, shown.segment(10))] == [200, 200]
    package = replace(shown.endpoint.hls_package, stream_selection=StreamSelection(min_video_bits_per_second=3_000_000))
    await publisher.configure(replace(shown.endpoint, hls_package=package))
    eventually(lambda: egress.get(shown.media).status == 404, within_seconds=20, what="nothing is selected")
    assert [egress.get(path).status for path in (whole, media, shown.segment(10))] == [404, 404, 404]
