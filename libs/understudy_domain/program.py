"""From the entries of an origin endpoint to the playlists that it shows at an instant.

Invariants, whatever a process has seen before:

1. A playlist is a function of (configuration, entries, now). A process that started later and knows fewer old entries
   gives the same text as soon as it knows those that the window reaches.
2. The lines of a segment are a function of (configuration, its entry, rendition): they never change while the window
   slides over them. That is why a segment's EXT-X-PROGRAM-DATE-TIME depends on its own date, not on its place.
3. All renditions list the same slots, with the same discontinuities. What a rendition lacks is a gap in it.
4. Media sequence numbers are contiguous; the window moves forward only (while the configuration stays).
5. A playlist ends (EXT-X-ENDLIST) while its live edge is the newest entry of all and the programme ended with it. That
   is told by saying the entry again; the next one, before it is available, takes it back.

Lines are rendered once, when an entry comes; a renewal takes some away and joins others on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from understudy_domain import keys, ticks
from understudy_domain.availability import (
    LISTED_ENTRIES_MIN,
    available_count,
    duration_of,
    playlist_window,
)
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import EntryRendition, ProgramEntry
from understudy_domain.errors import LeftWindow, NotYetAvailable, UnderstudyError, UnknownObject
from understudy_domain.hls.media_playlist import ENDLIST, render_header
from understudy_domain.manifest_filter import ManifestFilter
from understudy_domain.multivariant import render_multivariant
from understudy_domain.segment_lines import render_lines
from understudy_domain.stream_selection import offered_of

MEDIA_PLAYLIST_VERSION = 8
"""EXT-X-VERSION: EXT-X-GAP needs 8, and a gap may come at any time; the version must not change on the way."""

_ENDLIST = ENDLIST.encode()


class NotContiguous(UnderstudyError):
    """An entry does not follow the ones before it: some between them are not known here."""

    code = "not_contiguous"


def contiguous_tail(entries: Iterable[ProgramEntry]) -> list[ProgramEntry]:
    """The last run of entries without a hole, in order of media sequence.

    The first of two with one number stays; that the programme ended with it is all that the second may add.
    """
    by_sequence: dict[int, ProgramEntry] = {}
    for entry in entries:
        known = by_sequence.setdefault(entry.media_sequence, entry)
        if entry.ended and not known.ended:
            by_sequence[entry.media_sequence] = replace(known, ended=True)
    run: list[ProgramEntry] = []
    for sequence in sorted(by_sequence):
        if run and run[-1].media_sequence + 1 != sequence:
            run.clear()
        run.append(by_sequence[sequence])
    return run


def render_segment(endpoint: OriginEndpoint, entry: ProgramEntry, rendition_id: str) -> str:
    """A segment's lines in the media playlist of one rendition."""
    rendition = _rendition_of(entry, rendition_id)
    gap = rendition is None or not rendition.pieces
    return render_lines(
        uri=keys.segment_name(rendition_id, entry.media_sequence, rendering_version=entry.rendering_version),
        duration=duration_of(entry) if rendition is None or gap else rendition.duration,
        gap=gap,
        discontinuity=entry.discontinuity,
        date=entry.program_date_time,
        slot_duration=entry.slot_duration,
        interval_seconds=endpoint.hls_package.program_date_time_interval_seconds,
    )


def _rendition_of(entry: ProgramEntry, rendition_id: str) -> EntryRendition | None:
    return next((rendition for rendition in entry.renditions if rendition.rendition == rendition_id), None)


