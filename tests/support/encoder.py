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
from itertools import islice
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


@dataclass(frozen=True, slots=True)
class Encoding:
    """What an encoder makes of the pictures. Two that take all of this from the epoch are an epoch-locked pair."""

    segment_seconds: int = SEGMENT_SECONDS
    heights: tuple[int, ...] = (frame_source.HEIGHT,)
    """A video rendition for each, 16:9. More than one: the sound is a rendition of its own."""
    b_frames: int = 0
    """In a row, at most."""
    first_timestamp_seconds: float | None = None
    """None: by the epoch."""
    first_number: int | None = None
    """In the names of segments; None: by the epoch."""


EPOCH_LOCKED = Encoding()


def next_boundary(seconds: float, *, segment_seconds: int = SEGMENT_SECONDS) -> int:
    """The first frame of the first segment that begins at ``seconds`` since the epoch or later."""
    length = segment_seconds * FRAMES_PER_SECOND
    return -(-frame_source.frame_at(seconds) // length) * length


class Encoder:
    """One encoder: a process that can be killed and started again, each time as a new FFmpeg."""

    def __init__(
        self, name: str, target: PushTarget | Path, *, log_directory: Path, encoding: Encoding = EPOCH_LOCKED
    ) -> None:
        self.name = name
        self.first_frames: list[int] = []
        """The first frame of each run so far."""
        self._output = f"{target}/channel" if isinstance(target, Path) else target.authority_url()
        self._pushes = isinstance(target, PushTarget)
        self._encoding = encoding
        self._log_path = log_directory / f"encoder-{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._feeder: threading.Thread | None = None

    def start(self, *, first_frame: int | None = None, frames: int | None = None) -> int:
        """Start encoding at a segment boundary; the next one when none is given. Returns its first frame.

        With a number of ``frames`` its input ends after so many, and so does FFmpeg, with everything sent.
        """
        assert self._process is None, f"encoder {self.name} is running"
        if first_frame is None:
            first_frame = next_boundary(time.time() + START_SECONDS, segment_seconds=self._encoding.segment_seconds)
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                _command(self._output, first_frame, encoding=self._encoding, pushes=self._pushes),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        pipe = self._process.stdin
        assert pipe is not None
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._feeder = threading.Thread(
            target=_feed,
            args=(pipe, islice(_live_frames(first_frame), frames)),
            name=f"frames of {self.name}",
            daemon=True,
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

    def wait_until_ended(self, *, within_seconds: float) -> None:
        """Until it has ended by itself, after the frames that it was started for.

        Raises:
            AssertionError: it failed.
            subprocess.TimeoutExpired: it goes on.
        """
        assert self._process is not None
        status = self._process.wait(timeout=within_seconds)
        self._reap()
        assert status == 0, f"encoder {self.name} ended with {status}: {self.log()}"

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


def encode_files(directory: Path, *, first_frame: int, frames: int, encoding: Encoding = EPOCH_LOCKED) -> list[Path]:
    """Encode as fast as it goes, into ``directory``: the segments, in order, as a pushing encoder would send them.

    Of the only rendition.
    """
    output = f"{directory}/channel"
    command = _command(output, first_frame, encoding=encoding, pushes=False)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        _feed(process.stdin, map(frame_source.draw, range(first_frame, first_frame + frames)))
        said = process.stderr.read().decode(errors="replace")
    assert process.returncode == 0, f"ffmpeg ended with {process.returncode}: {said}"
    return sorted(directory.glob("channel_*.ts"), key=lambda path: int(path.stem.removeprefix("channel_")))


def _command(output: str, first_frame: int, *, encoding: Encoding, pushes: bool) -> list[str]:
    group = encoding.segment_seconds * FRAMES_PER_SECOND
    source = [
        *("-f", "rawvideo", "-pix_fmt", "yuv420p", "-framerate", str(FRAMES_PER_SECOND)),
        *("-video_size", f"{frame_source.WIDTH}x{frame_source.HEIGHT}", "-i", "pipe:0"),
        # A tone that swells by the clock: no two moments sound alike, as no two pictures look alike.
        *("-f", "lavfi", "-i", f"aevalsrc=0.2*sin(1000*PI*t)*sin((t+{first_frame / FRAMES_PER_SECOND:.2f})/7):s=48000"),
    ]
    video: list[str] = []
    for index, height in enumerate(encoding.heights):
        video += ["-map", "0:v", f"-filter:v:{index}", f"scale={height * 16 // 9}:{height}:flags=neighbor"]
    video += [
        *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1"),
        *("-g", str(group), "-keyint_min", str(group), "-sc_threshold", "0"),
        *("-bf", str(encoding.b_frames), "-b:v", "200k"),
    ]
    # The sound never ends; the pictures do, in encode_files.
    audio = ["-map", "1:a", "-c:a", "aac", "-b:a", "64k", "-ac", "2", "-shortest"]
    first_timestamp = encoding.first_timestamp_seconds
    if first_timestamp is None:
        first_timestamp = first_frame / FRAMES_PER_SECOND
    first_number = first_frame // group if encoding.first_number is None else encoding.first_number
    renditions, playlist, segments = [], f"{output}_1.m3u8", f"{output}_%05d.ts"
    if len(encoding.heights) > 1:
        videos = [f"v:{index},agroup:sound" for index in range(len(encoding.heights))]
        renditions = ["-var_stream_map", " ".join([*videos, "a:0,agroup:sound,default:yes"])]
        playlist, segments = f"{output}_%v.m3u8", f"{output}_%v_%05d.ts"
    muxer = [
        *("-output_ts_offset", f"{first_timestamp:.2f}"),
        *("-f", "hls", "-hls_time", str(encoding.segment_seconds), "-start_number", str(first_number)),
        *("-hls_list_size", "6", "-hls_flags", "program_date_time+independent_segments"),
        *("-master_pl_name", "channel.m3u8", "-hls_segment_filename", segments, *renditions),
    ]
    push = ["-method", "PUT", "-http_persistent", "1"] if pushes else []
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats", "-loglevel", "warning"]
    return [*ffmpeg, *source, *video, *audio, *muxer, *push, playlist]


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
