"""What a downloaded segment shows: the numbers of its frames with their timestamps, and the timing of its audio."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

import av
import numpy as np

from support import frame_source

TIMESTAMP_MODULUS = 2**33
"""MPEG-TS timestamps wrap at this, in ticks of 1/90,000 s."""


@dataclass(frozen=True, slots=True)
class SegmentFrames:
    """One segment, decoded."""

    numbers: tuple[int, ...]
    """Of its pictures, in order of presentation."""
    timestamps: tuple[int, ...]
    """Of the same pictures, ticks, as in the media (they wrap)."""
    audio_timestamps: tuple[int, ...]
    """Of its audio packets, ticks, in file order."""
    audio_packet_duration: int
    """Ticks; 0 where there is no audio."""


@functools.lru_cache(maxsize=4096)  # several endpoints publish the same, to the byte, and several tests look at it
def read_segment(body: bytes) -> SegmentFrames:
    """Decode an MPEG-TS segment from :mod:`support.frame_source`.

    Raises:
        UnreadableFrame: a picture's checksum does not match.
        av.error.FFmpegError: the segment cannot be demuxed or decoded.
    """
    pictures: list[tuple[int, int]] = []
    audio: list[int] = []
    duration = 0
    with av.open(io.BytesIO(body), "r", format="mpegts") as container:
        for packet in container.demux():
            if packet.stream.type == "audio":
                if packet.pts is not None:
                    audio.append(packet.pts)
                    duration = packet.duration or duration
                continue
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame)
                assert frame.pts is not None
                plane = frame.planes[0]
                luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[
                    :, : plane.width
                ]
                pictures.append((frame.pts, frame_source.read(luma)))
    # FFmpeg unwraps timestamps that wrap inside a segment: taken back here, after they have put pictures in order.
    pictures.sort()
    return SegmentFrames(
        numbers=tuple(number for _, number in pictures),
        timestamps=tuple(timestamp % TIMESTAMP_MODULUS for timestamp, _ in pictures),
        audio_timestamps=tuple(timestamp % TIMESTAMP_MODULUS for timestamp in audio),
        audio_packet_duration=duration,
    )


def wrapped_difference(later: int, earlier: int) -> int:
    """``later - earlier`` of two wrapping timestamps, in ticks: the shorter way round."""
    difference = (later - earlier) % TIMESTAMP_MODULUS
    return difference - TIMESTAMP_MODULUS if difference >= TIMESTAMP_MODULUS // 2 else difference
