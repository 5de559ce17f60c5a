"""Encoders' playlists to facts: what is new in them, since this process last sent it on."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from understudy_domain import keys
from understudy_domain.errors import EncryptedInput, NotAPlaylist
from understudy_domain.facts import (
    MultivariantArrived,
    PlaylistArrived,
    PlaylistLine,
    SourceRendition,
    SourceVariant,
)
from understudy_domain.hls.media_playlist import MediaPlaylist
from understudy_domain.hls.media_segment import MediaSegment
from understudy_domain.hls.multivariant_playlist import MultivariantPlaylist
from understudy_domain.hls.playlist import parse_playlist
from understudy_ingest.errors import BodyTooLarge, UnsupportedMedia
from understudy_ingest.newest_lines import newest_lines
from understudy_ingest.source_path import resolve

PlaylistFact = PlaylistArrived | MultivariantArrived
Publish = Callable[[PlaylistFact], Awaitable[None]]

TEXT_SUFFIXES = (".vtt", ".webvtt")
_LINES_PER_FACT = 200  # a fact must fit into one message of NATS, a megabyte, however long its names are
_MULTIVARIANT_SIZE_MAX = 256 << 10
_RENDITIONS_MAX = 100
_KNOWN_MAX = 8_192


def read_playlist(body: bytes, path: keys.IngestPath | keys.OldIngestPath) -> PlaylistFact:
    """A playlist as a fact with all its lines.

    Raises:
        NotAPlaylist: it is none.
        EncryptedInput: its segments are encrypted.
        UnsupportedMedia: byte ranges, or an init section.
        ForeignPath: it names what is not under its input URL.
        BodyTooLarge: a multivariant playlist of more variants and renditions than anybody has.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as err:
        raise NotAPlaylist(f"byte {err.start}: a playlist is UTF-8") from err
    playlist = parse_playlist(newest_lines(text))
    if isinstance(playlist, MultivariantPlaylist):
        if len(playlist.variants) + len(playlist.renditions) > _RENDITIONS_MAX or len(body) > _MULTIVARIANT_SIZE_MAX:
            raise BodyTooLarge(
                f"a multivariant playlist is taken with up to {_RENDITIONS_MAX} variants and renditions "
                f"and {_MULTIVARIANT_SIZE_MAX} bytes"
            )
        return _multivariant(playlist, path)
    return _media(playlist, path)


def _media(playlist: MediaPlaylist, path: keys.IngestPath | keys.OldIngestPath) -> PlaylistArrived:
    key = playlist.encryption
    if key is not None:
        raise EncryptedInput(f"the playlist's segments are encrypted with {key.method}: send them in the clear")
    if any(segment.init_section is not None for segment in playlist.segments):
        raise UnsupportedMedia("fragmented MP4 is not taken here yet: set the encoder's HLS segment type to MPEG-TS")
    if any(segment.byte_range is not None for segment in playlist.segments):
        raise UnsupportedMedia("byte ranges are not taken: set the encoder to write one file a segment")
    return PlaylistArrived(
        path=path.name,
        target_duration=playlist.target_duration,
        media_sequence=playlist.media_sequence,
        lines=_lines(playlist.segments, playlist.media_sequence, path),
        ended=playlist.ended,
    )


def _lines(
    segments: Sequence[MediaSegment], sequence: int, path: keys.IngestPath | keys.OldIngestPath
) -> tuple[PlaylistLine, ...]:
    lines = []
    program_date_time: int | None = None
    for number, segment in enumerate(segments, start=sequence):
        if segment.program_date_time is not None:
            program_date_time = segment.program_date_time
        elif segment.discontinuity:
            program_date_time = None  # media time says nothing across it
        lines.append(
            PlaylistLine(
                path=resolve(segment.uri, playlist=path),
                duration=segment.duration,
                source_sequence=number,
                program_date_time=program_date_time,
                discontinuity=segment.discontinuity,
                gap=segment.gap,
            )
        )
        if program_date_time is not None:
            program_date_time += segment.duration
    return tuple(lines)


