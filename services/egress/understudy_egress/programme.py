"""One origin endpoint in memory: its window, its playlists ready to be sent, what its segments are made of."""

from __future__ import annotations

from collections.abc import Iterable

from understudy_domain import keys
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import EntryRendition, ProgramEntry
from understudy_domain.errors import NotYetAvailable, UnderstudyError, UnknownObject
from understudy_domain.event_listing import EventListing
from understudy_domain.program import ProgramWindow, contiguous_tail
from understudy_egress.access import Access
from understudy_egress.board import Board, Shown
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.event_playlists import EventPlaylists
from understudy_egress.prepared import Headers, Prepared, Text, prepare_playlist, prepare_text

ROUTE_MULTIVARIANT = "multivariant_playlist"
ROUTE_MEDIA = "media_playlist"


class Programme:
    """Renders each playlist once, when it changes, onto the board."""

    def __init__(self, endpoint: OriginEndpoint, shown: Shown, *, secrets: CdnSecrets) -> None:
        self.endpoint = endpoint
        self._secrets = secrets
        self.board = Board(shown)
        self.window = ProgramWindow(endpoint)
        self._playlists: dict[bytes, bytes] = {}
        self._event: EventPlaylists | None = None
        self.access = self._apply_access()

    @property
    def awaits_past(self) -> bool:
        """It has to list what it does not know yet: until ``replace`` tells, it shows nothing."""
        return self.endpoint.lists_all and self._event is None

    @property
    def listing(self) -> EventListing | None:
        """What it lists since the programme began; None where it does not, or not yet."""
        return None if self._event is None else self._event.listing

    @property
    def listed_count(self) -> int:
        """How many segments a media playlist lists."""
        listing = self.listing
        return self.window.listed_count if listing is None or listing.is_over else len(listing)

    @property
    def next_change_at(self) -> int | None:
        """When its playlists change by time alone, ticks since the epoch; None: not that is known."""
        instants = (self.window.next_available_at, None if self.listing is None else self.listing.over_at)
        return min((instant for instant in instants if instant is not None), default=None)

    def configure(self, endpoint: OriginEndpoint, *, now: int) -> None:
        """Follow a changed configuration: everything is rendered anew from the entries held."""
        if endpoint == self.endpoint:
            return
        if endpoint.hls_package.stream_selection != self.endpoint.hls_package.stream_selection:
            # Segments of what is no longer offered are off, too; the others come back as they are asked for.
            self.board.clear()
            self._playlists.clear()
        if _listing_asked_for(endpoint) != _listing_asked_for(self.endpoint):
            self._event = None
        self.endpoint = endpoint
        self.access = self._apply_access()
        self.replace(self.window.entries, now=now)

    def replace(self, entries: Iterable[ProgramEntry], *, now: int, listing: EventListing | None = None) -> None:
        """Start over from these entries: their last run without a hole.

        ``listing``: what came before them, where the endpoint lists everything; None: what is known of that stays.

        Raises:
            NotContiguous: entries between the listing and these are missing.
        """
        self.window = ProgramWindow(self.endpoint, contiguous_tail(entries))
        self.window.advance(now=now)
        if listing is not None and self.endpoint.lists_all:
            self._event = EventPlaylists(self.endpoint, listing)
        self._follow(now=now)
        self._render()

    def append(self, entry: ProgramEntry, *, now: int) -> None:
        """Take the next entry.

        Raises:
            NotContiguous: entries before it are missing here.
        """
        if self.window.append(entry):
            self.advance(now=now)

    def advance(self, *, now: int) -> None:
        """Show what has become available."""
        changed = self.window.advance(now=now)
        if self._follow(now=now) or changed:
            self._render()

    def close(self) -> None:
        """The origin endpoint is gone."""
        self.board.close()
        self._playlists.clear()

    def _apply_access(self) -> Access:
        access = Access(self.endpoint, self._secrets)
        self.board.restrict(access.needs_the_long_way)
        self.board.guard(access.admits)
        return access

    def _follow(self, *, now: int) -> bool:
        """List what is available; whether there is no such list any more, which was."""
        return self._event is not None and self._event.follow(self.window.available, now=now)

    def _render(self) -> None:
        if self.awaits_past:
            self.board.clear()
            self._playlists.clear()
            return
        rendered: dict[bytes, Text | bytes] = {}
        edge = self.window.live_edge
        if edge is not None:
            try:
                rendered[self.multivariant_path()] = self.window.multivariant_playlist()
            except NotYetAvailable:
                edge = None  # Nothing but slots without any rendition: there is nothing to list either.
        if edge is not None and self._event is not None and not self._event.listing.is_over:
            for rendition_id in self._event.listing.renditions:
                rendered[self._media_path(rendition_id)] = self._event.text(rendition_id)
        elif edge is not None:
            for rendition_id in self.window.renditions():
                rendered[self._media_path(rendition_id)] = self.window.media_playlist(rendition_id)
        for path in self._playlists.keys() - rendered.keys():
            self.board.hide(path)
        for path, text in rendered.items():
            if self._playlists.get(path) != recognised_by(text):
                multivariant = path == self.multivariant_path()
                route = ROUTE_MULTIVARIANT if multivariant else ROUTE_MEDIA
                extra = () if multivariant or edge is None else freshness_headers(edge)
                self.board.show(
                    path,
                    prepare_text(text, route=route, extra=extra, is_live=True, joined=False)
                    if isinstance(text, Text)
                    else prepare_playlist(text, route=route, extra=extra),
                )
        self._playlists = {path: recognised_by(text) for path, text in rendered.items()}

    def multivariant_path(self) -> bytes:
        """The path of its multivariant playlist."""
        return keys.multivariant_path(self.endpoint.guid, self.endpoint.manifest_name).encode()

    def _media_path(self, rendition_id: str) -> bytes:
        name = keys.media_playlist_name(self.endpoint.manifest_name, rendition_id)
        return keys.multivariant_path(self.endpoint.guid, name.removesuffix(".m3u8")).encode()

    def playlist(self, path: bytes) -> Prepared:
        """The playlist at a path.

        Raises:
            NotYetAvailable: nothing of the origin endpoint is available yet.
            UnknownObject: it has no such playlist.
        """
        prepared = self.board.find(path)
        if prepared is not None:
            return prepared
        raise self._absence(path)

    def _absence(self, path: bytes) -> UnderstudyError:
        edge = self.window.entries[-1] if self.window.live_edge is not None else None
        if not self._playlists and edge is not None and edge.renditions:
            return UnknownObject("the stream selection of this origin endpoint leaves nothing: no video is within it")
        if not self._playlists:
            return NotYetAvailable("nothing of this origin endpoint is available yet")
        return UnknownObject(f"this origin endpoint has no playlist {path.rpartition(b'/')[2].decode()}")

    def segment(self, path: keys.SegmentPath) -> EntryRendition:
        """What an output segment is made of.

        Raises:
            NotYetAvailable, LeftWindow, UnknownObject: as ``ProgramWindow.segment``.
        """
        if path.suffix != "ts":
            raise UnknownObject("the segments of this origin endpoint are MPEG-TS: .ts")
        return self.window.segment(path.rendition, path.media_sequence, rendering_version=path.rendering_version)


def recognised_by(text: Text | bytes) -> bytes:
    """What differs where texts differ; of a long one only a digest is kept."""
    return text.digest if isinstance(text, Text) else text


def _listing_asked_for(endpoint: OriginEndpoint) -> tuple[object, ...]:
    """All of a configuration that what an endpoint lists since the beginning follows from."""
    return (endpoint.hls_package, endpoint.startover_window_seconds)


def freshness_headers(edge: ProgramEntry) -> Headers:
    """MediaPackage's word on how fresh a playlist is: its newest number, and since when, epoch milliseconds."""
    return (
        (b"x-mediapackage-manifest-last-sequence", b"%d" % edge.media_sequence),
        (b"x-mediapackage-manifest-last-updated", b"%d" % (edge.available_at // 90)),
    )
