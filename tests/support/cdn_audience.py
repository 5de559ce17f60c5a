"""Who asks a CDN: players, somebody who asks too early, a crowd; and who watches the origin to know what was true."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from support.cdn import Cdn
from support.hls_reader import MediaPlaylist, NotAPlaylist, read_media_playlist, read_multivariant_playlist
from support.http_exchange import Answer, Exchange

LATEST_LISTED = 3
"""A player begins this many segments before the end of the playlist."""
CROWD = 4
"""So many ask at once for a segment that nobody has fetched."""
_TRUTH_SECONDS = 0.02
_EARLY_SECONDS = 0.1
_RETRY_SECONDS = 0.5
_MOMENT_SECONDS = 0.5
"""How far egress processes may be apart; a playlist may be behind by more."""


@dataclass
class Truth:
    """What an egress process that nobody disturbs shows, and since when."""

    media: str = ""
    """The path of the media playlist, once there is one."""
    playlist: MediaPlaylist | None = None
    first_shown_at: dict[int, float] = field(default_factory=dict)
    """By media sequence, seconds since the epoch."""
    multivariant_at: float | None = None
    versions: dict[str, int] = field(default_factory=dict)
    """By path of a playlist, how many of it there were."""
    longest_look_seconds: float = 0.0
    """From one look to the next: so much later than it was so may be what is noted here."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, port: int, multivariant: str, *, until: asyncio.Event) -> None:
        """Look all the time."""
        origin = Exchange(port)
        texts: dict[str, bytes] = {}
        looked_at = time.time()
        while not until.is_set():
            for path in filter(None, (self.media, multivariant)):
                answer = await origin.request(path)
                now = time.time()
                if answer.status == 200 and answer.body != texts.get(path):
                    texts[path] = answer.body
                    self.versions[path] = self.versions.get(path, 0) + 1
                    self._note(path, answer.body.decode(), at=now)
            self.longest_look_seconds = max(self.longest_look_seconds, time.time() - looked_at)
            looked_at = time.time()
            await asyncio.sleep(_TRUTH_SECONDS)
        origin.close()

    async def next_version(self) -> None:
        """Until a playlist has changed."""
        await self._news.wait()

    def _note(self, path: str, text: str, *, at: float) -> None:
        if path == self.media:
            self.playlist = read_media_playlist(text, url=path)
            for segment in self.playlist.segments:
                self.first_shown_at.setdefault(segment.media_sequence, at)
        else:
            (self.media,) = read_multivariant_playlist(text, url=path)
            self.multivariant_at = self.multivariant_at or at
        self._news.set()
        self._news = asyncio.Event()

    def staleness_seconds(self, newest: int, *, at: float) -> float:
        """For how long the origin had been showing something newer than this media sequence."""
        return max(0.0, at - self.first_shown_at.get(newest + 1, at))


@dataclass
class Seen:
    """What all clients of one CDN went through."""

    problems: list[str] = field(default_factory=list)
    stale_seconds: list[float] = field(default_factory=list)
    """Of every answer with a media playlist."""
    early_playlists: int = 0
    """Playlists that were asked for before there was one."""
    early_segments: int = 0
    """Segments that were asked for before they were available."""
    waited_seconds: list[float] = field(default_factory=list)
    """From when a segment that had been asked for too early was there, to when it came through this CDN."""
    segments: int = 0
    unchanged: int = 0
    """Playlists that a player had already: 304."""
    digests: dict[str, str] = field(default_factory=dict)
    """By path, of every segment."""

    def note_segment(self, path: str, body: bytes) -> None:
        """The same bytes for everybody."""
        digest = hashlib.sha256(body).hexdigest()
        self.segments += 1
        if self.digests.setdefault(path, digest) != digest:
            self.problems.append(f"{path} came with other bytes than before")


