"""What is known of an uploaded segment without opening it again: the probe that travels in its fact.

Nothing here assumes a container: tracks, timestamps and durations, in ticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TrackKind(StrEnum):
    """What a track carries. Only video and audio decide; the rest rides along (failover rule, Words)."""

    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream of a segment, as measured in it."""

    kind: TrackKind
    codec: str
    """RFC 6381 name, e.g. ``avc1.64001f``, ``mp4a.40.2``; empty where there is none."""
    configuration: str
    """Digest of the codec configuration byte for byte (SPS and PPS, AudioSpecificConfig …): equal or not, no more."""
    track_id: int
    """The PID in MPEG-TS."""
    first_timestamp: int
    """Smallest presentation timestamp, ticks, as in the media (it wraps where ``Probe.timestamp_modulus`` says)."""
    duration: int
    """From the first presentation timestamp to the end of the last frame, ticks, measured."""
    frames: int
    """Pictures, or audio frames, counted."""
    frame_duration: int
    """Ticks one frame lasts (the median, where they vary)."""
    key_frame_first: bool = True
    """The track can be decoded from its first frame; true for audio."""
    width: int | None = None
    height: int | None = None
    frame_rate: str | None = None
    """``"25"``, ``"30000/1001"``: exact, as measured."""
    channels: int | None = None
    sample_rate: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class RunningCounter:
    """A counter that a container runs through a track, as it stands where a segment begins and where it ends.

    It has to go on across a seam as it does inside a segment: a player that reads segments as one stream of bytes
    takes a jump for lost packets (in MPEG-TS the continuity counter of each PID, those of the tables included).
    """

    track_id: int
    """The PID in MPEG-TS."""
    first: int
    """As it begins."""
    next: int
    """What the following segment has to begin with."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What one look into a segment found."""

    container: str
    """``mpegts``."""
    tracks: tuple[Track, ...]
    digest: str
    """Checksum of the whole body: with the size, it tells a duplicate from another delivery."""
    timestamp_modulus: int | None = None
    """What timestamps wrap at: 2**33 in MPEG-TS; None where they do not."""
    layout: str = ""
    """Digest of what joining within one output segment needs equal: tables, PIDs (empty: unknown, never equal)."""
    continuity_errors: int = 0
    """Breaks of continuity inside the segment."""
    counters: tuple[RunningCounter, ...] = ()
    """One for each track that has one, tracks that nobody decodes included; empty where the container has none."""
    counter_modulus: int | None = None
    """What counters wrap at: 16 in MPEG-TS; None where there are none."""

    def of_kind(self, kind: TrackKind) -> Track | None:
        """The first track of a kind."""
        for track in self.tracks:
            if track.kind is kind:
                return track
        return None

    @property
    def leading(self) -> Track | None:
        """The track that times the segment: its video, or where there is none its audio."""
        return self.of_kind(TrackKind.VIDEO) or self.of_kind(TrackKind.AUDIO)
