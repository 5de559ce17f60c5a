"""What a synthetic encoder is said to deliver, delivered: encoded once, pushed in real time, each piece at its instant.

:class:`support.synthetic.SyntheticEncoder` says which segments come when, in which playlists, and which never do. Here
its segments get real media, and its playlists are written as an encoder writes them: what was lost on its way is still
listed.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from support.encoder import PushTarget
from support.synthetic import EPOCH, SyntheticEncoder
from understudy_domain.facts import SegmentArrived
from understudy_domain.ticks import TICKS_PER_SECOND

REQUEST_SECONDS = 10.0
_LISTED = 5
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here speaks TLS, and the certificates of this machine take a while to read for each of many clients."""

Media = Mapping[str, Sequence[bytes]]
"""The segments of a programme, in order, by the name of their playlist."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What the multivariant playlist says of a playlist."""

    playlist: str
    bandwidth: int
    width: int
    height: int
    codecs: str


@dataclass(frozen=True, slots=True)
class Upload:
    """One request."""

    at: float
    """When it is to begin, seconds since the epoch."""
    name: str
    body: bytes
    lane: str
    """What has one of these in common goes over one connection, in order: a playlist with its segments."""


@dataclass(slots=True)
class Delivery:
    """All uploads of one input, and what became of them."""

    target: PushTarget
    uploads: list[Upload]
    late_seconds: dict[str, float] = field(default_factory=dict)
    """By name (of playlists the latest): how long after its instant a request began."""
    took_seconds: dict[str, float] = field(default_factory=dict)
    """By name: how long its answer took."""
    problems: list[str] = field(default_factory=list)
    """What was not acknowledged."""

    def lanes(self) -> list[list[Upload]]:
        """The uploads by connection, each in order of time."""
        names = dict.fromkeys(upload.lane for upload in self.uploads)
        return [[upload for upload in self.uploads if upload.lane == name] for name in names]


def multivariant_playlist(variants: Iterable[Variant]) -> bytes:
    """What a pushing encoder sends before its first segment."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6"]
    for variant in variants:
        size = f"{variant.width}x{variant.height}"
        lines.append(
            f'#EXT-X-STREAM-INF:BANDWIDTH={variant.bandwidth},RESOLUTION={size},CODECS="{variant.codecs}"\n'
            f"{variant.playlist}"
        )
    return "\n".join([*lines, ""]).encode()


def uploads_of(
    encoder: SyntheticEncoder, media: Media, *, variants: Sequence[Variant], segments: int, start: float
) -> list[Upload]:
    """Every upload of an encoder whose segment 0 begins at ``start``, seconds since the epoch, in order of time."""
    shown = [variant for variant in variants if variant.playlist in encoder.playlists]
    uploads = [Upload(start, "channel.m3u8", multivariant_playlist(shown), shown[0].playlist)]
    for message in encoder.messages(range(segments)):
        at = start + (message.instant - EPOCH) / TICKS_PER_SECOND
        if isinstance(message.fact, SegmentArrived):
            stem, _, number = message.fact.path.removesuffix(".ts").rpartition("_")
            playlist = f"{stem}.m3u8"
            uploads.append(Upload(at, message.fact.path, media[playlist][int(number)], playlist))
        else:
            name = message.fact.path  # type: ignore[union-attr]  # an encoder sends these two kinds only
            last = message.fact.lines[-1].source_sequence  # type: ignore[union-attr]
            uploads.append(Upload(at, name, _media_playlist(encoder, name, last=last, start=start), name))
    return uploads


def _media_playlist(encoder: SyntheticEncoder, name: str, *, last: int, start: float) -> bytes:
    first = max(0, last - _LISTED + 1)
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{encoder.segment_seconds:.0f}"]
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{first}")
    for number in range(first, last + 1):
        if encoder.date_offset_seconds is not None:
            began = start + number * encoder.segment_seconds + encoder.phase_seconds + encoder.date_offset_seconds
            date = datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds")
            lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{date}")
        lines.append(f"#EXTINF:{encoder.segment_seconds:.3f},\n{name.removesuffix('.m3u8')}_{number:05d}.ts")
    return "\n".join([*lines, ""]).encode()


class Courier:
    """Makes deliveries in a thread of its own, all at once."""

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self._deliveries = deliveries
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._deliver_all()), name="courier", daemon=True)

    def start(self) -> None:
        """Begin; each upload waits for its instant."""
        self._thread.start()

    def wait(self, *, until: float) -> None:
        """Until everything is delivered.

        Raises:
            AssertionError: it was not by ``until``, seconds since the epoch.
        """
        self._thread.join(timeout=max(0.0, until - time.time()))
        assert not self._thread.is_alive(), "not everything was delivered in time"

    def stop(self) -> None:
        """End after the uploads under way."""
        self._stop.set()
        self._thread.join(timeout=2 * REQUEST_SECONDS)
        assert not self._thread.is_alive(), "the courier hangs"

    async def _deliver_all(self) -> None:
        async with asyncio.TaskGroup() as lanes:
            for delivery in self._deliveries:
                for lane in delivery.lanes():
                    lanes.create_task(self._deliver(delivery, lane))

    async def _deliver(self, delivery: Delivery, lane: list[Upload]) -> None:
        base = delivery.target.url.rpartition("/")[0]
        auth = httpx.DigestAuth(delivery.target.username, delivery.target.password)
        async with httpx.AsyncClient(auth=auth, timeout=REQUEST_SECONDS, verify=_NO_TLS) as client:
            for upload in lane:
                while (wait := upload.at - time.time()) > 0:
                    if self._stop.is_set():
                        return
                    await asyncio.sleep(min(wait, 1.0))
                began = time.time()
                delivery.late_seconds[upload.name] = began - upload.at
                try:
                    answer = await client.put(f"{base}/{upload.name}", content=upload.body)
                except httpx.HTTPError as err:
                    delivery.problems.append(f"{upload.name}: {err!r}")
                    continue
                delivery.took_seconds[upload.name] = time.time() - began
                if not answer.is_success:
                    delivery.problems.append(f"{upload.name}: {answer.status_code} {answer.text[:200]}")
