"""H.264 and HEVC access units: parameter sets, key frames, names (ITU-T H.264 and H.265, annexes B)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from understudy_ingest.probe.elementary import PesPackets
from understudy_ingest.probe.tables import Codec

_START_CODE = b"\x00\x00\x01"
_HEAD_PACKETS = 24
_AVC_SPS, _AVC_PPS, _AVC_IDR, _AVC_SLICES = 7, 8, 5, range(1, 6)
_HEVC_PARAMETER_SETS, _HEVC_SPS, _HEVC_KEY, _HEVC_SLICES = range(32, 35), 33, range(16, 24), range(32)


@dataclass(frozen=True, slots=True)
class VideoHead:
    """What the first access unit says."""

    configuration: str
    """Digest of the parameter sets; empty where there are none."""
    codec: str
    """RFC 6381; empty where there is no SPS."""
    key_frame_first: bool


def read_video_head(pes: PesPackets, codec: Codec) -> VideoHead:
    """Parameter sets of the first access unit, or, where it has none, of the first random access point."""
    sets, is_key = _parameter_sets(pes, 0, codec)
    key_frame_first = bool(sets) and (is_key or pes.random_access(0))
    if not sets:
        later = next((number for number in range(1, len(pes.begins)) if pes.random_access(number)), None)
        if later is not None:
            sets, _ = _parameter_sets(pes, later, codec)
    if not sets:
        return VideoHead("", "", key_frame_first=False)
    name = _avc_name(sets) if codec is Codec.H264 else _hevc_name(sets)
    return VideoHead(f"{zlib.crc32(_START_CODE.join(sets)):08x}", name, key_frame_first)


def _parameter_sets(pes: PesPackets, number: int, codec: Codec) -> tuple[list[bytes], bool]:
    """Parameter sets before the first slice, and whether that slice is of a key frame."""
    found = _scan(pes.access_unit(number, packets_max=_HEAD_PACKETS), codec)
    if found is None:  # long messages stand before the first slice
        found = _scan(pes.access_unit(number), codec)
    return found if found is not None else ([], False)


def _scan(data: bytes, codec: Codec) -> tuple[list[bytes], bool] | None:
    sets: list[bytes] = []
    at = data.find(_START_CODE)
    while at >= 0 and at + 3 < len(data):
        begin = at + 3
        at = data.find(_START_CODE, begin)
        kind = data[begin] & 0x1F if codec is Codec.H264 else data[begin] >> 1 & 0x3F
        if kind in (_AVC_SLICES if codec is Codec.H264 else _HEVC_SLICES):
            return sets, kind == _AVC_IDR if codec is Codec.H264 else kind in _HEVC_KEY
        if kind in ((_AVC_SPS, _AVC_PPS) if codec is Codec.H264 else _HEVC_PARAMETER_SETS):
            sets.append(data[begin : at if at >= 0 else len(data)].rstrip(b"\x00"))
    return None


def _avc_name(sets: list[bytes]) -> str:
    sps = next((item for item in sets if item[0] & 0x1F == _AVC_SPS and len(item) >= 4), None)
    return "" if sps is None else f"avc1.{sps[1:4].hex()}"


def _hevc_name(sets: list[bytes]) -> str:
    """ISO/IEC 14496-15, annex E.3: profile, compatibility in reverse bit order, tier and level, constraints."""
    sps = next((item for item in sets if item[0] >> 1 & 0x3F == _HEVC_SPS), b"").replace(b"\x00\x00\x03", b"\x00\x00")
    if len(sps) < 15:
        return ""
    profile, level = sps[3], sps[14]
    space = ("", "A", "B", "C")[profile >> 6]
    compatibility = int(f"{int.from_bytes(sps[4:8], 'big'):032b}"[::-1], 2)
    constraints = "".join(f".{byte:x}" for byte in sps[8:14].rstrip(b"\x00"))
    return f"hvc1.{space}{profile & 0x1F}.{compatibility:x}.{'H' if profile & 0x20 else 'L'}{level}{constraints}"
