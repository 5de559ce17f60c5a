"""A channel whose way through a local stack is traced: pushed to by both inputs, and watched."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from support.encoder import PushTarget
from support.otlp_receiver import OtlpReceiver, ReceivedSpan

UPLOAD = "PUT /in/v2/{channel}/{ingest_endpoint}/{name}"
PLAYLIST = "GET /out/v1/{origin_endpoint}/{playlist}"


def environment(collector: OtlpReceiver) -> dict[str, str]:
    """What a stack is told so that it exports there, at once."""
    return {
        "UNDERSTUDY_TRACES": "otlp",
        "UNDERSTUDY_LOG_FORMAT": "json",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }


def put(target: PushTarget, name: str, body: bytes, **headers: str) -> None:
    """Push one file to an input."""
    base = target.url.rpartition("/")[0]
    auth = httpx.DigestAuth(target.username, target.password)
    answer = httpx.put(f"{base}/{name}", content=body, auth=auth, headers=headers)
    assert answer.is_success, answer.text


def push(inputs: Sequence[PushTarget], number: int, segment: bytes, **headers: str) -> None:
    """Push a segment and the playlist that names it to each of these inputs."""
    lines = [f"#EXTINF:2.0,\n{listed:05d}.ts" for listed in range(number + 1)]
    playlist = "\n".join(["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:2", *lines, ""])
    for target in inputs:
        put(target, f"{number:05d}.ts", segment, **headers)
        put(target, "channel_1.m3u8", playlist.encode())


def watch(url: str, **headers: str) -> None:
    """Ask for an origin endpoint's playlists, as a player does."""
    for line in httpx.get(url, headers=headers).text.splitlines():
        if line and not line.startswith("#"):
            httpx.get(f"{url.rpartition('/')[0]}/{line}", headers=headers)


def first(trace: Sequence[ReceivedSpan], name: str) -> ReceivedSpan:
    """The first span of a name."""
    return next(span for span in trace if span.name == name)


def way_of(trace: Sequence[ReceivedSpan]) -> list[ReceivedSpan]:
    """From a trace's first span to its request for a playlist, each the parent of the next."""
    by_id = {span.span_id: span for span in trace}
    way = [first(trace, PLAYLIST)]
    while way[0].parent_id:
        way.insert(0, by_id[way[0].parent_id])
    return way
