"""The worked examples in real time: a channel for each fault, an endpoint and a watcher for each column, all at once.

Media is encoded once, by FFmpeg. The faults fall where the table says, as exactly as this machine allows; how exactly
is measured by the log's own clock, which is the one that decides.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from support.control import Control, CreatedChannel, CreatedEndpoint
from support.delivery import Courier, Delivery, Media, Upload, Variant, uploads_of
from support.encoder import Encoding, encode_files
from support.frame_source import FRAMES_PER_SECOND
from support.logbook import messages
from support.programme import Programme, decode_segments
from support.stack import Stack
from support.synthetic import SyntheticEncoder
from support.watcher import Watcher
from support.worked_examples import (
    COLUMNS,
    EXAMPLES,
    SEGMENT_SECONDS,
    SLOT_SEGMENTS,
    THREE,
    agrees,
    documented,
    outcome,
)
from understudy_domain import codec
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import SegmentArrived

FAULT_AT = 2 * SLOT_SEGMENTS - 1
"""The first segment that is not as usual: the last one of a slot in every column."""
SEGMENTS = 27
"""Both encoders stop after so many: the longest fault is over by then, and decided upon in every column."""
WATCHED_SECONDS = 58.0
"""From the beginning of a programme: the last decision of the table has fallen by then, and been shown."""
SEGMENT_FRAMES = SEGMENT_SECONDS * FRAMES_PER_SECOND
FIRST_FRAME = 1_000 * SEGMENT_FRAMES
"""Of the encoded programme: any segment boundary."""
POLL_SECONDS = 0.5

CLOSE_CALL_SECONDS = 1.0
PLACED_WITHIN_SECONDS = 0.14
"""What a segment may be off that is late by less than a close call: 0.6 s, where the deadline is at 0.75 s, or 0.3 s,
where the first one is followed."""
STEADY_WITHIN_SECONDS = 0.7
"""What any other segment may be off: none is missed before 0.75 s."""
OFF_SECONDS = 0.3
"""What an instant may be beside the one of the table: uploads take their time, and not always the same."""
OWED_WITHIN_SECONDS = 3.0
"""What one that is later than that may be off: all that is owed comes at once, and takes its time."""

ALONE = "channel_1.m3u8"
HEIGHTS = {ALONE: 90, THREE[0]: 90, THREE[1]: 144, THREE[2]: 180}
"""Small: there is a lot to decode afterwards."""
CODECS = "avc1.42c00d,mp4a.40.2"


@dataclass(frozen=True, slots=True)
class EncodedMedia:
    """What the synthetic encoders deliver: of an epoch-locked pair, and of one that is not epoch-locked."""

    locked: Media
    other: Media
    variants: tuple[Variant, ...]

    def of(self, encoder: SyntheticEncoder) -> Media:
        """What this encoder delivers."""
        return self.other if encoder.media_offset_seconds else self.locked


def encode(directory: Path) -> EncodedMedia:
    """Encode everything, as fast as it goes."""
    unlocked = next(
        encoder for encoders in EXAMPLES.values() for encoder in encoders(FAULT_AT) if encoder.media_offset_seconds
    )
    off_frames = round(unlocked.phase_seconds * FRAMES_PER_SECOND)
    assert off_frames / FRAMES_PER_SECOND == unlocked.phase_seconds, "the phase is a whole number of frames"
    off_timestamp = (FIRST_FRAME + off_frames) / FRAMES_PER_SECOND + unlocked.media_offset_seconds
    jobs = {name: (FIRST_FRAME, Encoding(heights=(HEIGHTS[name],))) for name in THREE}
    other = Encoding(heights=(HEIGHTS[ALONE],), first_timestamp_seconds=off_timestamp)
    jobs["other"] = (FIRST_FRAME + off_frames, other)

    def bodies(name: str) -> list[bytes]:
        first_frame, encoding = jobs[name]
        into = directory / name
        into.mkdir()
        paths = encode_files(into, first_frame=first_frame, frames=SEGMENTS * SEGMENT_FRAMES, encoding=encoding)
        return [path.read_bytes() for path in paths]

    with ThreadPoolExecutor(2) as pool:
        encoded = dict(zip(jobs, pool.map(bodies, jobs), strict=True))
    locked = {**{name: encoded[name] for name in THREE}, ALONE: encoded[THREE[0]]}
    return EncodedMedia(
        locked=locked,
        other={ALONE: encoded["other"]},
        variants=tuple(
            Variant(
                name,
                bandwidth=max(map(len, bodies)) * 8 // SEGMENT_SECONDS,
                width=HEIGHTS[name] * 16 // 9,
                height=HEIGHTS[name],
                codecs=CODECS,
            )
            for name, bodies in locked.items()
        ),
    )


@dataclass(slots=True)
class Cell:
    """One endpoint of one channel, and all that is known of it afterwards."""

    endpoint: CreatedEndpoint
    watcher: Watcher
    entries: list[ProgramEntry] = field(default_factory=list)
    appended_at: list[float] = field(default_factory=list)
    """When each entry was stored, seconds since the epoch."""

    def programmes(self) -> list[Programme]:
        """What viewers saw, of each rendition."""
        return [decode_segments(self.watcher.name, watched) for watched in self.watcher.renditions()]


@dataclass(slots=True)
class Row:
    """One fault: a channel with its two inputs, and a cell for each column."""

    fault: str
    encoders: list[SyntheticEncoder]
    channel: CreatedChannel
    cells: dict[str, Cell]
    deliveries: list[Delivery] = field(default_factory=list)
    arrived_at: list[dict[str, float]] = field(default_factory=list)
    """By input: the log's instant of each segment by path, seconds since the epoch."""

    def disagreements(self) -> list[str]:
        """The cells that are not as the page tells; each with what was shown."""
        told = documented()[self.fault]
        shown = {column: outcome(cell.entries) for column, cell in self.cells.items()}
        return [
            f"{column}: {shown[column]}"
            for column in self.cells
            if not agrees(shown[column], told[column], within_seconds=OFF_SECONDS)
        ]

    def misplaced(self) -> list[str]:
        """Where a fault is not as it should be: what this row shows is not what the table speaks of."""
        found = [problem for delivery in self.deliveries for problem in delivery.problems]
        for upload, input_id, off in self._off_seconds():
            allowed = self._allowed_of_late().get(upload.name[-len("_00000.ts") :])
            if allowed is not None and abs(off) > allowed:
                found.append(self._describe(upload, input_id, off))
        return found

    def stalls(self) -> list[str]:
        """Segments that came so late, by no fault of the table, that it is no wonder if a cell is not as it tells."""
        return [
            self._describe(upload, input_id, off)
            for upload, input_id, off in self._off_seconds()
            if abs(off) > STEADY_WITHIN_SECONDS
        ]

    def _off_seconds(self) -> Iterator[tuple[Upload, int, float]]:
        """How far each segment is from its instant in the log, other than all of its input are."""
        for encoder, delivery, arrived in zip(self.encoders, self.deliveries, self.arrived_at, strict=True):
            segments = [upload for upload in delivery.uploads if upload.name.endswith(".ts")]
            off = {upload: arrived.get(upload.name, math.inf) - upload.at for upload in segments}
            usual = statistics.median(off.values())
            for upload, seconds in off.items():
                yield upload, encoder.input_id, seconds - usual

    def _allowed_of_late(self) -> dict[str, float]:
        """By the end of a segment's name: where it may be off by more or by less than is usual."""
        return {
            f"_{number:05d}.ts": PLACED_WITHIN_SECONDS if late < CLOSE_CALL_SECONDS else OWED_WITHIN_SECONDS
            for encoder in self.encoders
            for number, late in encoder.late.items()
        }

    def _describe(self, upload: Upload, input_id: int, off: float) -> str:
        delivery = self.deliveries[input_id - 1]
        return (
            f"{upload.name} of input {input_id} is in the log {off:+.3f} s beside its usual time: "
            f"sent {delivery.late_seconds.get(upload.name, 0):.3f} s late, answered after "
            f"{delivery.took_seconds.get(upload.name, 0):.3f} s"
        )

    def delivered_frames(self) -> list[int]:
        """The numbers of all frames that either input delivered, in every rendition; epoch-locked inputs only."""
        numbers = set()
        for encoder in self.encoders:
            numbers |= set(range(SEGMENTS)).difference(encoder.lost, *encoder.lost_of_playlist.values())
        return [
            FIRST_FRAME + number * SEGMENT_FRAMES + frame
            for number in sorted(numbers)
            for frame in range(SEGMENT_FRAMES)
        ]


