"""PES packets of one elementary stream: timestamps and payload (ISO/IEC 13818-1, 2.4.3.6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from understudy_domain.errors import EncryptedInput
from understudy_ingest.errors import DamagedMedia
from understudy_ingest.probe.packets import PACKET_SIZE, Flags, Integers, Packets

TIMESTAMP_MODULUS = 1 << 33
_PES_HEADER_SIZE = 9
_TIMESTAMP_SIZE = 5
# 33 bits in five bytes, marker bits between them; shifted one to the left of their place, so that none goes right.
_TIMESTAMP_BYTES = np.arange(_PES_HEADER_SIZE, _PES_HEADER_SIZE + _TIMESTAMP_SIZE)
_TIMESTAMP_MASKS = np.array([0x0E, 0xFF, 0xFE, 0xFF, 0xFE])
_TIMESTAMP_SHIFTS = np.array([30, 23, 15, 8, 0])


@dataclass(frozen=True, slots=True)
class PesPackets:
    """One stream's PES packets, and where its TS packets' elementary bytes begin."""

    packets: Packets
    indices: Integers
    """Its TS packets, from the first that begins a PES packet on."""
    begins: Integers
    """Positions in ``indices`` at which a PES packet begins."""
    header_ends: Integers
    """Where in the TS packets at ``begins`` elementary stream bytes begin."""
    timestamps: Integers
    """Presentation timestamps in order of decoding, unwrapped around the first, ticks."""
    continuity_errors: int

    @property
    def first_timestamp(self) -> int:
        """The smallest, as in the media."""
        return int(self.timestamps.min()) % TIMESTAMP_MODULUS

    def payload(self) -> bytes:
        """All its elementary stream bytes."""
        offsets = self.packets.payload_offsets(self.indices)
        offsets[self.begins] = self.header_ends
        return self.packets.payload(self.indices, offsets)

    def access_unit(self, number: int, *, packets_max: int | None = None) -> bytes:
        """The elementary bytes of one PES packet, or of its first ``packets_max`` TS packets."""
        begin = int(self.begins[number])
        end = int(self.begins[number + 1]) if number + 1 < len(self.begins) else len(self.indices)
        if packets_max is not None:
            end = min(end, begin + packets_max)
        indices = self.indices[begin:end]
        offsets = self.packets.payload_offsets(indices)
        offsets[0] = self.header_ends[number]
        return self.packets.payload(indices, offsets)

    def random_access(self, number: int) -> bool:
        """random_access_indicator where a PES packet begins."""
        return self.packets.random_access(int(self.indices[self.begins[number]]))


def read_pes_packets(packets: Packets, pid: int) -> PesPackets | None:
    """The PES packets with a PID; None where there are none.

    Raises:
        EncryptedInput: scrambled packets.
        DamagedMedia: not one PES packet with a presentation timestamp.
    """
    indices = packets.of(pid)
    controls = packets.controls[indices]
    if (controls & 0xC0).any():
        raise EncryptedInput(f"the packets with PID {pid} are scrambled: send them in the clear")
    begins = np.flatnonzero(packets.starts[indices])
    if not len(begins):
        return None
    continuity_errors = packets.continuity_errors(indices, controls)
    indices = indices[begins[0] :]
    begins = begins - begins[0]
    heads = indices[begins]
    at = packets.payload_offsets(heads)
    fits = at + _PES_HEADER_SIZE + _TIMESTAMP_SIZE <= PACKET_SIZE
    lengths = packets.view[heads, np.minimum(at + 8, PACKET_SIZE - 1)].astype(np.int64)
    header_ends = np.minimum(at + _PES_HEADER_SIZE + lengths, PACKET_SIZE)
    timestamps = _timestamps(packets, heads[fits], at[fits])
    if not len(timestamps):
        raise DamagedMedia(f"no presentation timestamp on PID {pid}")
    return PesPackets(packets, indices, begins, header_ends, timestamps, continuity_errors)


def _timestamps(packets: Packets, heads: Integers, at: Integers) -> Integers:
    base: Integers = heads * PACKET_SIZE + at
    flat = packets.view.reshape(-1)
    marked: Flags = (flat[base + 2] == 1) & (flat[base] == 0) & (flat[base + 1] == 0) & ((flat[base + 7] & 0x80) != 0)
    base = base[marked]
    if not len(base):
        return base
    raw = flat[base[:, None] + _TIMESTAMP_BYTES].astype(np.int64)
    values = ((raw & _TIMESTAMP_MASKS) << _TIMESTAMP_SHIFTS).sum(axis=1) >> 1
    half = TIMESTAMP_MODULUS // 2
    unwrapped: Integers = values[0] + (values - values[0] + half) % TIMESTAMP_MODULUS - half
    return unwrapped
