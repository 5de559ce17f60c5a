"""One origin endpoint in memory: its window, its playlists ready to be sent, what its segments are made of."""

from __future__ import annotations

from collections.abc import Iterable

from understudy_domain import keys
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import EntryRendition, ProgramEntry
from understudy_domain.errors import NotYetAvailable, UnderstudyError, UnknownObject
from understudy_domain.program import ProgramWindow, contiguous_tail
from understudy_egress.access import Access
from understudy_egress.board import Board, Shown
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.prepared import Headers, Prepared, prepare_playlist

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
        self.access = self._apply_access()

    def configure(self, endpoint: OriginEndpoint, *, now: int) -> None:
        """Follow a changed configuration: everything is rendered anew from the entries held."""
        if endpoint == self.endpoint:
            return
        if endpoint.hls_package.stream_selection != self.endpoint.hls_package.stream_selection:
            # Segments of what is no longer offered are off, too; the others come back as they are asked for.
            self.board.clear()
            self._playlists.clear()
        self.endpoint = endpoint
        self.access = self._apply_access()
        self.replace(self.window.entries, now=now)

    def replace(self, entries: Iterable[ProgramEntry], *, now: int) -> None:
        """Start over from these entries: their last run without a hole."""
        self.window = ProgramWindow(self.endpoint, contiguous_tail(entries))
        self.window.advance(now=now)
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
        if self.window.advance(now=now):
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

    def _render(self) -> None:
        rendered: dict[bytes, bytes] = {}
        edge = self.window.live_edge
        if edge is not None:
            try:
                rendered[self.multivariant_path()] = self.window.multivariant_playlist()
            except NotYetAvailable:
                edge = None  # Nothing but slots without any rendition: there is nothing to list either.
        if edge is not None:
            for rendition_id in self.window.renditions():
                rendered[self._media_path(rendition_id)] = self.window.media_playlist(rendition_id)
        for path in self._playlists.keys() - rendered.keys():
            self.board.hide(path)
        for path, text in rendered.items():
            if self._playlists.get(path) != text:
                multivariant = path == self.multivariant_path()
                self.board.show(
                    path,
                    prepare_playlist(
                        text,
                        route=ROUTE_MULTIVARIANT if multivariant else ROUTE_MEDIA,
                        extra=() if multivariant or edge is None else freshness_headers(edge),
                    ),
                )
        self._playlists = rendered

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


def freshness_headers(edge: ProgramEntry) -> Headers:
    """MediaPackage's word on how fresh a playlist is: its newest number, and since when, epoch milliseconds."""
    return (
        (b"x-mediapackage-manifest-last-sequence", b"%d" % edge.media_sequence),
        (b"x-mediapackage-manifest-last-updated", b"%d" % (edge.available_at // 90)),
    )
