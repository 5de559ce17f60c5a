"""What a watcher has seen, as a viewer would: every frame once and in order, sound that goes on, nothing late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from support import frame_source
from support.frame_reader import SegmentFrames, read_segment, wrapped_difference
from support.watcher import WatchedSegment, Watcher

_NOTHING = SegmentFrames((), (), (), 0)


@dataclass(frozen=True, slots=True)
class Seam:
    """Where one frame is not followed by the next, or its timestamp does not go on."""

    before: int
    after: int
    """Numbers of the frames."""
    step: int
    """From one timestamp to the next, ticks."""
    media_sequence: int
    """Of the segment that ``after`` is in."""
    marked: bool
    """EXT-X-DISCONTINUITY stands there, or an EXT-X-GAP lies between."""

    @property
    def jump_seconds(self) -> float:
        """What of the programme is left out; negative: shown twice."""
        return (self.after - self.before - 1) / frame_source.FRAMES_PER_SECOND

    @property
    def timestamps_agree(self) -> bool:
        """The timestamps go on by just as much as the frames."""
        return self.step == (self.after - self.before) * frame_source.TICKS_PER_FRAME

    def describe(self) -> str:
        """A sentence."""
        return (
            f"frame {self.before} is followed by {self.after}, {self.step} ticks later, "
            f"in segment {self.media_sequence}"
        )


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

    def frames(self) -> list[int]:
        """The numbers of all frames, in the order they were shown."""
        return [number for decoded in self.decoded for number in decoded.numbers]

    def seams(self) -> list[Seam]:
        """Every place at which the pictures do not go on."""
        found = []
        last: tuple[int, int] | None = None
        marked = False
        for segment, decoded in zip(self.watched, self.decoded, strict=True):
            marked = marked or segment.listed.is_discontinuous or segment.listed.is_gap
            for number, timestamp in zip(decoded.numbers, decoded.timestamps, strict=True):
                if last is not None:
                    step = wrapped_difference(timestamp, last[1])
                    seam = Seam(last[0], number, step, segment.listed.media_sequence, marked)
                    if number != last[0] + 1 or not seam.timestamps_agree:
                        found.append(seam)
                last = (number, timestamp)
                marked = False
        return found

    def problems(self) -> list[str]:
        """Everything a viewer could notice, one sentence each; empty when the programme is unbroken."""
        return [*self._listing_problems(), *(seam.describe() for seam in self.seams()), *self._sound_problems()]

    def _listing_problems(self) -> list[str]:
        found = []
        for before, after in pairwise(segment.listed.media_sequence for segment in self.watched):
            if after != before + 1:
                found.append(f"media sequence {before} is followed by {after}")
        for listed in (segment.listed for segment in self.watched):
            found += [f"EXT-X-DISCONTINUITY before media sequence {listed.media_sequence}"] * listed.is_discontinuous
            found += [f"EXT-X-GAP at media sequence {listed.media_sequence}"] * listed.is_gap
        for segment, frames in zip(self.watched, self.decoded, strict=True):
            if segment.listed.is_gap:
                continue
            measured = len(frames.numbers) / frame_source.FRAMES_PER_SECOND
            if abs(measured - segment.listed.duration_seconds) > 0.02:
                found.append(
                    f"EXTINF {segment.listed.duration_seconds} of {segment.listed.url} is {measured} of frames"
                )
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
    """Decode all that a watcher has kept of the only rendition.

    Raises:
        AssertionError: it saw nothing at all.
        UnreadableFrame, av.error.FFmpegError: a segment is damaged.
    """
    watched = watcher.segments()
    assert watched, f"{watcher.name} was never offered a segment\n{watcher.describe()}"
    return decode_segments(watcher.name, watched)


def decode_segments(name: str, watched: Sequence[WatchedSegment]) -> Programme:
    """Decode what was kept of one rendition.

    Raises:
        UnreadableFrame, av.error.FFmpegError: a segment is damaged.
    """
    decoded = tuple(_NOTHING if segment.listed.is_gap else read_segment(segment.body) for segment in watched)
    return Programme(name, tuple(watched), decoded)
