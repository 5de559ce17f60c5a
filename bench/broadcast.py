"""Many channels on the air at once, as the facts that ingest would report of them, encoded beforehand.

All channels show the same programme, each a little later than the one before, so that the ends of their segments are
spread evenly. A fact is encoded once, with a mark where the channel's guid belongs; what is left to do when it is due
is to put the guid there and write it to NATS.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from understudy_domain import codec, keys, ticks
from understudy_domain.facts import Fact, MultivariantArrived, PlaylistArrived, PlaylistLine, SegmentArrived
from understudy_domain.facts import SourceVariant as Variant
from understudy_domain.media import Probe, RunningCounter, Track, TrackKind
from understudy_runtime import clock

SEGMENT_SECONDS: Final = 2
RENDITIONS: Final = (
    (1920, 1080, 6_000_000),
    (1280, 720, 3_500_000),
    (960, 540, 2_000_000),
    (640, 360, 1_000_000),
    (416, 234, 400_000),
)
"""Width, height, bits a second."""
FACTS_OF_A_RENDITION: Final = 2 * 2
"""In the time of a segment: two inputs, a segment and a playlist each."""
FACTS_A_SEGMENT: Final = FACTS_OF_A_RENDITION * len(RENDITIONS)
"""Of a channel with all five renditions."""

_MARK: Final = "0" * 31 + "f"
"""Stands for a channel's guid in what is encoded beforehand."""
_MODULUS: Final = 2**33
_LAG_SECONDS: Final = {1: 0.2, 2: 0.4}
_APART_SECONDS: Final = 0.01
_STEP_SECONDS: Final = 0.002
"""How often it is looked what is due."""
_COUNTERS: Final = {0: 3, 17: 1, 256: 7, 257: 5, 4096: 3}


@dataclass(frozen=True, slots=True)
class Prepared:
    """One fact of every channel."""

    after_seconds: float
    """When it is due, after the channel's own beginning."""
    input_id: int
    number: int
    """Of the segment that it is about."""
    fact: Fact
    message_id: str


def prepared_facts(begin: int, *, segments: int, renditions: int = len(RENDITIONS)) -> list[Prepared]:
    """The facts of a channel that begins at ``begin`` (ticks since the epoch), with the mark for its guid."""
    found = []
    for input_id, lag in _LAG_SECONDS.items():
        found.append(Prepared(lag, input_id, 0, _multivariant(renditions), f"multivariant-{_MARK}-{input_id}"))
        for number in range(segments):
            due = (number + 1) * SEGMENT_SECONDS + lag
            for rendition in range(renditions):
                segment = _segment(begin, number, rendition, input_id)
                listed = _listed(begin, number, rendition)
                at = due + rendition * _APART_SECONDS
                upload = f"{_MARK}-{input_id}-{rendition}-{number}"
                found.append(Prepared(at, input_id, number, segment, segment.object_key))
                found.append(Prepared(at + _APART_SECONDS / 2, input_id, number, listed, f"playlist-{upload}"))
    return sorted(found, key=lambda one: one.after_seconds)


def _name(rendition: int) -> str:
    return f"channel_{RENDITIONS[rendition][1]}p"


def _multivariant(renditions: int) -> MultivariantArrived:
    variants = (
        Variant(f"{_name(at)}.m3u8", bits, codecs="avc1.64001f,mp4a.40.2", width=width, height=height)
        for at, (width, height, bits) in enumerate(RENDITIONS[:renditions])
    )
    return MultivariantArrived("channel.m3u8", tuple(variants))


