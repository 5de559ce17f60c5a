"""What players and CDNs are answered, over real sockets."""

from __future__ import annotations

import gzip
import json
import secrets
from dataclasses import replace

import pytest

from support.deadline import eventually
from support.egress_process import LIVE, Answer, EgressProcess
from support.program_publisher import ProgramPublisher, Shown
from support.transport_stream import continuity_errors
from understudy_domain import ticks
from understudy_runtime import clock

FORCE_LONG_WAY = "TE: trailers"
"""Egress answers it like no header at all, but not on the fast path."""


def assert_is_never_cached(answer: Answer) -> None:
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"


async def publish(publisher: ProgramPublisher, shown: Shown, count: int) -> None:
    await publisher.configure(shown.endpoint)
    for _ in range(count):
        await publisher.publish(shown.endpoint)


async def test_playlists_are_listed_typed_short_lived_and_open_to_every_page(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 5)
    answer = egress.get(shown.multivariant)
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["cache-control"] == LIVE
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert b"RESOLUTION=1280x720" in answer.body
    assert b"\nindex_v1.m3u8\n" in answer.body
    media = egress.get(shown.media)
    assert media.body.count(b"#EXTINF:2.00000,") == 5
    assert media.headers["x-mediapackage-manifest-last-sequence"] == "4"


async def test_both_ways_of_answering_say_the_same(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 5)
    etags = {path: egress.get(path).headers["etag"] for path in (shown.multivariant, shown.media, shown.segment(1))}
    gzip_etag = egress.get(shown.media, "Accept-Encoding: gzip").headers["etag"]
    with egress.connect() as kept:
        for path in (
            shown.multivariant,
            shown.media,
            shown.media + "?x=1&y",
            shown.segment(1),
            shown.segment(1) + "?token=1",
        ):
            for method in ("GET", "HEAD"):
                for headers in (
                    [],
                    ["Accept-Encoding: gzip, deflate"],
                    ["Accept-Encoding: gzip;q=0"],
                    [f"If-None-Match: {etags[path.partition('?')[0]]}"],
                    [f'If-None-Match: W/{etags[path.partition("?")[0]]}, "x"'],
                    ['If-None-Match: "x"'],
                    [f"If-None-Match: {gzip_etag}", "Accept-Encoding: gzip"],
                    ["Origin: https://player.example", "User-Agent: x"],
                ):
                    quick = kept.request(path, *headers, method=method)
                    slow = kept.request(path, *headers, FORCE_LONG_WAY, method=method)
                    assert quick == slow, (path, method, headers)
                    assert quick.status in (200, 304)
        assert not kept.has_leftovers


async def test_gzip_is_another_representation_with_a_tag_of_its_own(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 5)
    plain = egress.get(shown.media)
    zipped = egress.get(shown.media, "Accept-Encoding: gzip")
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.headers["etag"] != plain.headers["etag"]
    assert egress.get(shown.media, f"If-None-Match: {plain.headers['etag']}").status == 304
    assert egress.get(shown.media, f"If-None-Match: {plain.headers['etag']}", "Accept-Encoding: gzip").status == 200
    unchanged = egress.get(shown.media, f"If-None-Match: {zipped.headers['etag']}", "Accept-Encoding: gzip")
    assert unchanged.status == 304
    assert unchanged.body == b""
    assert unchanged.headers["etag"] == zipped.headers["etag"]
    assert unchanged.headers["cache-control"] == LIVE


async def test_a_changed_playlist_has_another_tag(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 3)
    before = egress.get(shown.media)
    await publisher.publish(shown.endpoint)
    eventually(lambda: egress.get(shown.media).body != before.body, within_seconds=20, what="the new entry is listed")
    assert egress.get(shown.media, f"If-None-Match: {before.headers['etag']}").status == 200


