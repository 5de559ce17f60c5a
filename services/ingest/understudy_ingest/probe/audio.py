"""Audio frames counted from their own headers: ADTS (ISO/IEC 13818-7), AC-3 and E-AC-3 (ETSI TS 102 366).

Several frames share a PES packet and a frame may span two, so that timestamps cannot be counted instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from understudy_domain import ticks
from understudy_ingest.probe.tables import Codec

_ADTS_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_ADTS_HEADER_SIZE = 7
_ADTS_SAMPLES = 1_024
_ADTS_CHANNELS = (None, 1, 2, 3, 4, 5, 6, 8)
_AC3_RATES = (48_000, 44_100, 32_000)
_AC3_KILOBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_AC3_SAMPLES = 1_536
_AC3_HEADER_SIZE = 7
_EAC3_BLOCKS = (1, 2, 3, 6)
_EAC3_BLOCK_SAMPLES = 256


@dataclass(frozen=True, slots=True)
class AudioFrames:
    """The audio frames that begin in a segment."""

    frames: int
    samples: int
    sample_rate: int
    """Hz."""
    configuration: str
    """Codec configuration as in the headers, hex: what would be an AudioSpecificConfig or its like."""
    codec: str
    """RFC 6381."""
    channels: int | None

    @property
    def duration(self) -> int:
        """Ticks, exact, rounded once."""
        return _rounded(self.samples * ticks.TICKS_PER_SECOND, self.sample_rate)

    @property
    def frame_duration(self) -> int:
        """Ticks one frame lasts."""
        return _rounded(self.samples * ticks.TICKS_PER_SECOND, self.sample_rate * self.frames)


def _rounded(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def count_audio_frames(data: bytes, codec: Codec) -> AudioFrames | None:
    """The frames in elementary stream bytes, which may begin or end within one; None where there is no frame."""
    return _COUNTERS[codec](data)


def _count_adts(data: bytes) -> AudioFrames | None:
    frames = 0
    first: int | None = None
    at, last = 0, len(data) - _ADTS_HEADER_SIZE
    while 0 <= at <= last:
        size = (data[at + 3] & 0x03) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0 or size < _ADTS_HEADER_SIZE:
            at = data.find(b"\xff", at + 1)
            continue
        if first is None:
            if not _followed(data, at + size):
                at = data.find(b"\xff", at + 1)
                continue
            first = at
        frames += (data[at + 6] & 0x03) + 1
        at += size
    if first is None:
        return None
    profile, rate_index = data[first + 2] >> 6, data[first + 2] >> 2 & 0x0F
    if rate_index >= len(_ADTS_RATES):
        return None
    layout = (data[first + 2] & 0x01) << 2 | data[first + 3] >> 6
    return AudioFrames(
        frames=frames,
        samples=frames * _ADTS_SAMPLES,
        sample_rate=_ADTS_RATES[rate_index],
        configuration=f"{profile + 1:x}{rate_index:x}{layout:x}",
        codec=f"mp4a.40.{profile + 1}",
        channels=_ADTS_CHANNELS[layout],
    )


def _followed(data: bytes, at: int) -> bool:
    """The next frame begins here, or the bytes end: 12 bits alone also occur within frames."""
    return at >= len(data) - 1 or (data[at] == 0xFF and data[at + 1] & 0xF6 == 0xF0)


def _count_ac3(data: bytes) -> AudioFrames | None:
    frames = 0
    first: int | None = None
    at, last = data.find(b"\x0b\x77"), len(data) - _AC3_HEADER_SIZE
    while 0 <= at <= last:
        size = _ac3_frame_size(data[at + 4]) if data[at : at + 2] == b"\x0b\x77" else 0
        if not size:
            at = data.find(b"\x0b\x77", at + 1)
            continue
        first = at if first is None else first
        frames += 1
        at += size
    if first is None:
        return None
    return AudioFrames(
        frames=frames,
        samples=frames * _AC3_SAMPLES,
        sample_rate=_AC3_RATES[data[first + 4] >> 6],
        configuration=f"{data[first + 4] >> 6:x}{data[first + 5]:02x}{data[first + 6]:02x}",
        codec="ac-3",
        channels=None,
    )


def _ac3_frame_size(code: int) -> int:
    """Bytes; 0 for a code that does not exist."""
    rate_code, size_code = code >> 6, code & 0x3F
    if rate_code >= len(_AC3_RATES) or size_code >> 1 >= len(_AC3_KILOBITS):
        return 0
    kilobits = _AC3_KILOBITS[size_code >> 1]
    words = (kilobits * 2, kilobits * 320 // 147 + (size_code & 1), kilobits * 3)[rate_code]
    return 2 * words


def _count_eac3(data: bytes) -> AudioFrames | None:
    frames = samples = 0
    first: int | None = None
    at, last = data.find(b"\x0b\x77"), len(data) - _AC3_HEADER_SIZE
    while 0 <= at <= last:
        if data[at : at + 2] != b"\x0b\x77" or data[at + 4] >> 6 == 3:  # 3: half rates, which nobody sends
            at = data.find(b"\x0b\x77", at + 1)
            continue
        is_independent = data[at + 2] >> 6 != 1 and data[at + 2] >> 3 & 0x07 == 0
        if is_independent:
            first = at if first is None else first
            frames += 1
            samples += _EAC3_BLOCKS[data[at + 4] >> 4 & 0x03] * _EAC3_BLOCK_SAMPLES
        at += 2 * (((data[at + 2] & 0x07) << 8 | data[at + 3]) + 1)
    if first is None:
        return None
    return AudioFrames(
        frames=frames,
        samples=samples,
        sample_rate=_AC3_RATES[data[first + 4] >> 6],
        configuration=f"{data[first + 4]:02x}{data[first + 5] >> 3:02x}",
        codec="ec-3",
        channels=None,
    )


_COUNTERS: dict[Codec, Callable[[bytes], AudioFrames | None]] = {
    Codec.AAC: _count_adts,
    Codec.AC3: _count_ac3,
    Codec.EAC3: _count_eac3,
}
