"""What a watcher has seen, as a viewer would: every frame once and in order, sound that goes on, nothing late."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from support import frame_source
from support.frame_reader import SegmentFrames, read_segment, wrapped_difference
from support.watcher import WatchedSegment, Watcher


@dataclass(frozen=True, slots=True)
class Programme:
    """A watched run, decoded."""

    name: str
    watched: tuple[WatchedSegment, ...]
    decoded: tuple[SegmentFrames, ...]

    @property
    def first_frame(self) -> int:
        """The number of the first frame seen."""
        return self.decoded[0].numbers[0]

    @property
    def last_frame(self) -> int:
        """The number of the last frame seen."""
        return self.decoded[-1].numbers[-1]

    def longest_wait_seconds(self) -> float:
        """The longest time from one new segment being offered to the next."""
        return max((b.offered_at - a.offered_at for a, b in pairwise(self.watched)), default=0.0)

    def problems(self) -> list[str]:
        """Everything a viewer could notice, one sentence each; empty when the programme is unbroken."""
        return [*self._listing_problems(), *self._frame_problems(), *self._sound_problems()]

    def _listing_problems(self) -> list[str]:
        found = []
        for before, after in pairwise(segment.listed.media_sequence for segment in self.watched):
            if after != before + 1:
                found.append(f"media sequence {before} is followed by {after}")
        discontinuous = [segment.listed for segment in self.watched if segment.listed.is_discontinuous]
        found += [f"EXT-X-DISCONTINUITY before media sequence {listed.media_sequence}" for listed in discontinuous]
        for segment, frames in zip(self.watched, self.decoded, strict=True):
            measured = len(frames.numbers) / frame_source.FRAMES_PER_SECOND
            if abs(measured - segment.listed.duration_seconds) > 0.02:
                found.append(
                    f"EXTINF {segment.listed.duration_seconds} of {segment.listed.url} is {measured} of frames"
                )
        return found

    def _frame_problems(self) -> list[str]:
        found = []
        frames = [
            (number, timestamp, segment.listed.media_sequence)
            for segment, decoded in zip(self.watched, self.decoded, strict=True)
            for number, timestamp in zip(decoded.numbers, decoded.timestamps, strict=True)
        ]
        for (before, earlier, _), (after, later, media_sequence) in pairwise(frames):
            if after != before + 1:
                found.append(
                    f"frame {before} is followed by {after} ({after - before - 1:+d}) in segment {media_sequence}"
                )
            if wrapped_difference(later, earlier) != (after - before) * frame_source.TICKS_PER_FRAME:
                found.append(f"timestamp {earlier} is followed by {later} at frame {after}, segment {media_sequence}")
        return found

    def _sound_problems(self) -> list[str]:
        """Sound may gap or overlap by less than one packet where two encoders' cuts meet (facts about AAC)."""
        found = []
        previous: int | None = None
        for segment, decoded in zip(self.watched, self.decoded, strict=True):
            length = decoded.audio_packet_duration
            for timestamp in decoded.audio_timestamps:
                if previous is not None and not 0 < wrapped_difference(timestamp, previous) < 2 * length:
                    step = wrapped_difference(timestamp, previous)
                    found.append(f"audio packets {step} ticks apart, not {length}, in {segment.listed.media_sequence}")
                previous = timestamp
        return found


def decode_programme(watcher: Watcher) -> Programme:
    """Decode all that a watcher has kept.

    Raises:
        AssertionError: it saw nothing at all.
        UnreadableFrame, av.error.FFmpegError: a segment is damaged.
    """
    watched = tuple(watcher.segments())
    assert watched, f"{watcher.name} was never offered a segment\n{watcher.describe()}"
    return Programme(watcher.name, watched, tuple(read_segment(segment.body) for segment in watched))
