"""Gzip put together of pieces is what every client unpacks."""

from __future__ import annotations

import gzip
import zlib

import pytest

from understudy_egress.gzip_pieces import deflated, gzip_around


@pytest.mark.parametrize("pieces", [[], [b""], [b"a"], [b"#EXTM3U\n", b"", b"x" * 100_000, b"#EXT-X-ENDLIST\n"]])
def test_pieces_unpack_to_the_whole(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    packed = gzip_around(map(deflated, pieces), checksum=zlib.crc32(whole), size=len(whole))
    assert gzip.decompress(packed) == whole
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert stream.decompress(packed) == whole
    assert stream.eof, "one stream: clients that stop behind the first lose nothing"
    assert not stream.unused_data


def test_a_piece_is_the_same_bytes_wherever_it_stands() -> None:
    assert deflated(b"abc" * 50) == deflated(b"abc" * 50)