class Viewer:
    """A player: reloads the playlist as RFC 8216, 6.3.4, has it, and fetches every segment that it lists, in order."""

    def __init__(
        self,
        name: str,
        cdn: Cdn,
        multivariant: str,
        *,
        truth: Truth,
        seen: Seen,
        gzipped: bool,
        reload_seconds: float | None = None,
    ) -> None:
        """``reload_seconds``: from one look at the playlist to the next, whatever the RFC says: a thousand players."""
        self.name = name
        self._reload_seconds = reload_seconds
        self._multivariant = multivariant
        self._truth = truth
        self._seen = seen
        self._gzipped = gzipped
        self._exchange = Exchange(cdn.port)
        self._media = ""
        self._etag = ""
        self._target_duration = 1
        self._newest = -1
        self._fetched = -1

    async def watch(self, *, until: asyncio.Event) -> None:
        """Play until told to stop."""
        while not until.is_set():
            began = time.monotonic()
            try:
                wait = await (self._reload() if self._media else self._begin())
                wait = wait if self._reload_seconds is None else self._reload_seconds
            except (OSError, EOFError, TimeoutError, NotAPlaylist, ValueError) as err:
                self._problem(f"{type(err).__name__}: {err}")
                wait = _RETRY_SECONDS
            await asyncio.sleep(max(0.0, began + wait - time.monotonic()))
        self._exchange.close()

    async def _begin(self) -> float:
        # Another egress process may hear of the first slot a moment later than the one that tells the truth.
        is_early = not self._truth.multivariant_at or time.time() < self._truth.multivariant_at + _MOMENT_SECONDS
        answer = await self._get(self._multivariant)
        if answer.status == 404 and is_early:
            self._seen.early_playlists += 1
            self._expect_uncached(answer)
            return _RETRY_SECONDS
        text = self._text(answer, self._multivariant)
        if text:
            (self._media,) = read_multivariant_playlist(text, url=self._multivariant)
            return 0.0
        return _RETRY_SECONDS

    async def _reload(self) -> float:
        headers = (f"If-None-Match: {self._etag}",) if self._etag else ()
        answer = await self._get(self._media, *headers)
        now = time.time()
        if answer.status == 304:
            self._seen.unchanged += 1
            self._seen.stale_seconds.append(self._truth.staleness_seconds(self._newest, at=now))
            return self._target_duration / 2
        text = self._text(answer, self._media)
        if not text:
            return _RETRY_SECONDS
        playlist = read_media_playlist(text, url=self._media)
        newest = playlist.segments[-1].media_sequence
        self._seen.stale_seconds.append(self._truth.staleness_seconds(newest, at=now))
        self._target_duration = playlist.target_duration_seconds
        changed = newest != self._newest
        if newest < self._newest:
            self._problem(f"the playlist ran back from {self._newest} to {newest}")
        self._newest = newest
        # Some players ask only for what is new; the others are to see whole playlists.
        self._etag = answer.headers.get("etag", "") if self._gzipped else ""
        await self._fetch_new(playlist)
        return playlist.segments[-1].duration_seconds if changed else self._target_duration / 2

    async def _fetch_new(self, playlist: MediaPlaylist) -> None:
        listed = playlist.segments
        if self._fetched < 0:
            listed = listed[-LATEST_LISTED:]
            self._fetched = listed[0].media_sequence - 1
        for segment in listed:
            if segment.media_sequence <= self._fetched:
                continue
            if segment.media_sequence != self._fetched + 1:
                self._problem(f"media sequence {self._fetched} is followed by {segment.media_sequence}")
            if segment.is_discontinuous or segment.is_gap:
                self._problem(f"media sequence {segment.media_sequence} has {segment.tags}")
            self._fetched = segment.media_sequence
            path = urlsplit(segment.url).path
            answer = await self._get(path)
            if answer.status == 200:
                self._seen.note_segment(path, answer.body)
            else:
                self._problem(f"{path} was listed and answered {answer.status}: {answer.body[:200]!r}")

    async def _get(self, path: str, *headers: str) -> Answer:
        encoding = ("Accept-Encoding: gzip, deflate, br",) if self._gzipped else ()
        return await self._exchange.request(path, *encoding, *headers)

    def _text(self, answer: Answer, path: str) -> str:
        if answer.status != 200:
            self._problem(f"{path} answered {answer.status}: {answer.body[:200]!r}")
            return ""
        is_gzipped = answer.headers.get("content-encoding") == "gzip"
        if is_gzipped != self._gzipped:
            self._problem(f"{path} came {'gzipped' if is_gzipped else 'plain'}, which was not asked for")
        return (gzip.decompress(answer.body) if is_gzipped else answer.body).decode()

    def _expect_uncached(self, answer: Answer) -> None:
        if answer.headers.get("cache-control") != "no-store":
            self._problem(f"an error may be kept: {answer.headers}")

    def _problem(self, what: str) -> None:
        self._seen.problems.append(f"{time.strftime('%H:%M:%S', time.gmtime())} {self.name}: {what}")


