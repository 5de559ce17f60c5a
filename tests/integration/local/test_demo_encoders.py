"""The demo's encoders, run against files instead of an input URL: what one makes the other makes too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

from understudy_local.demo import clock_card
from understudy_local.demo.encoder import SEGMENT_SECONDS, IngestEndpoint, command

START_SECONDS = 1_800_000_000
SECONDS = 8


def encode(folder: Path, *, start_seconds: int, seconds: int) -> None:
    """Run the demo's own command as fast as it goes, into a folder."""
    folder.mkdir()
    clock_card.write_digits(folder / "digits.pgm")
    words = list(
        command(IngestEndpoint("http://x/channel", "a", "b"), folder / "digits.pgm", start_seconds=start_seconds)
    )
    for option in ("-method", "-http_persistent"):
        del words[words.index(option) : words.index(option) + 2]
    words = [word.replace("http://a:b@x", str(folder)) for word in words if word != "-re"]
    words[words.index("-hls_list_size") + 1] = "0"
    words[words.index("-hls_flags") + 1] = "program_date_time"
    subprocess.run([*words[:-1], "-t", str(seconds), words[-1]], check=True, timeout=60)


def video_frames(segment: Path) -> list[str]:
    """Timestamp and hash of each decoded frame."""
    decoded = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-copyts",
            "-i",
            segment,
            "-map",
            "0:v",
            "-f",
            "framemd5",
            "-",
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = [line.split(",") for line in decoded.stdout.splitlines() if not line.startswith("#")]
    return [f"{line[2].strip()} {line[5].strip()}" for line in lines]


def test_two_encoders_started_at_different_moments_cut_the_same_segments_with_the_same_pictures(tmp_path: Path) -> None:
    late_seconds = 2 * SEGMENT_SECONDS
    encode(tmp_path / "first", start_seconds=START_SECONDS, seconds=SECONDS)
    encode(tmp_path / "second", start_seconds=START_SECONDS + late_seconds, seconds=SECONDS - late_seconds)
    second = {path.name: video_frames(path) for path in (tmp_path / "second").glob("*.ts")}
    first = {name: video_frames(tmp_path / "first" / name) for name in second}
    assert len(second) == (SECONDS - late_seconds) // SEGMENT_SECONDS
    assert first == second
    assert all(len(frames) == SEGMENT_SECONDS * clock_card.FRAMES_PER_SECOND for frames in second.values())


def test_no_two_frames_of_the_picture_are_the_same(tmp_path: Path) -> None:
    encode(tmp_path / "only", start_seconds=START_SECONDS, seconds=4)
    frames = [frame for path in sorted((tmp_path / "only").glob("*.ts")) for frame in video_frames(path)]
    assert len({frame.split()[1] for frame in frames}) == len(frames) == 4 * clock_card.FRAMES_PER_SECOND
