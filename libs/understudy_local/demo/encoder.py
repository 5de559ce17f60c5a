"""One demo encoder: a plain FFmpeg that is epoch-locked, so that two of them cut the same segments.

All that a segment is named, timed and shown by comes from the epoch: the first frame is a multiple of the segment's
duration since 1970, its number the count of segments since then, its timestamp that instant. The quantiser is constant,
for rate control would remember when it was started.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import imageio_ffmpeg

from understudy_local.demo import clock_card

SEGMENT_SECONDS: Final = 2

_LISTED_SEGMENTS: Final = 10


@dataclass(frozen=True, slots=True)
class IngestEndpoint:
    """Where an encoder pushes to, as the control API answers it."""

    url: str
    """Ends in ``/channel``; the parent playlist is at this plus ``.m3u8``."""
    username: str
    password: str


async def command_at_next_segment(target: IngestEndpoint, digits: Path) -> Sequence[str]:
    """Wait for the next boundary of a segment, then say the command whose first frame is that instant."""
    start_seconds = (int(time.time()) // SEGMENT_SECONDS + 1) * SEGMENT_SECONDS
    await asyncio.sleep(start_seconds - time.time())
    return command(target, digits, start_seconds=start_seconds)


def command(target: IngestEndpoint, digits: Path, *, start_seconds: int) -> Sequence[str]:
    """The FFmpeg command; ``start_seconds`` is a multiple of ``SEGMENT_SECONDS`` since the epoch."""
    base = _with_credentials(target)
    rate = str(clock_card.FRAMES_PER_SECOND)
    return (
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "warning"),
        *("-re", "-f", "lavfi", "-i", f"smptehdbars=size={clock_card.WIDTH}x{clock_card.HEIGHT}:rate={rate}"),
        *("-f", "image2", "-framerate", rate, "-loop", "1", "-i", str(digits)),
        *("-re", "-f", "lavfi", "-i", "sine=frequency=330:beep_factor=2:sample_rate=48000,volume=0.2"),
        *("-filter_complex_threads", "1", "-filter_complex", clock_card.filter_graph(start_seconds)),
        *("-map", "[picture]", "-map", "2:a"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-qp", "24", "-threads", "1"),
        *("-g", str(SEGMENT_SECONDS * clock_card.FRAMES_PER_SECOND), "-sc_threshold", "0"),
        *("-c:a", "aac", "-b:a", "64k", "-ac", "2"),
        *("-output_ts_offset", str(start_seconds), "-start_number", str(start_seconds // SEGMENT_SECONDS)),
        *("-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_list_size", str(_LISTED_SEGMENTS)),
        *("-hls_flags", "program_date_time+delete_segments"),
        *("-hls_segment_filename", f"{base}_1_%05d.ts"),
        *("-master_pl_name", "channel.m3u8", "-master_pl_publish_rate", "30"),
        *("-method", "PUT", "-http_persistent", "1"),
        f"{base}_1.m3u8",
    )


def _with_credentials(target: IngestEndpoint) -> str:
    parts = urlsplit(target.url)
    who = f"{quote(target.username, safe='')}:{quote(target.password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{who}@{parts.netloc}"))