async def test_a_segment_is_the_join_of_its_pieces_and_immutable(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publisher.configure(shown.endpoint)
    entry = await publisher.publish(shown.endpoint)
    head = egress.get(shown.segment(0), method="HEAD")
    assert head.headers["content-length"] == str(entry.renditions[0].size)
    answer = egress.get(shown.segment(0))
    assert answer.status == 200
    assert answer.headers == head.headers
    assert answer.headers["content-type"] == "video/mp2t"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["accept-ranges"] == "bytes"
    assert len(answer.body) == entry.renditions[0].size
    assert not continuity_errors(answer.body)
    assert egress.get(shown.segment(0), f"If-None-Match: {answer.headers['etag']}").status == 304


async def test_segments_that_are_read_as_one_stream_are_continuous(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 4)
    segments = [egress.get(shown.segment(number)) for number in range(4)]
    assert {answer.status for answer in segments} == {200}
    assert not continuity_errors(b"".join(answer.body for answer in segments))


async def test_ranges_of_a_segment(egress: EgressProcess, publisher: ProgramPublisher, shown: Shown) -> None:
    await publish(publisher, shown, 1)
    whole = egress.get(shown.segment(0)).body
    etag = egress.get(shown.segment(0)).headers["etag"]
    size = len(whole)
    part = egress.get(shown.segment(0), "Range: bytes=188-375")
    assert (part.status, part.body) == (206, whole[188:376])
    assert part.headers["content-range"] == f"bytes 188-375/{size}"
    assert egress.get(shown.segment(0), "Range: bytes=-10").body == whole[-10:]
    assert egress.get(shown.segment(0), "Range: bytes=100-").body == whole[100:]
    assert egress.get(shown.segment(0), "Range: bytes=0-9", f"If-Range: {etag}").body == whole[:10]
    assert egress.get(shown.segment(0), "Range: bytes=0-9", 'If-Range: "x"').status == 200
    beyond = egress.get(shown.segment(0), f"Range: bytes={size}-")
    assert beyond.status == 416
    assert beyond.headers["content-range"] == f"bytes */{size}"
    assert_is_never_cached(beyond)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/out/v1/{'0' * 32}/index.m3u8", 404, "unknown"),
        ("/out/v1/GUID/other.m3u8", 404, "unknown"),
        ("/out/v1/GUID/index_v2.m3u8", 404, "unknown"),
        ("/out/v1/GUID/r1/v1/x.ts", 404, "unknown"),
        ("/out/v1/GUID/r1/v1/0.mp4", 404, "unknown"),
        ("/out/v1/GUID/r2/v1/0.ts", 404, "unknown"),
        ("/out/v1/GUID/r1/v2/0.ts", 404, "unknown"),
        (f"/out/v1/GUID/r1/v1/{10**12}.ts", 404, "not_yet_available"),
        ("/out/v1/../../etc/passwd", 404, "unknown"),
        ("/out/v1/%ff/index.m3u8", 404, "unknown"),
    ],
)
async def test_what_is_not_there_says_why_and_is_never_cached(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown, path: str, status: int, code: str
) -> None:
    await publish(publisher, shown, 1)
    path = path.replace("GUID", shown.endpoint.guid)
    answer = egress.get(path)
    assert answer.status == status
    assert json.loads(answer.body)["code"] == code
    assert_is_never_cached(answer)
    assert egress.get(path, method="HEAD").head == answer.head


