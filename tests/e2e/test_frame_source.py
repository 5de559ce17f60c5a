"""The yardstick itself: numbered frames survive an encoder, and two encoders of them are an epoch-locked pair."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from support import frame_source
from support.encoder import SEGMENT_SECONDS, encode_files, next_boundary
from support.frame_reader import SegmentFrames, read_segment, wrapped_difference
from support.hls_reader import ListedSegment
from support.programme import Programme
from support.watcher import WatchedSegment

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


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> list[WatchedSegment]:
    """Four segments as a watcher would have kept them, of a flawless programme."""
    directory = tmp_path_factory.mktemp("watched")
    paths = encode_files(directory, first_frame=next_boundary(time.time()), frames=4 * SEGMENT_FRAMES)
    return [
        WatchedSegment(ListedSegment(index, path.name, SEGMENT_SECONDS, ()), path.read_bytes(), 0.0, "")
        for index, path in enumerate(paths)
    ]


@pytest.mark.parametrize(
    ("order", "flawless"),
    [
        pytest.param([0, 1, 2, 3], True, id="as it was"),
        pytest.param([0, 2, 3], False, id="a segment is lost"),
        pytest.param([0, 1, 1, 2, 3], False, id="a segment comes twice"),
        pytest.param([0, 2, 1, 3], False, id="two segments change places"),
    ],
)
def test_a_viewer_notices_what_is_lost_repeated_or_misplaced(
    watched: list[WatchedSegment], order: list[int], flawless: bool
) -> None:
    shown = [watched[index] for index in order]
    programme = Programme("shown", tuple(shown), tuple(read_segment(segment.body) for segment in shown))
    said = [problem for problem in programme.problems() if problem.startswith("frame")]
    assert (said == []) == flawless
    assert (programme.problems() == []) == flawless
