"""Answers made ready before anybody asks: header block and body as bytes, one set for each representation.

Both ways of answering, the protocol's fast path and the ASGI application, send what is here, so that they cannot
differ: the fast path writes ``ok``, ``head`` and ``not_modified`` after the status line and the server's own headers,
the application sends the same headers as a list.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from understudy_domain.index_page_media import Joinable
from understudy_runtime.access_log import Names

Headers = tuple[tuple[bytes, bytes], ...]
Use = Callable[[str, int, float], None]
"""Called with the method of a request, the status of its answer, and how long that took, in seconds."""

PLAYLIST_MEDIA_TYPE = b"application/vnd.apple.mpegurl"
SEGMENT_MEDIA_TYPES = {"ts": b"video/mp2t", "aac": b"audio/aac", "mp4": b"video/mp4", "m4s": b"video/iso.segment"}

CACHE_LIVE = b"public, max-age=1, stale-while-revalidate=0, stale-if-error=30"
"""Of a playlist that will change. A second is at most half of the shortest target duration, and collapses a CDN's
simultaneous requests. Varnish shows what is stale for ten seconds more unless it is told not to. With every egress
away, a player that is shown an old playlist for half a minute waits; one that is shown errors soon gives up."""
CACHE_SEGMENT = b"public, max-age=31536000, immutable"
CACHE_NEVER = b"no-store"

CORS_HEADERS: Headers = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Accept-Ranges, Content-Length, Content-Range, Date, ETag, Retry-After"),
)

_GZIP_LEVEL = 1
_GZIP_WINDOW_BITS = 31
"""15 bits of window, plus 16 for a gzip header; zlib's own header has no time in it, so equal texts are equal bytes."""
_ETAG_DIGITS = 24


class Representation:
    """One encoding of a response: its strong entity tag, its headers for 200 and 304, and its body."""

    __slots__ = ("body", "etag", "head", "headers", "not_modified", "not_modified_headers", "ok")

    def __init__(
        self, body: bytes | memoryview, *, etag: bytes, headers: Headers, not_modified_headers: Headers, joined: bool
    ) -> None:
        """``joined``: keep head and body in one piece too, which is quicker to send where bodies are small."""
        self.body = body
        self.etag = etag
        self.headers = headers
        self.not_modified_headers = not_modified_headers
        self.head = header_block(headers)
        self.not_modified = header_block(not_modified_headers)
        self.ok = b"".join([self.head, body]) if joined else None

    @property
    def parts(self) -> tuple[bytes | memoryview, ...]:
        """The body as it is sent: in one piece."""
        return (self.body,)


class Prepared:
    """A resource as it is now: identity, and gzip where it is worth it."""

    __slots__ = ("admits", "gzip", "identity", "is_live", "logged_as", "route", "touch", "used")

    def __init__(
        self,
        identity: Representation,
        *,
        gzip: Representation | None,
        route: str,
        is_live: bool = False,
        touch: Callable[[], None] | None = None,
    ) -> None:
        self.identity = identity
        self.gzip = gzip
        self.route = route
        self.is_live = is_live
        """It will change: ``live_freshness`` of the moment is sent before its own headers."""
        self.touch = touch
        """Called at each use, where a cache wants to know."""
        self.admits: Callable[[bytes | None], bool] | None = None
        """What is asked with the CDN's identifier of a request before this is answered; set by the board it is on."""
        self.logged_as: Names | None = None
        """By which names its uses are logged, where they are; set by the board it is on."""
        self.used: Use | None = None
        """Called at each use, where it is traced; set by the board it is on."""


def header_lines(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """As they are sent."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def header_block(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Header lines and the empty line after them."""
    return header_lines(headers) + b"\r\n"


def live_freshness(second: int) -> Headers:
    """For how long what is answered in this second (of the epoch) may be kept, if it will change.

    nginx counts in whole seconds: what it got at 10.1 s with ``max-age=1`` it keeps until 12.0 s, which is more than
    half a target duration where segments have 2 s. An instant, which it alone understands, lasts to the end of its
    second. It must come after Cache-Control: nginx 1.22 passes over one that comes behind it, ``stale-if-error`` too.
    """
    return ((b"cache-control", CACHE_LIVE), (b"x-accel-expires", b"@%d" % second))


def gzip_body(body: bytes) -> bytes:
    """The body gzipped, the same bytes in every process."""
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW_BITS)
    return compressor.compress(body) + compressor.flush()


