"""Short real media, encoded once a test session by the FFmpeg that is shipped as a wheel."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

PICTURES = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate={rate}"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate={sample_rate}"]

H264 = "-c:v libx264 -preset ultrafast -x264-params keyint=50:scenecut=0 -b:v 300k"
AAC = "-c:a aac -ac 2 -b:a 96k"


def encode(
    directory: Path,
    options: str,
    *,
    seconds: float = 6,
    rate: str = "25",
    sample_rate: int = 48_000,
    video: bool = True,
    audio: bool = True,
) -> list[Path]:
    """Encode to HLS segments of 2 s in ``directory``: the segments in order; the playlist is ``index.m3u8``."""
    inputs = [part.format(rate=rate) for part in PICTURES] if video else []
    inputs += [part.format(sample_rate=sample_rate) for part in SOUND] if audio else []
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", *inputs]
    command += ["-t", str(seconds), *options.split(), "-f", "hls", "-hls_time", "2", "-hls_list_size", "0"]
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, "-hls_segment_filename", f"{directory}/%05d.ts", f"{directory}/index.m3u8"], check=True)
    return sorted(directory.glob("*.ts"))