class ProgramWindow:
    """A contiguous run of an endpoint's entries and the playlists over its available part.

    ``append`` entries as they come, ``advance`` the live edge as time passes, read the playlists in between. Entries
    that left the window are kept for as long as a playlist that listed them may be played from, then dropped.
    """

    def __init__(self, endpoint: OriginEndpoint, entries: Sequence[ProgramEntry] = ()) -> None:
        """``entries`` are contiguous and in order.

        Raises:
            NotContiguous: they are not.
        """
        self.endpoint = endpoint
        self._held: list[ProgramEntry] = []
        self._entries: list[ProgramEntry] = []  # the same, with those renditions alone that are offered
        self._lines: dict[str, list[bytes]] = {}
        self._newest_with: dict[str, int] = {}  # by rendition: its newest available media sequence
        self._joined: dict[str, tuple[int, int, bytes]] = {}  # by rendition: lines from one media sequence to another
        self._first = 0  # index of the first listed entry
        self._end = 0  # how many entries are available
        self._listed = 0  # ticks: what the listed entries take up
        self._behind = 0  # ticks: what entries that left the window take up
        self._shows_end = False  # as of the last advance
        for entry in entries:
            self.append(entry)

    # --- entries --------------------------------------------------------------------------------------------------

    def append(self, entry: ProgramEntry) -> bool:
        """Take the next entry; False where it, or one with its number, is known already and it tells no end.

        Raises:
            NotContiguous: entries between the last known one and this one are missing.
        """
        if self._entries:
            expected = self._entries[-1].media_sequence + 1
            if entry.media_sequence < expected:
                return entry.media_sequence == expected - 1 and entry.ended and self._end_with_last()
            if entry.media_sequence > expected:
                raise NotContiguous(f"expected media sequence {expected}, found {entry.media_sequence}")
        self._held.append(entry)
        entry = offered_of(entry, self.endpoint.hls_package.stream_selection)
        for rendition in entry.renditions:
            if rendition.rendition not in self._lines:
                self._lines[rendition.rendition] = [
                    render_segment(self.endpoint, earlier, rendition.rendition).encode() for earlier in self._entries
                ]
        self._entries.append(entry)
        for rendition_id, lines in self._lines.items():
            lines.append(render_segment(self.endpoint, entry, rendition_id).encode())
        return True

    def _end_with_last(self) -> bool:
        last = self._entries[-1]
        self._held[-1] = replace(self._held[-1], ended=True)
        self._entries[-1] = replace(last, ended=True)
        return not last.ended

    def advance(self, *, now: int) -> bool:
        """Move the live edge to ``now`` and the window with it; whether a playlist changed by that.

        An earlier ``now`` than before moves nothing: a clock set back takes nothing away from viewers.
        """
        end = available_count(self._entries, now=now, start=self._end)
        shows_end, self._shows_end = self._shows_end, end == len(self._entries) > 0 and self._entries[-1].ended
        if end == self._end:
            return self._shows_end != shows_end
        for entry in self._entries[self._end : end]:
            if self._end and entry.target_duration_seconds != self._entries[self._end - 1].target_duration_seconds:
                # A longer target duration makes a longer window, from here on: nothing that has left it comes back.
                self._slide()
            self._listed += duration_of(entry)
            for rendition in entry.renditions:
                self._newest_with[rendition.rendition] = entry.media_sequence
            self._end += 1
        self._slide()
        self._drop_old()
        return True

    def _slide(self) -> None:
        window = playlist_window(
            self.endpoint, target_duration_seconds=self._entries[self._end - 1].target_duration_seconds
        )
        while self._end - self._first > LISTED_ENTRIES_MIN:
            duration = duration_of(self._entries[self._first])
            if self._listed - duration + duration // 2 <= window:
                break
            self._first += 1
            self._listed -= duration
            self._behind += duration

    def _drop_old(self) -> None:
        # RFC 8216, 6.2.2: a segment stays for its own duration plus that of the longest playlist that listed it.
        drop = 0
        while drop < self._first:
            duration = duration_of(self._entries[drop])
            if self._behind - duration < self._listed + 2 * duration:
                break
            self._behind -= duration
            drop += 1
        if not drop:
            return
        self._first -= drop
        self._end -= drop
        del self._held[:drop]
        del self._entries[:drop]
        oldest = self._entries[0].media_sequence
        for rendition_id, lines in list(self._lines.items()):
            del lines[:drop]
            if self._newest_with.get(rendition_id, oldest) < oldest and not any(
                _rendition_of(entry, rendition_id) for entry in self._entries[self._end :]
            ):
                del self._lines[rendition_id]
                self._joined.pop(rendition_id, None)
                self._newest_with.pop(rendition_id, None)

    @property
    def entries(self) -> Sequence[ProgramEntry]:
        """All that are held, those not yet available included, with all of their renditions."""
        return self._held

    @property
    def available(self) -> Sequence[ProgramEntry]:
        """Those that are available, with the renditions that are offered."""
        return self._entries[: self._end]

    @property
    def live_edge(self) -> ProgramEntry | None:
        """The newest available entry."""
        return self._entries[self._end - 1] if self._end else None

    @property
    def has_ended(self) -> bool:
        """The programme ended with the live edge, and nothing newer is known."""
        return self._shows_end

    @property
    def next_available_at(self) -> int | None:
        """When the next entry becomes available, None while none is known; ticks since the epoch."""
        return self._entries[self._end].available_at if self._end < len(self._entries) else None

    @property
    def is_filled(self) -> bool:
        """The window does not reach back to the oldest entry held: older ones would change no playlist."""
        return self._first > 0

    @property
    def listed_count(self) -> int:
        """How many entries a playlist lists."""
        return self._end - self._first

    # --- playlists ------------------------------------------------------------------------------------------------

    def renditions(self) -> Iterator[str]:
        """Those that have a media playlist: named by at least one listed entry."""
        if self._end:
            oldest = self._entries[self._first].media_sequence
            for rendition_id, newest in self._newest_with.items():
                if newest >= oldest:
                    yield rendition_id

    def media_playlist(self, rendition_id: str) -> bytes:
        """The media playlist of a rendition.

        Raises:
            NotYetAvailable: nothing is available of the endpoint yet.
            UnknownObject: the endpoint has no such rendition.
        """
        if not self._end:
            raise NotYetAvailable("nothing of this origin endpoint is available yet")
        first = self._entries[self._first]
        if self._newest_with.get(rendition_id, -1) < first.media_sequence:
            raise UnknownObject(f"this origin endpoint has no rendition {rendition_id}")
        header = render_header(
            version=MEDIA_PLAYLIST_VERSION,
            target_duration=self._entries[self._end - 1].target_duration_seconds * ticks.TICKS_PER_SECOND,
            media_sequence=first.media_sequence,
            # Without the first listed segment's own: its tag is still shown, so it has not left the playlist.
            discontinuity_sequence=first.discontinuity_sequence,
        )
        return header.encode() + self._listed_lines(rendition_id) + (_ENDLIST if self._shows_end else b"")

    def _listed_lines(self, rendition_id: str) -> bytes:
        """The lines of all listed entries: those of the last time without what has left them, and with what is new."""
        lines = self._lines[rendition_id]
        oldest = self._entries[0].media_sequence
        since, until, joined = self._joined.get(rendition_id, (0, 0, b""))
        first, end = since - oldest, until - oldest
        if 0 <= first <= self._first <= end <= self._end:
            left = sum(map(len, lines[first : self._first]))
            joined = b"".join([memoryview(joined)[left:], *lines[end : self._end]])
        else:
            joined = b"".join(lines[self._first : self._end])
        self._joined[rendition_id] = (oldest + self._first, oldest + self._end, joined)
        return joined

    def multivariant_playlist(self, manifest_filter: ManifestFilter | None = None) -> bytes:
        """The multivariant playlist, from ``describing_entry``; with a filter, of what satisfies it.

        Raises:
            NotYetAvailable: there is none yet.
            NothingLeft: the filter leaves nothing.
        """
        entry = self.describing_entry()
        if manifest_filter is not None:
            entry = replace(entry, renditions=manifest_filter.apply(entry.renditions))
        return render_multivariant(self.endpoint, entry).encode()

    def describing_entry(self) -> ProgramEntry:
        """The newest available entry that names renditions.

        Raises:
            NotYetAvailable: there is none yet.
        """
        for index in range(self._end - 1, self._first - 1, -1):
            if self._entries[index].renditions:
                return self._entries[index]
        raise NotYetAvailable("nothing of this origin endpoint is available yet")

    # --- segments -------------------------------------------------------------------------------------------------

    def segment(self, rendition_id: str, media_sequence: int, *, rendering_version: int) -> EntryRendition:
        """What the segment behind a URI is made of.

        Raises:
            NotYetAvailable: it may come, or is known and its time has not come.
            LeftWindow: it was available and is no longer kept.
            UnknownObject: it is a gap, of another rendering, or of a rendition that the slot does not have.
        """
        if not self._entries:
            raise NotYetAvailable("nothing of this origin endpoint is available yet")
        index = media_sequence - self._entries[0].media_sequence
        if index < 0:
            raise LeftWindow(f"segment {media_sequence} has left the window")
        if index >= self._end:
            raise NotYetAvailable(f"segment {media_sequence} is not available yet")
        entry = self._entries[index]
        if entry.rendering_version != rendering_version:
            raise UnknownObject(f"segment {media_sequence} has another rendering than {rendering_version}")
        rendition = _rendition_of(entry, rendition_id)
        if rendition is None or not rendition.pieces:
            raise UnknownObject(f"there is nothing of {rendition_id} in segment {media_sequence}")
        return rendition