async def ask_too_early(cdn: Cdn, *, truth: Truth, seen: Seen, until: asyncio.Event) -> None:
    """Ask for every segment before it is there, and go on; when it is, a crowd asks for it too."""
    one, crowd = Exchange(cdn.port), [Exchange(cdn.port) for _ in range(CROWD)]
    asked = -1
    while not until.is_set():
        playlist = truth.playlist
        if playlist is None or (newest := playlist.segments[-1]).media_sequence < asked:
            await asyncio.sleep(_TRUTH_SECONDS)
            continue
        asked = newest.media_sequence + 1
        path = urlsplit(newest.url).path.replace(f"/{newest.media_sequence}.ts", f"/{asked}.ts")
        joined = asyncio.create_task(_join_crowd(crowd, path, asked, truth=truth, until=until))
        while not until.is_set():
            answer = await one.request(path)
            if answer.status == 200:
                seen.note_segment(path, answer.body)
                seen.waited_seconds.append(time.time() - truth.first_shown_at.get(asked, time.time()))
                break
            seen.early_segments += 1
            if answer.status != 404 or answer.headers.get("cache-control") != "no-store":
                seen.problems.append(f"{path}, too early, answered {answer.status} {answer.headers}")
            await asyncio.sleep(_EARLY_SECONDS)
        for answer in await joined:
            # Whether one of a few milliseconds ago is there already, two egress processes may see differently.
            if answer.status == 200:
                seen.note_segment(path, answer.body)
            elif answer.status != 404:
                seen.problems.append(f"{path}, for a crowd, answered {answer.status}")
    for exchange in (one, *crowd):
        exchange.close()


async def _join_crowd(
    crowd: list[Exchange], path: str, number: int, *, truth: Truth, until: asyncio.Event
) -> list[Answer]:
    while number not in truth.first_shown_at:
        if until.is_set():
            return []
        await asyncio.sleep(_TRUTH_SECONDS)
    return await asyncio.gather(*(exchange.request(path) for exchange in crowd))


async def inspect(cdn: Cdn, *, truth: Truth) -> list[str]:
    """HEAD, Range, conditional requests and preflights through the CDN: what is not as it should be."""
    playlist = truth.playlist
    assert playlist is not None
    path = urlsplit(playlist.segments[-LATEST_LISTED].url).path
    exchange = Exchange(cdn.port)
    whole = await exchange.request(path)
    head = await exchange.request(path, method="HEAD")
    part = await exchange.request(path, "Range: bytes=188-375")
    rest = await exchange.request(path, "Range: bytes=-188")
    same = await exchange.request(path, f"If-None-Match: {whole.headers['etag']}")
    preflight = await exchange.request(
        path, "Origin: https://player.example", "Access-Control-Request-Method: GET", method="OPTIONS"
    )
    listed = await exchange.request(truth.media, method="HEAD")
    unknown = await exchange.request(path.rpartition("/v1/")[0] + "/v9/0.ts")
    exchange.close()
    expected = {
        "a whole segment": whole.status == 200 and len(whole.body) == int(whole.headers["content-length"]),
        "its type": whole.headers["content-type"] == "video/mp2t",
        "HEAD of a segment": head.status == 200 and head.headers["content-length"] == whole.headers["content-length"],
        "a range": part.status == 206 and part.body == whole.body[188:376],
        "the range of the end": rest.status == 206 and rest.body == whole.body[-188:],
        "If-None-Match": same.status == 304,
        "pages of other origins": whole.headers["access-control-allow-origin"] == "*",
        "a preflight": preflight.status == 204 and "Range" in preflight.headers["access-control-allow-headers"],
        "HEAD of a playlist": listed.status == 200 and listed.body == b"",
        "an unknown segment": unknown.status == 404 and unknown.headers["cache-control"] == "no-store",
    }
    return [f"{cdn.name}: {what} is not as from egress" for what, is_so in expected.items() if not is_so]
