"""PAT and PMT: which PIDs carry what (ISO/IEC 13818-1, 2.4.4)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum

from understudy_domain.errors import EncryptedInput
from understudy_ingest.errors import DamagedMedia, UnsupportedMedia
from understudy_ingest.probe.packets import Packets

_PAT_PID = 0
_PAT_TABLE = 0x00
_PMT_TABLE = 0x02
_CRC_SIZE = 4


class Codec(StrEnum):
    """The codecs that an elementary stream can be read as here."""

    H264 = "h264"
    HEVC = "hevc"
    AAC = "aac"
    AC3 = "ac3"
    EAC3 = "eac3"


_CODECS = {
    0x1B: Codec.H264,
    0x24: Codec.HEVC,
    0x0F: Codec.AAC,
    0x81: Codec.AC3,
    0x87: Codec.EAC3,
}
_ENCRYPTED = {0xDB: "H.264", 0xCF: "AAC", 0xC1: "AC-3", 0xC2: "E-AC-3"}
_UNSUPPORTED = {
    0x01: "MPEG-1 video",
    0x02: "MPEG-2 video",
    0x03: "MPEG-1 audio",
    0x04: "MPEG-2 audio",
    0x10: "MPEG-4 part 2 video",
    0x11: "AAC in LATM",
    0x33: "VVC",
    0x42: "AVS",
}
_DESCRIPTOR_REGISTRATION = 0x05
_DESCRIPTOR_LANGUAGE = 0x0A
_DESCRIPTOR_AC3 = 0x6A
_DESCRIPTOR_EAC3 = 0x7A


@dataclass(frozen=True, slots=True)
class ElementaryStream:
    """One audio or video stream that the PMT names."""

    pid: int
    codec: Codec
    language: str | None = None
    """ISO 639-2, lower case."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What PAT and PMT say."""

    streams: tuple[ElementaryStream, ...]
    """Audio and video only: the rest rides along."""
    layout: str
    """Digest of both tables byte for byte."""


def read_tables(packets: Packets) -> Tables:
    """The first PAT and the PMT of its only programme.

    Raises:
        DamagedMedia: there is none, or it does not parse.
        EncryptedInput: a stream type of SAMPLE-AES.
        UnsupportedMedia: a codec that is not passed on, or several programmes.
    """
    association = _section(packets, _PAT_PID, _PAT_TABLE, "PAT")
    programmes = {
        int.from_bytes(association[at : at + 2], "big"): int.from_bytes(association[at + 2 : at + 4], "big") & 0x1FFF
        for at in range(8, len(association) - 3, 4)
    }
    programmes.pop(0, None)
    if len(programmes) != 1:
        raise UnsupportedMedia(f"a segment holds one programme, this PAT names {len(programmes)}")
    (pid,) = programmes.values()
    programme_map = _section(packets, pid, _PMT_TABLE, "PMT")
    layout = f"{zlib.crc32(programme_map, zlib.crc32(association)):08x}"
    try:
        return Tables(_streams(programme_map), layout)
    except IndexError as err:
        raise DamagedMedia("the PMT is malformed") from err


def _section(packets: Packets, pid: int, table: int, name: str) -> bytes:
    """One section without its CRC."""
    indices = packets.of(pid)
    begins = packets.starts[indices].nonzero()[0]
    if not len(begins):
        raise DamagedMedia(f"no {name} in the segment: a segment must begin with its tables")
    indices = indices[begins[0] : begins[0] + 8]
    payload = packets.payload(indices, packets.payload_offsets(indices))
    section = payload[1 + payload[0] :] if payload else b""
    length = 3 + (int.from_bytes(section[1:3], "big") & 0x0FFF)
    if len(section) < length or length < 12 or section[0] != table:
        raise DamagedMedia(f"the {name} is malformed")
    return section[: length - _CRC_SIZE]


def _streams(programme_map: bytes) -> tuple[ElementaryStream, ...]:
    # By PID: one that is named twice is one stream, and is looked into once, however long the table is.
    streams: dict[int, ElementaryStream] = {}
    at = 12 + (int.from_bytes(programme_map[10:12], "big") & 0x0FFF)
    while at + 5 <= len(programme_map):
        stream_type = programme_map[at]
        pid = int.from_bytes(programme_map[at + 1 : at + 3], "big") & 0x1FFF
        end = at + 5 + (int.from_bytes(programme_map[at + 3 : at + 5], "big") & 0x0FFF)
        descriptors = _descriptors(programme_map[at + 5 : end])
        codec = _codec(stream_type, descriptors)
        if codec is not None:
            streams.setdefault(pid, ElementaryStream(pid, codec, _language(descriptors)))
        at = end
    return tuple(streams.values())


def _descriptors(text: bytes) -> dict[int, bytes]:
    descriptors: dict[int, bytes] = {}
    at = 0
    while at + 2 <= len(text):
        descriptors.setdefault(text[at], text[at + 2 : at + 2 + text[at + 1]])
        at += 2 + text[at + 1]
    return descriptors


def _codec(stream_type: int, descriptors: dict[int, bytes]) -> Codec | None:
    if stream_type in _ENCRYPTED:
        raise EncryptedInput(f"{_ENCRYPTED[stream_type]} encrypted with SAMPLE-AES: send it in the clear")
    if stream_type in _UNSUPPORTED:
        raise UnsupportedMedia(f"{_UNSUPPORTED[stream_type]} is not passed on: send H.264, HEVC, AAC, AC-3 or E-AC-3")
    if stream_type == 0x06:
        registration = descriptors.get(_DESCRIPTOR_REGISTRATION, b"")[:4]
        if _DESCRIPTOR_AC3 in descriptors or registration == b"AC-3":
            return Codec.AC3
        if _DESCRIPTOR_EAC3 in descriptors or registration == b"EAC3":
            return Codec.EAC3
        return Codec.HEVC if registration == b"HEVC" else None
    return _CODECS.get(stream_type)


def _language(descriptors: dict[int, bytes]) -> str | None:
    code = descriptors.get(_DESCRIPTOR_LANGUAGE, b"")[:3]
    return code.decode().lower() if len(code) == 3 and code.isalpha() and code.lower() != b"und" else None
