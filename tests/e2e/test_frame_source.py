"""The yardstick itself: numbered frames survive an encoder, and two encoders of them are an epoch-locked pair."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from support import frame_source
from support.encoder import SEGMENT_SECONDS, encode_files, next_boundary
from support.frame_reader import SegmentFrames, read_segment, wrapped_difference

SEGMENT_FRAMES = SEGMENT_SECONDS * frame_source.FRAMES_PER_SECOND


def encoded(directory: Path, *, first_frame: int, segments: int) -> dict[int, SegmentFrames]:
    """Segments by the number in their name."""
    paths = encode_files(directory, first_frame=first_frame, frames=segments * SEGMENT_FRAMES)
    return {int(path.stem.removeprefix("channel_")): read_segment(path.read_bytes()) for path in paths}


def test_every_frame_of_an_encoded_run_reads_as_its_number(tmp_path: Path) -> None:
    first = next_boundary(time.time())
    numbers = [
        number for segment in encoded(tmp_path, first_frame=first, segments=3).values() for number in segment.numbers
    ]
    assert numbers == list(range(first, first + 3 * SEGMENT_FRAMES))


def test_a_damaged_picture_never_passes_for_a_frame() -> None:
    luma = np.frombuffer(frame_source.draw(12_345), np.uint8)[: frame_source.WIDTH * frame_source.HEIGHT]
    picture = luma.reshape(frame_source.HEIGHT, frame_source.WIDTH).copy()
    assert frame_source.read(picture) == 12_345
    picture[:30, :40] = 255 - picture[:30, :40]
    with pytest.raises(frame_source.UnreadableFrame):
        frame_source.read(picture)


def test_encoders_started_at_different_times_cut_the_same_segments_with_the_same_timestamps(tmp_path: Path) -> None:
    first = next_boundary(time.time())
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one = encoded(tmp_path / "one", first_frame=first, segments=5)
    two = encoded(tmp_path / "two", first_frame=first + 2 * SEGMENT_FRAMES, segments=3)
    assert sorted(two) == sorted(one)[2:]
    for number, segment in two.items():
        assert segment.numbers == one[number].numbers
        assert segment.timestamps == one[number].timestamps


def test_wrapping_timestamps_are_compared_the_shorter_way_round() -> None:
    assert wrapped_difference(10, 2**33 - 10) == 20
    assert wrapped_difference(2**33 - 10, 10) == -20