def prepare_playlist(text: bytes, *, route: str, extra: Headers = ()) -> Prepared:
    """A live playlist, plain and gzipped; ``extra`` headers are sent with both."""
    return prepare_text(Text(text, gzip_body(text), text_digest(text)), route=route, extra=extra, is_live=True)


@dataclass(frozen=True, slots=True)
class Text:
    """A playlist's bytes, plain and gzipped, and what they are recognised by."""

    plain: bytes
    gzip: bytes
    digest: bytes

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.plain) + len(self.gzip)


def text_digest(text: bytes) -> bytes:
    """What an entity tag is made of."""
    return digest_of(hashlib.sha256(text))


def digest_of(digest: hashlib._Hash) -> bytes:
    """The same, of what has been digested piece by piece."""
    return digest.hexdigest()[:_ETAG_DIGITS].encode()


def prepare_text(text: Text, *, route: str, extra: Headers = (), is_live: bool, joined: bool = True) -> Prepared:
    """A playlist that is rendered; ``joined`` as in ``Representation``."""
    return Prepared(
        _playlist_representation(text.plain, etag=b'"%b"' % text.digest, encoding=(), extra=extra, joined=joined),
        gzip=_playlist_representation(
            text.gzip,
            etag=b'"%b-gzip"' % text.digest,
            encoding=((b"content-encoding", b"gzip"),),
            extra=extra,
            joined=joined,
        ),
        route=route,
        is_live=is_live,
    )


def _playlist_representation(
    body: bytes, *, etag: bytes, encoding: Headers, extra: Headers, joined: bool
) -> Representation:
    validators: Headers = (
        (b"etag", etag),
        (b"vary", b"Accept-Encoding"),
        *CORS_HEADERS,
        *extra,
    )
    headers: Headers = (
        (b"content-type", PLAYLIST_MEDIA_TYPE),
        (b"content-length", b"%d" % len(body)),
        *encoding,
        *validators,
    )
    return Representation(body, etag=etag, headers=headers, not_modified_headers=validators, joined=joined)


@dataclass(frozen=True, slots=True)
class SegmentDescription:
    """What the headers of a segment say, all of it known from its entry."""

    etag: bytes
    size: int
    media_type: bytes


def describe_segment(rendition: Joinable, *, rendering_version: int, suffix: str) -> SegmentDescription:
    """The entity tag follows from what the segment is made of: object keys are never used twice."""
    digest = hashlib.sha256()
    for piece in rendition.pieces:
        digest.update(piece.object_key.encode() + b"\0")
    return SegmentDescription(
        etag=b'"r%d-%b"' % (rendering_version, digest.hexdigest()[:_ETAG_DIGITS].encode()),
        size=rendition.size,
        media_type=SEGMENT_MEDIA_TYPES.get(suffix, b"application/octet-stream"),
    )


def segment_validators(description: SegmentDescription) -> Headers:
    """The headers of every answer about a segment that exists: 200, 206, 304."""
    return (
        (b"cache-control", CACHE_SEGMENT),
        (b"etag", description.etag),
        (b"accept-ranges", b"bytes"),
        *CORS_HEADERS,
    )


def segment_headers(description: SegmentDescription) -> Headers:
    """The headers of a whole segment."""
    return (
        (b"content-type", description.media_type),
        (b"content-length", b"%d" % description.size),
        *segment_validators(description),
    )


def prepare_segment(
    description: SegmentDescription, body: bytes | memoryview, *, touch: Callable[[], None]
) -> Prepared:
    """A segment whose bytes are in memory."""
    return Prepared(
        Representation(
            body,
            etag=description.etag,
            headers=segment_headers(description),
            not_modified_headers=segment_validators(description),
            joined=False,
        ),
        gzip=None,
        route="segment",
        touch=touch,
    )
