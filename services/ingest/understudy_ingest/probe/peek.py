"""The look into every segment: packet headers, tables, timestamps, frame headers. No decoding, no copying of video."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.media import RunningCounter, TrackKind
from understudy_ingest.errors import DamagedMedia
from understudy_ingest.probe.audio import count_audio_frames
from understudy_ingest.probe.checksum import checksum
from understudy_ingest.probe.counters import read_counters
from understudy_ingest.probe.elementary import read_pes_packets
from understudy_ingest.probe.frame_rate import measure_frames
from understudy_ingest.probe.packets import Packets, read_packets
from understudy_ingest.probe.tables import Codec, ElementaryStream, read_tables
from understudy_ingest.probe.video import read_video_head

VIDEO_CODECS = frozenset({Codec.H264, Codec.HEVC})


@dataclass(frozen=True, slots=True)
class PeekedTrack:
    """One elementary stream as far as headers tell."""

    kind: TrackKind
    pid: int
    codec: str
    """RFC 6381, as far as headers tell; empty where they do not."""
    configuration: str
    first_timestamp: int
    duration: int
    frames: int
    frame_duration: int
    """0 for a single picture."""
    key_frame_first: bool = True
    frame_rate: str | None = None
    sample_rate: int | None = None
    channels: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Peek:
    """What headers tell of a segment."""

    tracks: tuple[PeekedTrack, ...]
    layout: str
    digest: str
    continuity_errors: int
    counters: tuple[RunningCounter, ...]


def peek(body: bytes) -> Peek:
    """Look at a whole MPEG-TS segment.

    Raises:
        UnsupportedMedia: no MPEG-TS, or a codec that is not passed on.
        DamagedMedia: cut short, out of sync, without tables, timestamps, audio or video.
        EncryptedInput: scrambled, or SAMPLE-AES.
    """
    packets = read_packets(body)
    tables = read_tables(packets)
    tracks: list[PeekedTrack] = []
    errors = packets.errors
    for stream in tables.streams:
        track, track_errors = _peek_track(packets, stream)
        errors += track_errors
        if track is not None:
            tracks.append(track)
    if not tracks:
        raise DamagedMedia("the segment holds neither a picture nor an audio frame")
    return Peek(tuple(tracks), tables.layout, checksum(body), errors, read_counters(packets))


def _peek_track(packets: Packets, stream: ElementaryStream) -> tuple[PeekedTrack | None, int]:
    pes = read_pes_packets(packets, stream.pid)
    if pes is None:
        return None, 0
    if stream.codec in VIDEO_CODECS:
        head = read_video_head(pes, stream.codec)
        timing = measure_frames(pes.timestamps)
        video = PeekedTrack(
            kind=TrackKind.VIDEO,
            pid=stream.pid,
            codec=head.codec,
            configuration=head.configuration,
            first_timestamp=pes.first_timestamp,
            duration=timing.duration,
            frames=len(pes.begins),
            frame_duration=timing.frame_duration,
            key_frame_first=head.key_frame_first,
            frame_rate=timing.frame_rate,
            language=stream.language,
        )
        return video, pes.continuity_errors
    counted = count_audio_frames(pes.payload(), stream.codec)
    if counted is None:
        return None, pes.continuity_errors
    audio = PeekedTrack(
        kind=TrackKind.AUDIO,
        pid=stream.pid,
        codec=counted.codec,
        configuration=counted.configuration,
        first_timestamp=pes.first_timestamp,
        duration=counted.duration,
        frames=counted.frames,
        frame_duration=counted.frame_duration,
        sample_rate=counted.sample_rate,
        channels=counted.channels,
        language=stream.language,
    )
    return audio, pes.continuity_errors
