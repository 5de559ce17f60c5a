"""From the last byte of an encoder's playlist to the playlist that egress shows, on the running system."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.cases.uploads import authorization, create_channel
from bench.context import Case, Context
from bench.http import Connection, UnexpectedAnswer
from bench.installation import Access, running_installation
from bench.media import make_segments
from bench.published import RENDITION, endpoint_of
from bench.result import Figure, Result, Run, at_most
from bench.rounds import percentile
from understudy_domain import keys
from understudy_domain.channel import Channel, OriginEndpoint

_CHANNELS = 3
_WARM_UP_SEGMENTS = 5
"""Before these are over the controller may still be learning how long segments are."""
_LISTED = 5
_POLL_SECONDS = 0.0005
_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Programme:
    channel: Channel
    endpoint: OriginEndpoint


async def _create(access: Access) -> list[_Programme]:
    programmes = []
    for _ in range(_CHANNELS):
        channel = await create_channel(access)
        plain = endpoint_of(segments=30, segment_seconds=1, date_interval_seconds=1)
        endpoint = type(plain)(
            id=plain.id,
            guid=plain.guid,
            channel_id=channel.id,
            channel_guid=channel.guid,
            created_at=channel.created_at,
            hls_package=plain.hls_package,
        )
        await access.config.create(endpoint)
        programmes.append(_Programme(channel, endpoint))
    return programmes


def _measure(context: Context) -> Result:
    count = _WARM_UP_SEGMENTS + (8 if context.is_quick else 25)
    bodies = make_segments(context.directory / "media", count=count, seconds=1, bits_per_second=1_500_000)
    assert len(bodies) == count
    context.cores.use_all()
    try:
        with (
            running_installation(context.directory, cores=context.cores) as installation,
            installation.service("ingest", pinned=False) as ingest,
            installation.service("controller", pinned=False),
            installation.service("egress", pinned=False) as egress,
        ):
            programmes = installation.prepare(_create)
            begin = time.time() + 1.0
            encoders = [
                _Encoder(programme, bodies, ingest_port=ingest.port, egress_port=egress.port)
                for programme in programmes
            ]
            with ThreadPoolExecutor(_CHANNELS) as threads:
                # Apart from each other, so that they measure the system and not each other.
                starts = [begin + number / _CHANNELS for number in range(_CHANNELS)]
                runs = [run for found in threads.map(_Encoder.push, encoders, starts) for run in found]
    finally:
        context.cores.stay_on_load_core()
    listed = [run.values["listed_milliseconds"] for run in runs]
    stored = [run.values["segment_put_milliseconds"] for run in runs]
    figures = (
        Figure("listed, p50", percentile(listed, 50), "ms"),
        Figure("listed, p99", percentile(listed, 99), "ms", at_most(25)),
        Figure("listed, slowest", max(listed), "ms"),
        Figure("playlist PUT acknowledged, p50", percentile(_values(runs, "playlist_put_milliseconds"), 50), "ms"),
        Figure("segment PUT with S3, p50", percentile(stored, 50), "ms"),
        Figure("segment PUT with S3, p99", percentile(stored, 99), "ms"),
        Figure("segments", len(runs), ""),
        Figure("listed before their playlist came", sum(_values(runs, "listed_before")), ""),
    )
    return Result(CASE.name, CASE.title, figures, tuple(runs))


def _values(runs: Sequence[Run], name: str) -> list[float]:
    return [run.values[name] for run in runs]


class _Encoder:
    """Pushes segments of a second as they happen, and looks when each is listed."""

    def __init__(self, programme: _Programme, bodies: Sequence[bytes], *, ingest_port: int, egress_port: int) -> None:
        channel, endpoint = programme.channel, programme.endpoint
        ingest = channel.ingest_endpoints[0]
        self._name = channel.id
        self._base = keys.ingest_url_path(channel.guid, ingest.id)
        self._headers = authorization(ingest)
        playlist = keys.media_playlist_name(endpoint.manifest_name, RENDITION)
        self._playlist_path = f"/out/v1/{endpoint.guid}/{playlist}"
        self._bodies = bodies
        self._ingest = Connection(ingest_port)
        self._egress = Connection(egress_port)

    def push(self, begin: float) -> list[Run]:
        runs = []
        with self._ingest, self._egress:
            for number, body in enumerate(self._bodies):
                time.sleep(max(0.0, begin + number + 1 - time.time()))
                values = self._push_one(number, body, begin)
                if values is not None:
                    runs.append(Run(self._name, number, values))
        return runs

    def _push_one(self, number: int, body: bytes, begin: float) -> dict[str, float] | None:
        before = self._listed_count()
        started = time.perf_counter()
        self._put(f"{self._base}_{number:05d}.ts", body)
        stored = time.perf_counter()
        listed_before = self._listed_count() > before
        playlist = _playlist(number, begin)
        self._ingest.send("PUT", f"{self._base}.m3u8", self._headers, playlist)
        sent = time.perf_counter()
        warming_up = number < _WARM_UP_SEGMENTS
        listed_at = sent if warming_up else self._wait_for(before + 1)
        status = self._ingest.answer().status
        acknowledged = time.perf_counter()
        if status != 200:
            raise UnexpectedAnswer(f"PUT of a playlist: {status}")
        if warming_up:
            return None
        return {
            "listed_milliseconds": (listed_at - sent) * 1e3,
            "listed_before": float(listed_before),
            # At most: it was read after the wait above.
            "playlist_put_milliseconds": (acknowledged - sent) * 1e3,
            "segment_put_milliseconds": (stored - started) * 1e3,
        }

    def _put(self, path: str, body: bytes) -> None:
        answer = self._ingest.request("PUT", path, self._headers, body)
        if answer.status not in (200, 201):
            raise UnexpectedAnswer(f"PUT: {answer.status} {answer.body[:300]!r}")

    def _listed_count(self) -> int:
        """How many segments have ever been listed."""
        answer = self._egress.request("GET", self._playlist_path)
        if answer.status == 404:
            return 0
        return int(answer.headers["x-mediapackage-manifest-last-sequence"]) + 1

    def _wait_for(self, count: int) -> float:
        give_up_at = time.perf_counter() + _WAIT_SECONDS
        while True:
            if self._listed_count() >= count:
                return time.perf_counter()
            if time.perf_counter() > give_up_at:
                raise UnexpectedAnswer(f"segment {count - 1} was not listed within {_WAIT_SECONDS:g} s")
            time.sleep(_POLL_SECONDS)


def _playlist(newest: int, begin: float) -> bytes:
    oldest = max(0, newest - _LISTED + 1)
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{oldest}"]
    for number in range(oldest, newest + 1):
        date = datetime.fromtimestamp(begin + number, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{date}", "#EXTINF:1.000,", f"channel_{number:05d}.ts"]
    return ("\n".join(lines) + "\n").encode()


CASE = Case(
    "latency",
    "last byte of an encoder's playlist PUT to listed by egress, without time delay, wall time",
    _measure,
)
