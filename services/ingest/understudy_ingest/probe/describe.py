"""What only a decoder's parser knows of a track: its size, channels and AAC profile. Asked once a configuration.

PyAV costs ten times a peek, and its import a tenth of a second: it is imported with the first question.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from understudy_ingest.errors import DamagedMedia

_PROBE_SIZES = (32_768, 2_000_000)
_AAC_OBJECT_TYPES = {"HE-AAC": 5, "HE-AACv2": 29}


@dataclass(frozen=True, slots=True)
class Description:
    """What does not change as long as tables and codec configuration stay."""

    width: int | None = None
    height: int | None = None
    channels: int | None = None
    frame_rate: str | None = None
    """As the decoder's parser guesses it: for segments with a single picture only."""
    aac_object_type: int | None = None
    """Where it is another than the ADTS headers say."""


def warm_up() -> None:
    """Import PyAV now rather than with the first question."""
    import av  # noqa: F401, PLC0415


def describe(body: bytes) -> dict[int, Description]:
    """Every audio and video track of a segment, by PID.

    Raises:
        DamagedMedia: FFmpeg's demuxer does not read it.
    """
    found: dict[int, Description] = {}
    for probe_size in _PROBE_SIZES:
        found = _open(body, probe_size)
        if all(item.width or item.channels for item in found.values()):
            break
    return found


def _open(body: bytes, probe_size: int) -> dict[int, Description]:
    import av  # noqa: PLC0415 - see above

    found: dict[int, Description] = {}
    try:
        with av.open(io.BytesIO(body), format="mpegts", options={"probesize": str(probe_size)}) as container:
            for stream in container.streams:
                if isinstance(stream, av.VideoStream):
                    rate = stream.average_rate or stream.guessed_rate
                    found[stream.id] = Description(
                        width=stream.codec_context.width or None,
                        height=stream.codec_context.height or None,
                        frame_rate=str(rate) if rate else None,
                    )
                elif isinstance(stream, av.AudioStream):
                    found[stream.id] = Description(
                        channels=stream.codec_context.channels or None,
                        aac_object_type=_AAC_OBJECT_TYPES.get(str(stream.codec_context.profile)),
                    )
    except av.FFmpegError as err:
        raise DamagedMedia(f"the segment cannot be read: {err.strerror}") from err
    return found