class Rehearsal:
    """Plays rows side by side in one stack."""

    def __init__(self, stack: Stack, control: Control, media: EncodedMedia) -> None:
        self._stack = stack
        self._control = control
        self._media = media
        self._takes = 0

    def play(self, faults: Iterable[str]) -> dict[str, Row]:
        """Create a channel for each fault, deliver, watch, and read what was decided."""
        if not self._takes:
            self._warm_up()
        self._takes += 1
        rows = {fault: self._prepare(index, fault) for index, fault in enumerate(faults)}
        # Evenly over a segment: no row waits for another one's uploads.
        begin = time.time() + 1.0
        starts = {fault: begin + SEGMENT_SECONDS * index / len(rows) for index, fault in enumerate(rows)}
        for fault, row in rows.items():
            row.deliveries = [self._delivery(row, encoder, starts[fault]) for encoder in row.encoders]
        courier = Courier([delivery for row in rows.values() for delivery in row.deliveries])
        with contextlib.ExitStack() as cleanup:
            courier.start()
            cleanup.callback(courier.stop)
            for index, watcher in enumerate(cell.watcher for row in rows.values() for cell in row.cells.values()):
                time.sleep(max(0.0, begin - 1.0 + POLL_SECONDS * index / (len(rows) * len(COLUMNS)) - time.time()))
                watcher.start()
                cleanup.callback(watcher.stop)
            time.sleep(max(0.0, begin + SEGMENT_SECONDS + WATCHED_SECONDS - time.time()))
            courier.wait(until=time.time() + 5)
        self._read_logs(rows)
        return rows

    def _warm_up(self) -> None:
        """The first segment of all takes long: a new S3 server makes room for it."""
        channel = self._control.create_channel("example-0")
        at_once = SyntheticEncoder(1, lag_seconds=-SEGMENT_SECONDS)
        uploads = uploads_of(at_once, self._media.locked, variants=self._media.variants, segments=1, start=time.time())
        courier = Courier([Delivery(channel.inputs[0], uploads)])
        courier.start()
        courier.wait(until=time.time() + 10)

    def _prepare(self, index: int, fault: str) -> Row:
        name = f"example-{index + 1}-take-{self._takes}"
        channel = self._control.create_channel(name)
        cells = {}
        for column, (seconds, delay) in COLUMNS.items():
            endpoint = self._control.create_endpoint(
                f"{name}-{seconds}-{delay}", channel, segment_seconds=seconds, time_delay_seconds=delay
            )
            cells[column] = Cell(endpoint, Watcher(f"{fault}, {column}", endpoint.url, poll_seconds=POLL_SECONDS))
        return Row(fault, EXAMPLES[fault](FAULT_AT), channel, cells)

    def _delivery(self, row: Row, encoder: SyntheticEncoder, start: float) -> Delivery:
        uploads = uploads_of(
            encoder, self._media.of(encoder), variants=self._media.variants, segments=SEGMENTS, start=start
        )
        return Delivery(row.channel.inputs[encoder.input_id - 1], uploads)

    def _read_logs(self, rows: Mapping[str, Row]) -> None:
        cells = {cell.endpoint.guid: cell for row in rows.values() for cell in row.cells.values()}
        for message in messages(self._stack, "PROGRAM", "program.>"):
            cell = cells.get(message.subject.rpartition(".")[2])
            if cell is not None:
                cell.entries.append(codec.decode_as(ProgramEntry, message.payload))
                cell.appended_at.append(message.at)
        for row in rows.values():
            row.arrived_at = [{} for _ in row.encoders]
            for input_id, arrived in enumerate(row.arrived_at, start=1):
                for message in messages(self._stack, "ARRIVALS", f"arrivals.*.{row.channel.guid}.{input_id}"):
                    fact = codec.decode(message.payload)
                    if isinstance(fact, SegmentArrived):
                        arrived.setdefault(fact.path, message.at)
