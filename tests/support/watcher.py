"""Someone who watches an origin endpoint from its first moment: polls like a player, keeps all it was offered.

What RFC 8216 asks of successive reads of one live playlist is checked at every poll; what a viewer would have seen is
checked from the kept segments afterwards (:mod:`support.programme`).
"""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
from dataclasses import dataclass

import httpx

from support.hls_reader import (
    ListedSegment,
    MediaPlaylist,
    NotAPlaylist,
    read_media_playlist,
    read_multivariant_playlist,
)

POLL_SECONDS = 0.4
REQUEST_SECONDS = 30.0
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here speaks TLS, and the certificates of this machine take a while to read for each of many watchers."""


@dataclass(frozen=True, slots=True)
class WatchedSegment:
    """A media segment as it was offered and fetched."""

    listed: ListedSegment
    body: bytes
    offered_at: float
    """When the playlist that first listed it was read, seconds since the epoch."""
    digest: str


class _Rendition:
    """One media playlist over time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.playlist: MediaPlaylist | None = None
        self.segments: dict[int, WatchedSegment] = {}

    def in_order(self) -> list[WatchedSegment]:
        """What was kept, by media sequence."""
        return [self.segments[number] for number in sorted(self.segments)]


class Watcher:
    """Watches one origin endpoint in a thread of its own, until stopped.

    Args:
        name: in messages.
        url: of the multivariant playlist.
        tolerates_broken: a connection that breaks while a request is under way is tried again and counted, as every
            player does; a refused one is a problem always.
        poll_seconds: from one look at the playlists to the next.
        may_end: the programme may end; the watcher goes on, as it may be live again.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        tolerates_broken: bool = False,
        poll_seconds: float = POLL_SECONDS,
        may_end: bool = False,
    ) -> None:
        self.name = name
        self.url = url
        self.problems: list[str] = []
        self.broken_requests = 0
        self._tolerates_broken = tolerates_broken
        self._poll_seconds = poll_seconds
        self._may_end = may_end
        self._renditions: dict[str, _Rendition] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watcher of {name}", daemon=True)

    def start(self) -> None:
        """Begin; the endpoint may have nothing to show yet."""
        self._thread.start()

    def stop(self) -> None:
        """End watching and read once more all that is still listed: none of it may have changed."""
        self._stop.set()
        self._thread.join(timeout=2 * REQUEST_SECONDS)
        assert not self._thread.is_alive(), f"the watcher of {self.name} hangs"

    def segments(self) -> list[WatchedSegment]:
        """All media segments offered so far, in order; of the only rendition (the tests' encoders send one)."""
        renditions = list(self._renditions.values())
        if not renditions:
            return []
        assert len(renditions) == 1, f"{self.name}: expected one rendition, found {sorted(self._renditions)}"
        return renditions[0].in_order()

    def renditions(self) -> list[list[WatchedSegment]]:
        """All media segments offered so far, in order, of each rendition."""
        return [rendition.in_order() for rendition in list(self._renditions.values())]

    def describe(self) -> str:
        """For messages: what it has seen last."""
        texts = [rendition.playlist.text for rendition in self._renditions.values() if rendition.playlist]
        problems = "\n".join(self.problems[:20]) or "none"
        return f"--- watcher of {self.name}: problems: {problems}\nlast playlists:\n" + "\n".join(texts)

    def _watch(self) -> None:
        with httpx.Client(timeout=REQUEST_SECONDS, headers={"Accept-Encoding": "gzip"}, verify=_NO_TLS) as client:
            while not self._stop.is_set():
                started = time.monotonic()
                try:
                    self._poll(client)
                except (NotAPlaylist, httpx.HTTPError) as err:
                    self._problem(f"{type(err).__name__}: {err}")
                self._stop.wait(max(0.0, started + self._poll_seconds - time.monotonic()))
            self._read_all_again(client)

    def _poll(self, client: httpx.Client) -> None:
        if not self._renditions:
            self._find_renditions(client)
        for rendition in self._renditions.values():
            answer = self._get(client, rendition.url)
            now = time.time()
            if answer.status_code != httpx.codes.OK:
                self._problem(f"{rendition.url} answered {answer.status_code}")
                continue
            playlist = read_media_playlist(answer.text, url=rendition.url)
            self._check_against_last(rendition, playlist)
            rendition.playlist = playlist
            for listed in playlist.segments:
                if listed.media_sequence not in rendition.segments:
                    self._fetch(client, rendition, listed, offered_at=now)

    def _find_renditions(self, client: httpx.Client) -> None:
        answer = self._get(client, self.url)
        if answer.status_code == httpx.codes.NOT_FOUND:
            if "no-store" not in answer.headers.get("Cache-Control", ""):
                self._problem(f"404 before the first slot may be cached: {dict(answer.headers)}")
            return
        if answer.status_code != httpx.codes.OK:
            self._problem(f"{self.url} answered {answer.status_code}: {answer.text[:200]}")
            return
        urls = read_multivariant_playlist(answer.text, url=self.url)
        self._renditions = {url: _Rendition(url) for url in urls}

    def _fetch(self, client: httpx.Client, rendition: _Rendition, listed: ListedSegment, *, offered_at: float) -> None:
        if listed.is_gap:
            rendition.segments[listed.media_sequence] = WatchedSegment(listed, b"", offered_at, "")
            return
        answer = self._get(client, listed.url)
        if answer.status_code != httpx.codes.OK:
            self._problem(f"{listed.url} was listed and answered {answer.status_code}: {answer.text[:200]}")
            return
        digest = hashlib.sha256(answer.content).hexdigest()
        rendition.segments[listed.media_sequence] = WatchedSegment(listed, answer.content, offered_at, digest)

    def _check_against_last(self, rendition: _Rendition, new: MediaPlaylist) -> None:
        if new.ended and not self._may_end:
            self._problem("EXT-X-ENDLIST in a live playlist")
        for segment in new.segments:
            if int(segment.duration_seconds + 0.5) > new.target_duration_seconds:
                self._problem(
                    f"EXTINF {segment.duration_seconds} exceeds target duration {new.target_duration_seconds}"
                )
        old = rendition.playlist
        if old is None:
            return
        if new.target_duration_seconds != old.target_duration_seconds:
            self._problem(f"target duration {old.target_duration_seconds} became {new.target_duration_seconds}")
        if new.media_sequence < old.media_sequence:
            self._problem(f"media sequence ran back from {old.media_sequence} to {new.media_sequence}")
        if new.discontinuity_sequence < old.discontinuity_sequence:
            self._problem("the discontinuity sequence ran back")
        after_last = old.media_sequence + len(old.segments)
        if new.media_sequence + len(new.segments) < after_last:
            self._problem(f"segments that were listed at the live edge are gone:\n{old.text}\n{new.text}")
        if new.media_sequence > after_last:
            self._problem(f"skipped from {after_last - 1} to {new.media_sequence}: never listed in between")
        before = {segment.media_sequence: segment for segment in old.segments}
        for segment in new.segments:
            if before.get(segment.media_sequence, segment) != segment:
                self._problem(f"listed lines changed: {before[segment.media_sequence]} became {segment}")

    def _read_all_again(self, client: httpx.Client) -> None:
        for rendition in self._renditions.values():
            for listed in rendition.playlist.segments if rendition.playlist else ():
                kept = rendition.segments.get(listed.media_sequence)
                if listed.is_gap:
                    continue
                try:
                    answer = self._get(client, listed.url)
                except httpx.HTTPError as err:
                    self._problem(f"{listed.url} a second time: {err!r}")
                    continue
                if kept and hashlib.sha256(answer.content).hexdigest() != kept.digest:
                    self._problem(f"{listed.url} has other bytes than when it was first read ({answer.status_code})")

    def _get(self, client: httpx.Client, url: str) -> httpx.Response:
        try:
            return client.get(url)
        except httpx.ConnectError:
            raise
        except httpx.TransportError:
            if not self._tolerates_broken:
                raise
            self.broken_requests += 1
            return client.get(url)

    def _problem(self, what: str) -> None:
        self.problems.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {what}")
