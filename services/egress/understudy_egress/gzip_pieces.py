"""Gzip put together of pieces that were compressed before, so that a long playlist that grows is not done again.

A piece is a run of DEFLATE blocks that ends on a whole byte and refers to nothing before it, so pieces in a row are one
stream. Only the checksum runs over everything.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

_LEVEL: Final = 1
_RAW: Final = -15
_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""Deflate, no name, no time, quickly compressed, by an unknown system: the same bytes everywhere."""
_LAST_BLOCK: Final = b"\x03\x00"


def deflated(piece: bytes) -> bytes:
    """A piece, compressed."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    return compressor.compress(piece) + compressor.flush(zlib.Z_FULL_FLUSH)


def gzip_parts(pieces: Iterable[bytes], plain: Iterable[bytes]) -> tuple[bytes, ...]:
    """The gzip of ``plain``, in parts: the pieces are these, compressed, and stay what they are."""
    checksum = size = 0
    for piece in plain:
        checksum, size = zlib.crc32(piece, checksum), size + len(piece)
    return (_HEAD, *pieces, _end(checksum, size))


def gzip_around(pieces: Iterable[bytes | bytearray], *, checksum: int, size: int) -> bytes:
    """The gzip of what these are the pieces of: its CRC-32, and how many bytes it has."""
    return b"".join([_HEAD, *pieces, _end(checksum, size)])


def _end(checksum: int, size: int) -> bytes:
    return _LAST_BLOCK + checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")