async def test_before_the_first_slot_every_playlist_is_not_yet_available(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publisher.configure(shown.endpoint)
    await publisher.publish(shown.endpoint, available_at=clock.now_ticks() + ticks.from_seconds(2))
    for path in (shown.multivariant, shown.media, shown.segment(0)):
        answer = egress.get(path)
        assert answer.status == 404
        assert json.loads(answer.body)["code"] == "not_yet_available"
        assert_is_never_cached(answer)
    eventually(
        lambda: egress.get(shown.multivariant).status == 200, within_seconds=20, what="the first slot is available"
    )
    assert egress.get(shown.media).status == egress.get(shown.segment(0)).status == 200


async def test_an_entry_appears_when_its_instant_comes(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 1)
    assert egress.get(shown.media).status == 200
    instant = clock.now_ticks() + ticks.from_seconds(1)
    await publisher.publish(shown.endpoint, available_at=instant)
    eventually(
        lambda: b"/1.ts" in egress.get(shown.media).body, within_seconds=20, what="it is listed", poll_seconds=0.005
    )
    assert 0 <= clock.now_ticks() - instant < ticks.from_seconds(0.2)


async def test_an_old_client_is_answered_and_let_go(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 3)
    expected = egress.get(shown.media)
    with egress.connect() as connection:
        connection.send(f"GET {shown.media} HTTP/1.0\r\n\r\n".encode())
        answer = connection.answer()
        assert (answer.status, answer.body) == (200, expected.body)
        with pytest.raises(ConnectionError):
            connection.answer()


async def test_readiness_names_what_it_needs(egress: EgressProcess) -> None:
    assert json.loads(egress.get("/readyz").body) == {"ready": True, "checks": {"storage": "ok", "program": "ok"}}
    assert egress.get("/healthz").status == 200


async def test_preflights_and_other_methods(egress: EgressProcess, publisher: ProgramPublisher, shown: Shown) -> None:
    preflight = egress.get(shown.media, "Origin: https://x", "Access-Control-Request-Method: GET", method="OPTIONS")
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert "Range" in preflight.headers["access-control-allow-headers"]
    refused = egress.get(shown.media, "Content-Length: 0", method="PUT")
    assert refused.status == 405
    assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
    assert_is_never_cached(refused)


@pytest.mark.compatibility("OriginEndpoint.origination", "OriginEndpoint.hlsPackage.playlistWindowSeconds")
async def test_a_changed_configuration_is_followed(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 12)
    assert egress.get(shown.media).body.count(b"#EXTINF") == 12
    assert egress.get(shown.segment(11)).status == 200
    shorter = replace(shown.endpoint, hls_package=replace(shown.endpoint.hls_package, playlist_window_seconds=10))
    await publisher.configure(shorter)
    eventually(
        lambda: egress.get(shown.media).body.count(b"#EXTINF") == 5, within_seconds=20, what="the window is shorter"
    )
    await publisher.configure(shown.endpoint)
    eventually(
        lambda: egress.get(shown.media).body.count(b"#EXTINF") == 12, within_seconds=20, what="the window is long again"
    )
    await publisher.configure(replace(shown.endpoint, manifest_name="main"))
    eventually(lambda: egress.get(shown.media).status == 404, within_seconds=20, what="the old name is gone")
    assert b"main_v1.m3u8" in egress.get(shown.multivariant.replace("index", "main")).body
    await publisher.configure(replace(shown.endpoint, origination="DENY"))
    eventually(lambda: egress.get(shown.media).status == 403, within_seconds=20, what="origination is denied")
    assert_is_never_cached(egress.get(shown.media))
    assert egress.get(shown.segment(11)).status == 403
    await publisher.configure(replace(shown.endpoint, whitelist=("10.0.0.0/8",)))
    assert egress.get(shown.media).status == 403
    await publisher.configure(replace(shown.endpoint, whitelist=("10.0.0.0/8", "127.0.0.1/32")))
    eventually(lambda: egress.get(shown.media).status == 200, within_seconds=20, what="this client is let in")
    await publisher.remove(shown.endpoint)
    eventually(lambda: egress.get(shown.media).status == 404, within_seconds=20, what="the origin endpoint is gone")
    assert egress.get(shown.segment(11)).status == 404
    assert f'origin_endpoint="{shown.endpoint.id}"'.encode() not in egress.get("/metrics").body


async def test_an_origin_endpoint_is_known_as_soon_as_it_is_written(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    for number in range(20):
        endpoint = replace(shown.endpoint, id=f"{shown.endpoint.id}-{number}", guid=secrets.token_hex(16))
        await publisher.configure(endpoint)
        answer = egress.get(f"/out/v1/{endpoint.guid}/index.m3u8")
        assert json.loads(answer.body)["code"] == "not_yet_available"


async def test_requests_one_behind_the_other_are_answered_in_order(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 3)
    paths = [
        shown.media,
        shown.segment(0),
        shown.multivariant,
        "/readyz",
        shown.media,
        shown.segment(0),
        shown.segment(1),
        shown.multivariant,
    ] * 3
    expected = [egress.get(path).body for path in paths]
    with egress.connect() as connection:
        connection.send(b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths))
        assert [connection.answer().body for _ in paths] == expected
        connection.send(f"GET {shown.media} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert connection.answer().headers["connection"] == "close"
        with pytest.raises(ConnectionError):
            connection.answer()


async def test_a_request_in_pieces_and_one_with_a_body(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 3)
    expected = egress.get(shown.media).body
    with egress.connect() as connection:
        for byte in f"GET {shown.media} HTTP/1.1\r\nHost: x\r\n\r\n".encode():
            connection.send(bytes([byte]))
        assert connection.answer().body == expected
        connection.send(f"GET {shown.media} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".encode())
        assert connection.answer().body == expected
        assert connection.request(shown.media).body == expected
        connection.send(b"GARBAGE\r\n\r\n")
        assert connection.answer().status == 400


async def test_metrics_count_both_ways_of_answering(
    egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, shown, 3)
    etag = egress.get(shown.media).headers["etag"]
    egress.get(shown.media, f"If-None-Match: {etag}")
    samples = (
        'understudy_http_requests_total{component="egress",method="GET",route="media_playlist",status="200"}',
        'understudy_http_requests_total{component="egress",method="GET",route="media_playlist",status="304"}',
        'understudy_http_request_seconds_count{component="egress",route="media_playlist"}',
        'understudy_egress_segment_cache_requests_total{result="miss"}',
    )
    before = [egress.metric(sample) for sample in samples]
    for _ in range(5):
        egress.get(shown.media)
        egress.get(shown.media, f"If-None-Match: {etag}")
        egress.get(shown.media, FORCE_LONG_WAY)
        egress.get(shown.segment(0))
    assert [egress.metric(sample) - earlier for sample, earlier in zip(samples, before, strict=True)] == [10, 5, 15, 1]
    age = egress.metric(f'understudy_playlist_age_seconds{{channel="channel",origin_endpoint="{shown.endpoint.id}"}}')
    assert 0 <= age < 20
