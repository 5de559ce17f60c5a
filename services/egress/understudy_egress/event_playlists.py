"""The playlists of an origin endpoint that lists everything since the programme began: they only ever grow.

What is whole is joined, compressed and digested once; what is answered differs from that by its newest lines.
"""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Sequence

from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.event_listing import EventListing, RenditionLines, slot_of
from understudy_domain.hls.media_playlist import ENDLIST
from understudy_egress.event_past import CANNOT_BE_LISTED
from understudy_egress.gzip_pieces import deflated, gzip_around
from understudy_egress.prepared import Text, digest_of

_log = logging.getLogger(__name__)


class _Grown:
    """The whole blocks of one rendition, behind a head."""

    def __init__(self, head: bytes, lines: RenditionLines) -> None:
        self.head = head
        self.lines = lines
        self._count = 0
        self._plain = bytearray()
        self._deflated = bytearray()
        self._hash = hashlib.sha256()
        self._crc = 0
        self._add(head)

    def _add(self, piece: bytes) -> None:
        self._plain += piece
        self._deflated += deflated(piece)
        self._hash.update(piece)
        self._crc = zlib.crc32(piece, self._crc)

    def text(self, end: bytes) -> Text:
        """All of it, with what is not whole yet, and an end."""
        for block in self.lines.blocks[self._count :]:
            self._add(block)
        self._count = len(self.lines.blocks)
        newest = b"".join([*self.lines.open, end])
        digest = self._hash.copy()
        digest.update(newest)
        plain = b"".join([self._plain, newest])
        compressed = gzip_around(
            [self._deflated, deflated(newest)], checksum=zlib.crc32(newest, self._crc), size=len(plain)
        )
        return Text(plain, compressed, digest_of(digest))


class EventPlaylists:
    """Of one origin endpoint."""

    def __init__(self, endpoint: OriginEndpoint, listing: EventListing) -> None:
        self._endpoint = endpoint
        self.listing = listing
        self._grown: dict[str, _Grown] = {}

    def follow(self, available: Sequence[ProgramEntry], *, now: int) -> bool:
        """List those of the available entries that are not listed yet; whether the listing is over, and was not.

        Raises:
            NotContiguous: entries between are missing.
        """
        listing = self.listing
        was_over = listing.is_over
        for entry in available:
            if listing.next_media_sequence is None or entry.media_sequence >= listing.next_media_sequence:
                listing.append(slot_of(entry, self._endpoint.hls_package.stream_selection))
            if entry.ended and entry.media_sequence + 1 == listing.next_media_sequence:
                listing.end()
        listing.advance(now=now)
        if listing.is_over and not was_over:
            self._grown.clear()
            _log.warning(CANNOT_BE_LISTED, extra={"origin_endpoint": self._endpoint.id})
        return listing.is_over and not was_over

    def text(self, rendition: str) -> Text:
        """The media playlist of one of the listing's renditions."""
        head = self.listing.head(playlist_type=self._endpoint.hls_package.playlist_type)
        lines = self.listing.renditions[rendition]
        grown = self._grown.get(rendition)
        if grown is None or grown.lines is not lines or grown.head != head:
            grown = self._grown[rendition] = _Grown(head, lines)
        return grown.text(ENDLIST.encode() if self.listing.has_ended else b"")
