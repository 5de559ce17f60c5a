"""Real FFmpegs that behave as an epoch-locked pair of encoders: same frame, same timestamp, same cut, whenever started.

Each reads pictures from :mod:`support.frame_source` as they happen and cuts a segment at every whole multiple of the
segment duration since the epoch. Timestamps and segment numbers come from the epoch too, so two of them need not know
of each other.
"""

from __future__ import annotations

import fcntl
import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit, urlunsplit

import imageio_ffmpeg

from support import frame_source
from support.frame_source import FRAMES_PER_SECOND

SEGMENT_SECONDS = 2
START_SECONDS = 0.7
"""From the start of the process to its first frame, at least: FFmpeg must be reading by then."""

_PIPE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PushTarget:
    """Where an encoder pushes: an ingest endpoint of a channel, as the control API describes it."""

    url: str
    """Ends in ``/channel``: the parent playlist is at this plus ``.m3u8``."""
    username: str
    password: str

    def authority_url(self) -> str:
        """The URL with its credentials inside, the way FFmpeg takes them."""
        parts = urlsplit(self.url)
        user = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))


def next_boundary(seconds: float, *, segment_seconds: int = SEGMENT_SECONDS) -> int:
    """The first frame of the first segment that begins at ``seconds`` since the epoch or later."""
    length = segment_seconds * FRAMES_PER_SECOND
    return -(-frame_source.frame_at(seconds) // length) * length


class Encoder:
    """One encoder: a process that can be killed and started again, each time as a new FFmpeg."""

    def __init__(
        self, name: str, target: PushTarget | Path, *, log_directory: Path, segment_seconds: int = SEGMENT_SECONDS
    ) -> None:
        self.name = name
        self.first_frames: list[int] = []
        """The first frame of each run so far."""
        self._output = f"{target}/channel" if isinstance(target, Path) else target.authority_url()
        self._pushes = isinstance(target, PushTarget)
        self._segment_seconds = segment_seconds
        self._log_path = log_directory / f"encoder-{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._feeder: threading.Thread | None = None

    def start(self, *, first_frame: int | None = None) -> int:
        """Start encoding at a segment boundary; the next one when none is given. Returns its first frame."""
        assert self._process is None, f"encoder {self.name} is running"
        if first_frame is None:
            first_frame = next_boundary(time.time() + START_SECONDS, segment_seconds=self._segment_seconds)
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                _command(self._output, first_frame, segment_seconds=self._segment_seconds, pushes=self._pushes),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        pipe = self._process.stdin
        assert pipe is not None
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._feeder = threading.Thread(
            target=_feed, args=(pipe, _live_frames(first_frame)), name=f"frames of {self.name}", daemon=True
        )
        self._feeder.start()
        self.first_frames.append(first_frame)
        return first_frame

    def kill(self) -> float:
        """SIGKILL: the encoder's host loses power. Returns when, seconds since the epoch."""
        process = self._process
        assert process is not None, f"encoder {self.name} is not running"
        assert process.poll() is None, f"encoder {self.name} had ended by itself, see {self._log_path}"
        process.kill()
        killed_at = time.time()
        self._reap()
        return killed_at

    def close(self) -> None:
        """End it if it runs, whatever its state."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """What FFmpeg has said so far, of all runs."""
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    def _reap(self) -> None:
        assert self._process is not None
        assert self._feeder is not None
        self._process.wait(timeout=10)
        self._feeder.join(timeout=10)
        self._process = self._feeder = None


def encode_files(
    directory: Path, *, first_frame: int, frames: int, segment_seconds: int = SEGMENT_SECONDS
) -> list[Path]:
    """Encode as fast as it goes, into ``directory``: the segments, in order, as a pushing encoder would send them."""
    output = f"{directory}/channel"
    command = _command(output, first_frame, segment_seconds=segment_seconds, pushes=False)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        _feed(process.stdin, map(frame_source.draw, range(first_frame, first_frame + frames)))
        said = process.stderr.read().decode(errors="replace")
    assert process.returncode == 0, f"ffmpeg ended with {process.returncode}: {said}"
    return sorted(directory.glob("channel_*.ts"), key=lambda path: int(path.stem.removeprefix("channel_")))


def _command(output: str, first_frame: int, *, segment_seconds: int, pushes: bool) -> list[str]:
    group = segment_seconds * FRAMES_PER_SECOND
    source = [
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-framerate", str(FRAMES_PER_SECOND)),
        *("-video_size", f"{frame_source.WIDTH}x{frame_source.HEIGHT}", "-i", "pipe:0"),
        # One beep at every whole second: sound whose time can be heard.
        *("-f", "lavfi", "-i", "sine=frequency=500:beep_factor=4:sample_rate=48000"),
    ]
    video = [
        *("-map", "0:v", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1"),
        *("-g", str(group), "-keyint_min", str(group), "-sc_threshold", "0", "-bf", "0", "-b:v", "200k"),
    ]
    # The sound never ends; the pictures do, in encode_files.
    audio = ["-map", "1:a", "-c:a", "aac", "-b:a", "64k", "-ac", "2", "-shortest"]
    muxer = [
        *("-output_ts_offset", str(first_frame // FRAMES_PER_SECOND)),
        *("-f", "hls", "-hls_time", str(segment_seconds), "-start_number", str(first_frame // group)),
        *("-hls_list_size", "6", "-hls_flags", "program_date_time+independent_segments"),
        *("-master_pl_name", "channel.m3u8", "-hls_segment_filename", f"{output}_%05d.ts"),
    ]
    push = ["-method", "PUT", "-http_persistent", "1"] if pushes else []
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    return [
        ffmpeg,
        "-hide_banner",
        "-nostats",
        "-loglevel",
        "warning",
        *source,
        *video,
        *audio,
        *muxer,
        *push,
        f"{output}_1.m3u8",
    ]


def _live_frames(first_frame: int) -> Iterable[bytes]:
    number = first_frame
    while True:
        wait = frame_source.instant_of(number) - time.time()
        if wait > 0:
            time.sleep(wait)
        yield frame_source.draw(number)
        number += 1


def _feed(pipe: IO[bytes], frames: Iterable[bytes]) -> None:
    try:
        with pipe:
            for frame in frames:
                pipe.write(frame)
    except (BrokenPipeError, ValueError):
        return  # its FFmpeg was killed
