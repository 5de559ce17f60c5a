"""Long playlists, as the pieces that they are made of.

Windows of the same part of a programme differ in their ends alone. What is between is in memory once, however many ask,
and however long they take to read: nothing is put together before it is sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from understudy_egress.gzip_pieces import gzip_parts
from understudy_egress.prepared import CORS_HEADERS, PLAYLIST_MEDIA_TYPE, Headers, digest_of

_OVERHEAD_BYTES = 2_048
"""What one takes besides its pieces: what was asked for, headers, objects."""
_PIECE_OVERHEAD_BYTES = 128
"""What a piece takes besides its bytes: two objects, and where they are."""


@dataclass(frozen=True, slots=True)
class PiecedText:
    """A playlist's bytes, plain and gzipped, and what they are recognised by."""

    plain: Sequence[bytes]
    gzip: Sequence[bytes]
    digest: bytes

    @classmethod
    def of(cls, plain: Sequence[bytes], deflated: Sequence[bytes]) -> PiecedText:
        """Made of pieces, and each of them compressed (``gzip_pieces.deflated``)."""
        digest = hashlib.sha256()
        for piece in plain:
            digest.update(piece)
        return cls(tuple(plain), gzip_parts(deflated, plain), digest_of(digest))

    @property
    def weight(self) -> int:
        """Bytes that it takes, shared or not."""
        pieces = sum(map(len, self.plain)) + sum(map(len, self.gzip))
        return pieces + len(self.plain) * _PIECE_OVERHEAD_BYTES + _OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class PiecedRepresentation:
    """As ``prepared.Representation``, to be sent piece by piece."""

    parts: Sequence[bytes]
    etag: bytes
    headers: Headers
    not_modified_headers: Headers

    @classmethod
    def of(cls, parts: Sequence[bytes], *, etag: bytes, encoding: Headers, extra: Headers) -> PiecedRepresentation:
        """One encoding of a playlist; ``extra`` headers are sent with it."""
        validators: Headers = ((b"etag", etag), (b"vary", b"Accept-Encoding"), *CORS_HEADERS, *extra)
        headers: Headers = (
            (b"content-type", PLAYLIST_MEDIA_TYPE),
            (b"content-length", b"%d" % sum(map(len, parts))),
            *encoding,
            *validators,
        )
        return cls(parts, etag, headers, validators)


@dataclass(frozen=True, slots=True)
class PiecedPlaylist:
    """As ``prepared.Prepared``."""

    identity: PiecedRepresentation
    gzip: PiecedRepresentation
    route: str
    is_live: bool

    @classmethod
    def of(cls, text: PiecedText, *, route: str, extra: Headers, is_live: bool) -> PiecedPlaylist:
        """Its plain and its gzipped representation.

        Where pieces begin is each process' affair, and with it how they are compressed: so the gzipped ones of two
        processes are equal in what they say, not in their bytes, and their entity tag is a weak one.
        """
        return cls(
            PiecedRepresentation.of(text.plain, etag=b'"%b"' % text.digest, encoding=(), extra=extra),
            PiecedRepresentation.of(
                text.gzip,
                etag=b'W/"%b-gzip"' % text.digest,
                encoding=((b"content-encoding", b"gzip"),),
                extra=extra,
            ),
            route,
            is_live,
        )
