"""What happens to an upload once its bytes are here: told apart, looked into, stored, reported."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from understudy_domain import codec, keys
from understudy_domain.errors import NotAPlaylist
from understudy_domain.facts import PlaylistArrived, SegmentArrived
from understudy_domain.media import Probe
from understudy_ingest.errors import BodyTooLarge, UnsupportedMedia
from understudy_ingest.holding import Hold
from understudy_ingest.inputs import Input
from understudy_ingest.metrics import IngestMetrics
from understudy_ingest.playlists import TEXT_SUFFIXES, PlaylistFact, PlaylistRelay, read_playlist
from understudy_ingest.probe.describe import warm_up
from understudy_ingest.probe.prober import Prober
from understudy_ingest.settings import IngestSettings
from understudy_runtime import clock
from understudy_runtime.jetstream import Bus
from understudy_runtime.messaging_spans import ARRIVALS_TEMPLATE, PUBLISH_ARRIVAL, published
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.tracing import NO_SPAN, Kind, Span

_OF_S3 = {"rpc.system": "aws-api", "rpc.service": "S3", "rpc.method": "PutObject"}
PLAYLIST_SUFFIXES = (".m3u8", ".m3u")
_PLAYLIST_BEGINNINGS = (b"#EXTM3U", b"\xef\xbb\xbf#EXTM3U")
_TEXT_BEGINNINGS = (b"WEBVTT", b"\xef\xbb\xbfWEBVTT")
_PLAYLIST_SIZE_MAX = 8 << 20
_GZIP_MEMBERS_MAX = 256
_GONE_MAX = 1_024
_GZIP_WINDOW = 31  # zlib's way to say: a gzip header, the largest window

Segment = SegmentArrived
_Fact = PlaylistFact | Segment


@dataclass(frozen=True, slots=True)
class Outside:
    """What ingest writes to."""

    bus: Bus
    objects: ObjectStore


class Receiver:
    """Takes whole bodies. One per process."""

    def __init__(self, settings: IngestSettings, outside: Outside, metrics: IngestMetrics) -> None:
        self._settings = settings
        self._bus = outside.bus
        self._objects = outside.objects
        self._metrics = metrics
        self._prober = Prober()
        self._relay = PlaylistRelay()
        # Channels that went lately, whose last uploads may still be under way: they must leave no series behind.
        self._gone: dict[str, None] = {}
        self._threads = ThreadPoolExecutor(settings.probe_threads, thread_name_prefix="probe")
        # Unique for ever: random for this process, counted within it.
        self._process = secrets.token_hex(8)
        self._uploads = itertools.count()

    def warm_up(self) -> None:
        """Load, in a thread, what the first look at a new configuration needs: no segment is to wait for it."""
        self._threads.submit(warm_up)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def forget(self, channel_id: str, channel_guid: str) -> None:
        """The channel is gone."""
        self._gone[channel_guid] = None
        if len(self._gone) > _GONE_MAX:
            del self._gone[next(iter(self._gone))]
        self._metrics.forget(channel_id)
        self._relay.forget(channel_guid)

    async def receive(self, body: bytes, to: Input, *, content_encoding: str, span: Span = NO_SPAN) -> int:
        """Take one upload; returns the status to answer with, once it is stored and reported.

        ``span``: the request's.

        Raises:
            NotAPlaylist, EncryptedInput, UnsupportedMedia, DamagedMedia, ForeignPath: what it says.
            HeldTooLong: storage or bus stayed away.
        """
        hold = Hold(seconds=self._settings.hold_seconds, metrics=self._metrics)
        name = to.path.name.lower()
        if content_encoding:
            body = _decoded(body, content_encoding)
        if name.endswith(PLAYLIST_SUFFIXES) or body.startswith(_PLAYLIST_BEGINNINGS):
            await self._receive_playlist(body, to, hold)
            return 200
        if name.endswith(TEXT_SUFFIXES) or body.startswith(_TEXT_BEGINNINGS):
            self._metrics.ignored.labels("webvtt").inc()
            return 200
        await self._receive_segment(body, to, hold, span)
        return 201

    async def _receive_segment(self, body: bytes, to: Input, hold: Hold, span: Span) -> None:
        received_milliseconds = clock.now_milliseconds()
        with span.child("probe segment"):
            probe = await self._probe(body)
        key = keys.media_object_key(
            to.channel.guid,
            to.input_id,
            received_milliseconds=received_milliseconds,
            upload=self._next_upload(),
            suffix="ts",
        )
        started = clock.monotonic()
        with span.child("S3.PutObject", kind=Kind.CLIENT) as storing:
            if storing.is_kept:
                storing.set({**_OF_S3, "aws.s3.bucket": self._settings.s3_bucket, "aws.s3.key": key})
            await hold.until_done(lambda: self._objects.put(key, body), what="storing the segment")
        self._metrics.store_seconds.observe(clock.monotonic() - started)
        fact = SegmentArrived(path=to.path.name, object_key=key, size=len(body), probe=probe)
        if span.is_kept:
            span.set({"understudy.object_key": key, "http.request.body.size": len(body)})
        await self._publish(fact, to, hold, message_id=key, span=span)
        if to.channel.guid in self._gone:
            return
        self._metrics.segment(to.channel.id, to.input_id, size=len(body), continuity_errors=probe.continuity_errors)

    async def _probe(self, body: bytes) -> Probe:
        started = clock.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._prober.probe, body)
        finally:
            self._metrics.probe_seconds.observe(clock.monotonic() - started)

    async def _receive_playlist(self, body: bytes, to: Input, hold: Hold) -> None:
        if len(body) > _PLAYLIST_SIZE_MAX:
            raise BodyTooLarge(f"a playlist of more than {_PLAYLIST_SIZE_MAX} bytes is not taken")
        fact = read_playlist(body, to.asked)
        is_media = isinstance(fact, PlaylistArrived)
        if to.channel.guid not in self._gone:
            self._metrics.playlist(to.channel.id, to.input_id, kind="media" if is_media else "multivariant")
        if isinstance(fact, PlaylistArrived) and _lists_text_only(fact):
            return

        async def publish(part: PlaylistFact) -> None:
            await self._publish(part, to, hold, message_id=self._next_upload())

        await self._relay.relay(fact, to.path, publish)

    async def _publish(self, fact: _Fact, to: Input, hold: Hold, *, message_id: str, span: Span = NO_SPAN) -> None:
        guid = to.channel.guid
        shard = keys.shard_of(guid, shards=self._settings.shards)
        subject = keys.arrivals_subject(shard, guid, to.input_id)
        payload = codec.encode(fact)
        started = clock.monotonic()
        with span.child(PUBLISH_ARRIVAL, kind=Kind.PRODUCER) as publishing:
            if publishing.is_kept:
                publishing.set(published(subject, template=ARRIVALS_TEMPLATE, size=len(payload)))
                publishing.set({"messaging.message.id": message_id})
            await hold.until_done(
                lambda: self._bus.publish(subject, payload, message_id=message_id, headers=publishing.headers()),
                what="reporting the upload",
            )
        self._metrics.publish_seconds.observe(clock.monotonic() - started)

    def _next_upload(self) -> str:
        return f"{self._process}{next(self._uploads):08x}"


def may_be_a_segment(to: Input) -> bool:
    """By its name: what is neither called a playlist nor text."""
    return not to.path.name.lower().endswith((*PLAYLIST_SUFFIXES, *TEXT_SUFFIXES))


def _lists_text_only(fact: PlaylistArrived) -> bool:
    return bool(fact.lines) and all(line.path.lower().endswith(TEXT_SUFFIXES) for line in fact.lines)


def _decoded(body: bytes, content_encoding: str) -> bytes:
    if content_encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMedia(f"Content-Encoding {content_encoding!r:.40} is not taken: gzip, or none")
    if len(body) > _PLAYLIST_SIZE_MAX:
        raise BodyTooLarge(f"a gzipped body is taken up to {_PLAYLIST_SIZE_MAX} bytes")
    unpacked = b""
    members = 0
    while body:  # gzip may come in several members, one after the other; each costs a copy of what follows it
        members += 1
        if members > _GZIP_MEMBERS_MAX:
            raise NotAPlaylist(f"the gzipped body has more than {_GZIP_MEMBERS_MAX} members: compress it as a whole")
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            unpacked += unpacker.decompress(body, _PLAYLIST_SIZE_MAX + 1 - len(unpacked))
        except zlib.error as err:
            raise NotAPlaylist("the body says that it is gzipped and is not") from err
        if len(unpacked) > _PLAYLIST_SIZE_MAX:
            raise BodyTooLarge(f"a gzipped body is taken up to {_PLAYLIST_SIZE_MAX} bytes, unpacked")
        if not unpacker.eof:
            raise NotAPlaylist("the gzipped body is cut short")
        body = unpacker.unused_data
    return unpacked