def _multivariant(playlist: MultivariantPlaylist, path: keys.IngestPath | keys.OldIngestPath) -> MultivariantArrived:
    return MultivariantArrived(
        path=path.name,
        variants=tuple(
            SourceVariant(
                path=resolve(variant.uri, playlist=path),
                bandwidth=variant.bandwidth,
                average_bandwidth=variant.average_bandwidth,
                codecs=variant.codecs,
                width=variant.width,
                height=variant.height,
                frame_rate=variant.frame_rate,
                audio_group=variant.audio,
            )
            for variant in playlist.variants
        ),
        renditions=tuple(
            SourceRendition(
                kind=rendition.kind,
                group=rendition.group,
                name=rendition.name,
                path=None if rendition.uri is None else resolve(rendition.uri, playlist=path),
                language=rendition.language,
                channels=rendition.channels,
                default=rendition.default,
                autoselect=rendition.autoselect,
            )
            for rendition in playlist.renditions
        ),
    )


_Identity = tuple[str, int, int, bool, bool, bool]
"""What makes a line: path, number, duration, discontinuity, gap, and whether it has a date."""


@dataclass(slots=True)
class _Known:
    """What was sent on of one playlist. Held under ``lock``, so that its facts keep the order of its uploads."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    last: PlaylistFact | None = None
    lines: frozenset[_Identity] = frozenset()


class PlaylistRelay:
    """Sends on what is new in playlists. Its memory is a cache: a sibling, or a restart, sends more, never less."""

    def __init__(self, *, known_max: int = _KNOWN_MAX) -> None:
        self._known_max = known_max
        self._known: OrderedDict[tuple[str, str, str], _Known] = OrderedDict()

    async def relay(self, fact: PlaylistFact, path: keys.IngestPath, publish: Publish) -> None:
        """Publish what is new; what could not be published is new again the next time.

        Raises:
            Whatever ``publish`` raises.
        """
        known = self._of(path)
        async with known.lock:
            if isinstance(fact, MultivariantArrived):
                if fact != known.last:
                    await publish(fact)
                    known.last = fact
                return
            identities = [_identity(line) for line in fact.lines]
            new = [
                line for line, identity in zip(fact.lines, identities, strict=True) if _is_news(identity, known.lines)
            ]
            if new or _tells_more(fact, known.last):
                for part in _parts(fact, new):
                    await publish(part)
            known.last, known.lines = fact, frozenset(identities)

    def forget(self, channel_guid: str) -> None:
        """The channel is gone."""
        for key in [key for key in self._known if key[0] == channel_guid]:
            del self._known[key]

    def _of(self, path: keys.IngestPath) -> _Known:
        key = (path.channel_guid, path.ingest_guid, path.name)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Known()
            if len(self._known) > self._known_max:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        return known


def _identity(line: PlaylistLine) -> _Identity:
    # A date that is carried on from another line may differ by its rounding, and is no news.
    dated = line.program_date_time is not None
    return line.path, line.source_sequence, line.duration, line.discontinuity, line.gap, dated


def _is_news(identity: _Identity, known: frozenset[_Identity]) -> bool:
    """A line that has lost its date, as the one that it was carried on from has left the list, tells nothing new."""
    return identity not in known and (*identity[:5], True) not in known


def _tells_more(fact: PlaylistArrived, last: PlaylistFact | None) -> bool:
    """Without a new line, a playlist is news when it ends, goes on, starts over, or changes its target duration."""
    if not isinstance(last, PlaylistArrived):
        return True
    return (
        fact.ended != last.ended
        or fact.target_duration != last.target_duration
        or fact.media_sequence < last.media_sequence
    )


def _parts(fact: PlaylistArrived, lines: Sequence[PlaylistLine]) -> list[PlaylistArrived]:
    starts = range(0, max(len(lines), 1), _LINES_PER_FACT)
    return [
        PlaylistArrived(
            path=fact.path,
            target_duration=fact.target_duration,
            media_sequence=fact.media_sequence,
            lines=tuple(lines[start : start + _LINES_PER_FACT]),
            ended=fact.ended and start == starts[-1],
        )
        for start in starts
    ]