def _segment(begin: int, number: int, rendition: int, input_id: int) -> SegmentArrived:
    width, height, bits = RENDITIONS[rendition]
    name = f"{_name(rendition)}_{number:05d}.ts"
    first = (begin + ticks.from_seconds(number * SEGMENT_SECONDS)) % _MODULUS
    digest = f"{zlib.crc32(name.encode()):08x}" * 4
    tracks = (
        Track(
            kind=TrackKind.VIDEO,
            codec="avc1.64001f",
            configuration=f"{zlib.crc32(b'video' + name[:12].encode()):08x}" * 4,
            track_id=256,
            first_timestamp=first,
            duration=ticks.from_seconds(SEGMENT_SECONDS),
            frames=50,
            frame_duration=3600,
            width=width,
            height=height,
            frame_rate="25",
        ),
        Track(
            kind=TrackKind.AUDIO,
            codec="mp4a.40.2",
            configuration="1190" * 8,
            track_id=257,
            first_timestamp=first,
            duration=ticks.from_seconds(SEGMENT_SECONDS),
            frames=94,
            frame_duration=1920,
            channels=2,
            sample_rate=48_000,
        ),
    )
    counters = tuple(RunningCounter(one, number * by % 16, (number + 1) * by % 16) for one, by in _COUNTERS.items())
    probe = Probe("mpegts", tracks, digest, _MODULUS, "7ab1" * 8, counters=counters, counter_modulus=16)
    key = keys.media_object_key(
        _MARK,
        input_id,
        received_milliseconds=begin // 90 + number * 1000 * SEGMENT_SECONDS,
        upload=f"{zlib.crc32(f'{input_id} {name}'.encode()):08x}" * 2,
        suffix="ts",
    )
    return SegmentArrived(name, key, bits * SEGMENT_SECONDS // 8, probe)


def _listed(begin: int, number: int, rendition: int) -> PlaylistArrived:
    duration = ticks.from_seconds(SEGMENT_SECONDS)
    path = f"{_name(rendition)}_{number:05d}.ts"
    line = PlaylistLine(path, duration, number, begin + number * duration)
    return PlaylistArrived(f"{_name(rendition)}.m3u8", duration, max(number - 4, 0), (line,))


@dataclass(slots=True)
class Broadcast:
    """Channels by guid, on the air from ``begin`` on."""

    channels: Sequence[str]
    shards: int
    begin: int
    """When the first one's first segment begins, ticks since the epoch."""
    segments: int
    dying: frozenset[str] = frozenset()
    """Channels whose input 1 delivers nothing more from segment ``dies_at`` on."""
    dies_at: int = 0
    renditions: int = len(RENDITIONS)
    """Of each channel: the first so many."""
    lateness_seconds: list[float] = field(default_factory=list)
    """By how much each batch was written later than its first fact was due."""
    published: int = 0

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.segments + 1) * SEGMENT_SECONDS + max(_LAG_SECONDS.values())

    def _prepared(self) -> list[Prepared]:
        return prepared_facts(self.begin, segments=self.segments, renditions=self.renditions)

    def _frames(self) -> Iterator[tuple[float, bytes]]:
        """What to write, and when, after the beginning."""
        templates = [(one, _frame_of(one)) for one in self._prepared()]
        mark = _MARK.encode()
        heads = []
        for guid in self.channels:
            shard = keys.shard_of(guid, shards=self.shards)
            heads.append((guid.encode(), f"HPUB arrivals.{shard}.{guid}.".encode(), guid in self.dying))
        apart = SEGMENT_SECONDS / len(self.channels)
        due = [
            (one.after_seconds + at * apart, at, position)
            for position, (one, _) in enumerate(templates)
            for at in range(len(self.channels))
        ]
        due.sort()
        for after_seconds, at, position in due:
            one, frame = templates[position]
            own, head, dies = heads[at]
            if not (dies and one.input_id == 1 and one.number >= self.dies_at):
                yield after_seconds, head + frame.replace(mark, own)

    async def publish(self, nats_url: str) -> None:
        """Write every fact when it is due, to a connection of its own, without waiting for acknowledgements."""
        frames = self._frames()
        upcoming = next(frames, None)
        at = urlsplit(nats_url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        await reader.readline()
        writer.write(b"CONNECT " + json.dumps({"verbose": False, "headers": True}).encode() + b"\r\nPING\r\n")
        pongs = asyncio.get_running_loop().create_task(_answer_pings(reader, writer))
        try:
            begin = ticks.to_seconds(self.begin)
            while upcoming is not None:
                now = clock.now_ticks() / ticks.TICKS_PER_SECOND - begin
                batch: list[bytes] = []
                first = upcoming[0]
                while upcoming is not None and upcoming[0] <= now:
                    batch.append(upcoming[1])
                    upcoming = next(frames, None)
                if batch:
                    self.lateness_seconds.append(now - first)
                    self.published += len(batch)
                    writer.write(b"".join(batch))
                    await writer.drain()
                await asyncio.sleep(_STEP_SECONDS)
            writer.write(b"PING\r\n")
            await writer.drain()
        finally:
            pongs.cancel()
            writer.close()
            await writer.wait_closed()


def _frame_of(one: Prepared) -> bytes:
    """What follows a fact's subject up to its input, as the protocol of NATS has it, with the id that ingest gives.

    A channel's guid is as long as the mark, so that the lengths are right whatever channel it is sent for.
    """
    headers = f"NATS/1.0\r\nNats-Msg-Id: {one.message_id}\r\n\r\n".encode()
    payload = codec.encode(one.fact)
    sizes = f"{one.input_id} {len(headers)} {len(headers) + len(payload)}\r\n".encode()
    return sizes + headers + payload + b"\r\n"


async def _answer_pings(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        if line.startswith(b"PING"):
            writer.write(b"PONG\r\n")
        elif line.startswith(b"-ERR"):
            raise ConnectionError(line.decode(errors="replace"))


def new_guid() -> str:
    """A channel's or an endpoint's."""
    return secrets.token_hex(16)
