"""MPEG-TS packet headers of a whole segment as numpy arrays (ISO/IEC 13818-1, 2.4.3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from understudy_ingest.errors import DamagedMedia, UnsupportedMedia

PACKET_SIZE = 188
_SYNC_BYTE = 0x47
_HEADER_SIZE = 4

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Packets:
    """Every packet's header, one element a packet."""

    body: bytes
    view: Bytes
    """``(packets, 188)``, over ``body`` itself."""
    pids: npt.NDArray[np.uint16]
    starts: Flags
    """payload_unit_start_indicator."""
    controls: Bytes
    """The fourth byte: scrambling, adaptation field and payload, continuity counter."""
    errors: int
    """Packets with transport_error_indicator."""

    def of(self, pid: int) -> Integers:
        """Indices of the packets with a PID, in order."""
        return np.flatnonzero(self.pids == pid)

    def payload_offsets(self, indices: Integers) -> Integers:
        """Where in each packet its payload begins: 188 where it has none."""
        controls = self.controls[indices]
        offsets = np.full(len(indices), _HEADER_SIZE, dtype=np.int64)
        adapted = (controls & 0x20) != 0
        offsets[adapted] += 1 + self.view[indices[adapted], _HEADER_SIZE].astype(np.int64)
        offsets[(controls & 0x10) == 0] = PACKET_SIZE
        return np.minimum(offsets, PACKET_SIZE)

    def payload(self, indices: Integers, offsets: Integers) -> bytes:
        """The payloads of these packets from ``offsets`` on, joined."""
        body = self.body
        begins = (indices * PACKET_SIZE + offsets).tolist()
        ends = ((indices + 1) * PACKET_SIZE).tolist()
        return b"".join([body[begin:end] for begin, end in zip(begins, ends, strict=True)])

    def random_access(self, index: int) -> bool:
        """random_access_indicator of one packet."""
        packet = self.view[index]
        return bool(packet[3] & 0x20 and packet[4] > 0 and packet[5] & 0x40)

    def continuity_errors(self, indices: Integers, controls: Bytes) -> int:
        """Breaks of the continuity counter on one PID: a packet may come twice, and may announce a discontinuity.

        ``controls`` are those of the packets at ``indices``.
        """
        has_payload = (controls & 0x10) != 0
        carrying = indices
        if not has_payload.all():  # packets without payload do not count
            carrying, controls = indices[has_payload], controls[has_payload]
        counters = controls & 0x0F
        steps = (counters[1:] - counters[:-1]) & 0x0F
        breaks = np.flatnonzero(steps != 1)
        return sum(not self._excused(int(carrying[at]), int(carrying[at + 1])) for at in breaks.tolist())

    def _excused(self, before: int, after: int) -> bool:
        packet = self.view[after]
        announced = bool(packet[3] & 0x20 and packet[4] > 0 and packet[5] & 0x80)
        return announced or bytes(packet[_HEADER_SIZE:]) == bytes(self.view[before][_HEADER_SIZE:])


def read_packets(body: bytes) -> Packets:
    """The packet headers of a segment.

    Raises:
        UnsupportedMedia: it is no MPEG-TS at all.
        DamagedMedia: it is, and ends within a packet or loses the sync byte.
    """
    if not body:
        raise DamagedMedia("the segment is empty")
    if body[0] != _SYNC_BYTE or (len(body) > PACKET_SIZE and body[PACKET_SIZE] != _SYNC_BYTE):
        raise UnsupportedMedia(_what_it_is(body))
    count, rest = divmod(len(body), PACKET_SIZE)
    if rest:
        raise DamagedMedia(f"the segment ends within a packet: {len(body)} bytes are {count} packets and {rest} bytes")
    view = np.frombuffer(body, dtype=np.uint8).reshape(count, PACKET_SIZE)
    headers = view[:, :_HEADER_SIZE].T.copy()
    synchronised = headers[0] == _SYNC_BYTE
    if not synchronised.all():
        raise DamagedMedia(f"the sync byte is lost at byte {int(np.argmin(synchronised)) * PACKET_SIZE}")
    pids = ((headers[1] & 0x1F).astype(np.uint16) << 8) | headers[2]
    return Packets(
        body=body,
        view=view,
        pids=pids,
        starts=(headers[1] & 0x40) != 0,
        controls=headers[3],
        errors=int(np.count_nonzero(headers[1] & 0x80)),
    )


def _what_it_is(body: bytes) -> str:
    if body[4:8] in (b"ftyp", b"styp", b"moof", b"sidx", b"moov", b"emsg", b"prft"):
        return "fragmented MP4 is not taken here yet: set the encoder's HLS segment type to MPEG-TS"
    if body[:3] == b"ID3" or (body[0] == 0xFF and body[1:2] and body[1] & 0xF0 == 0xF0):
        return "packed audio is not taken here: set the encoder to put audio into MPEG-TS"
    return "the body is no MPEG-TS segment: it does not begin with packets of 188 bytes"
