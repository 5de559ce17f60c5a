"""Real MPEG-TS segments of a wanted size, made by the FFmpeg that is shipped as a wheel."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

_AUDIO_BITS_PER_SECOND = 128_000
_OVERHEAD = 1.04  # headers of packets, tables


def make_segment(directory: Path, *, size: int) -> bytes:
    """One segment of 2 s and about ``size`` bytes: H.264 in 720p at 25 frames per second, and AAC."""
    segments = make_segments(directory, count=3, seconds=2, bits_per_second=round(size * 8 / 2), picture="1280x720")
    return min(segments[1:], key=lambda body: abs(len(body) - size))


def make_segments(
    directory: Path, *, count: int, seconds: int, bits_per_second: int, picture: str = "320x180"
) -> list[bytes]:
    """Consecutive segments of a constant bit rate; noise in the picture sees to it that it is used up."""
    directory.mkdir(parents=True, exist_ok=True)
    video = round(bits_per_second / _OVERHEAD) - _AUDIO_BITS_PER_SECOND
    frames = 25 * seconds
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin"),
        *("-f", "lavfi", "-i", f"testsrc2=size={picture}:rate=25,noise=alls=20:allf=t"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", str(count * seconds)),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-x264-params", f"keyint={frames}:min-keyint={frames}:scenecut=0"),
        *("-b:v", str(video), "-maxrate", str(video), "-bufsize", str(video // 2)),
        *("-c:a", "aac", "-ac", "2", "-b:a", str(_AUDIO_BITS_PER_SECOND)),
        *("-f", "hls", "-hls_time", str(seconds), "-hls_list_size", "0"),
        *("-hls_segment_filename", f"{directory}/%05d.ts", f"{directory}/index.m3u8"),
    ]
    subprocess.run(command, check=True)
    return [path.read_bytes() for path in sorted(directory.glob("*.ts"))][:count]
