"""What an input has delivered, in programme time.

The state of one input is plain data: it is folded from facts here, and rests in snapshots between two controllers.
"""

from __future__ import annotations

from bisect import insort_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from understudy_domain.facts import MultivariantArrived, PlaylistArrived, SegmentArrived
from understudy_domain.lineup import FirstSegment
from understudy_domain.media import Track, TrackKind
from understudy_domain.piece import ParkedSegment, Piece, placed
from understudy_domain.piece_length import NEWEST_KEPT
from understudy_domain.reckoned_pieces import ReckonedPieces
from understudy_domain.session import AGAIN_SEGMENTS, FORWARD_JUMP_SEGMENTS, LATE_SEGMENTS, RecentPiece, Session
from understudy_domain.sources import PLAYLISTS_KEPT, ListedSegment, Sources
from understudy_domain.steadiness import Steadiness
from understudy_domain.ticks import TICKS_PER_SECOND

PARKED_SEGMENTS_MAX = 64
PIECES_MAX = 512
SESSIONS_KEPT = 2

_start_of = attrgetter("start")


@dataclass(slots=True)
class InputState(ReckonedPieces):
    """All that is known of one input."""

    input_id: int
    sources: Sources = field(default_factory=Sources)
    sessions: list[Session] = field(default_factory=list)
    """The current one last; one before it is kept for what still arrives late."""
    firsts: dict[str, FirstSegment] = field(default_factory=dict)
    """By playlist: its newest session's first segment."""
    carries: dict[str, str] = field(default_factory=dict)
    """Which of its playlists carries which rendition of the channel: rendition id to playlist path."""
    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    """By playlist, in order of time."""
    newest_end: int = 0
    """Programme time at which its newest piece ends, ticks; 0 without any."""
    unlisted: list[ParkedSegment] = field(default_factory=list)
    unplaced: list[ParkedSegment] = field(default_factory=list)
    last_arrived_at: int | None = None
    ended_at: int | None = None
    """When the last of its playlists ended, ticks since the epoch; None while any goes on."""
    steadiness: Steadiness = field(default_factory=Steadiness)
    changes: int = 0
    """Rises with every segment that arrives, and with whatever a playlist changes in what has been delivered: while it
    stands, nothing but time and commands can change what is decided."""
    fillers: int = 0
    """How many segments its playlists have marked as filler: for people. Nothing is decided by it."""
    fresh: list[tuple[str, Piece]] = field(default_factory=list)
    """Pieces that took their place since ``take_fresh``, with their playlists: to be held against the other input's."""

    @property
    def session(self) -> Session | None:
        """The current session."""
        return self.sessions[-1] if self.sessions else None

    @property
    def lag(self) -> int | None:
        """L_i: the current session's lag, ticks; until it has one, its predecessor's."""
        for one in reversed(self.sessions):
            if one.lag.value is not None:
                return one.lag.value
        return None

    @property
    def lateness(self) -> int | None:
        """By how much later than its lag says the newest piece has come, ticks; None while it has no lag."""
        return self.session.lag.lateness if self.session is not None else None

    def _reckon_newest_end(self) -> None:
        self.newest_end = max((pieces[-1].end for pieces in self.pieces.values()), default=0)

    @property
    def has_ended(self) -> bool:
        """Every playlist of its session carries EXT-X-ENDLIST, but for those that it goes on without."""
        return self.ended_at is not None

    def _playlists_have_ended(self) -> bool:
        ended = self.sources.ended
        if not ended or not self.sessions or not any(playlist in ended for playlist in self.firsts):
            return False
        session = self.sessions[-1]
        return all(
            playlist in ended
            or session.goes_on_without(
                playlist, session.newest_end, segment_duration=max(one.duration for one in session.all_recent)
            )
            for playlist in self.firsts
        )

    def note_end(self, now: int) -> None:
        """Keep up with whether it has ended; after each of its facts."""
        has_ended = self._playlists_have_ended()
        if has_ended != (self.ended_at is not None):
            self.ended_at = now if has_ended else None
            self.changes += 1

    def receive(self, fact: SegmentArrived, *, arrived_at: int, sequence: int, segment_duration: int | None) -> None:
        """A segment has arrived: into its session and its place, or parked until it is known which."""
        self.last_arrived_at = arrived_at
        self.changes += 1
        parked = ParkedSegment(fact, arrived_at, sequence, self.sources.playlist_of(fact.path))
        if parked.playlist is None:
            _park(self.unlisted, parked)
        else:
            self._admit(parked, segment_duration)

    def read_playlist(self, fact: PlaylistArrived, *, segment_duration: int | None) -> None:
        """A playlist has arrived: what it says of segments that are here already, and of parked ones."""
        if self.sources.read_playlist(fact):
            for session in self.sessions:
                session.close_playlist(fact.path, listed=[line.path for line in fact.lines])
        for line in fact.lines:
            self._annotate(fact.path, line.path)
        for parked in [one for one in self.unlisted if self.sources.playlist_of(one.fact.path) is not None]:
            self.unlisted.remove(parked)
            parked.playlist = self.sources.playlist_of(parked.fact.path)
            self._admit(parked, segment_duration)
        if fact.ended:
            # Said of the session that its own segments may just have begun.
            self.sources.end(fact.path)

    def read_multivariant(self, fact: MultivariantArrived) -> None:
        """A multivariant playlist has arrived."""
        self.sources.multivariant = fact
        self.changes += 1

    def _admit(self, parked: ParkedSegment, segment_duration: int | None) -> None:
        fact, playlist = parked.fact, parked.playlist
        leading = fact.probe.leading
        if leading is None or playlist is None or leading.duration <= 0:
            return
        self.changes += 1
        session = self._session_of(parked, leading, segment_duration or leading.duration)
        if session is None:
            return
        start = session.unwrap(leading.first_timestamp)
        if session.is_duplicate(playlist=playlist, start=start, size=fact.size, digest=fact.probe.digest):
            self.sources.take_line(playlist, fact.path)
            return
        end = start + leading.duration
        line = self.sources.take_line(playlist, fact.path)
        if line is None and (known_until := session.ends_at(playlist)) is not None and start >= known_until:
            # Behind its end, and not the last segment that its playlist overtook: more is to come, and is told next.
            self.sources.go_on(playlist)
        date = line.program_date_time if line is not None else None
        recent = RecentPiece(
            start,
            end,
            fact.size,
            fact.probe.digest,
            fact.path,
            parked.arrived_at,
            date,
            has_video=leading.kind is TrackKind.VIDEO,
            is_listed=line is not None,
        )
        session.remember(playlist, recent)
        if line is not None and line.gap:
            self.fillers += 1
            return
        if line is not None and line.program_date_time is not None:
            parked.program_date_time = line.program_date_time
            session.note_date(
                program_date_time=line.program_date_time, start=start, end=end, arrived_at=parked.arrived_at
            )
        if playlist not in self.firsts:
            self._playlists_change()
            while len(self.firsts) >= PLAYLISTS_KEPT:
                del self.firsts[next(iter(self.firsts))]
            self.firsts[playlist] = FirstSegment(
                fact.probe, fact.size * 8 * TICKS_PER_SECOND // max(leading.duration, 1)
            )
        self._forget_renamed(session, segment_duration or leading.duration)
        if (
            session.offset is not None
            and not self.unplaced
            and session is self.sessions[-1]
            and session.recent[playlist][-1] is recent
        ):
            self._give_place(parked, playlist, session)  # as it is mostly: there is nothing else to be found first
            return
        _park(self.unplaced, parked)
        if session.offset is not None:
            self.settle(session)

    def _forget_renamed(self, session: Session, segment_duration: int) -> None:
        """A playlist that stopped where another one, which carries nothing yet, set in has got a new name.

        One that is not alike may as well be another rendition, and the first one come back: that is waited for.
        """
        carried = set(self.carries.values())
        if self.firsts.keys() <= carried:
            return
        begins = {
            playlist: begin
            for playlist in self.firsts.keys() - carried
            if (begin := session.begins_at(playlist)) is not None
        }
        for playlist in carried & self.firsts.keys() if begins else ():
            end = session.ends_at(playlist)
            if end is None or session.newest_end - end <= FORWARD_JUMP_SEGMENTS * segment_duration:
                continue
            set_in = [self.firsts[other] for other, begin in begins.items() if begin >= end - segment_duration]
            is_alike = any(self.firsts[playlist].is_like(other) for other in set_in)
            if is_alike or (set_in and session.newest_end - end > LATE_SEGMENTS * segment_duration):
                self._playlists_change()
                del self.firsts[playlist]

    def _session_of(self, parked: ParkedSegment, leading: Track, segment_duration: int) -> Session | None:
        """The one that it continues, or a new one; None for what was listed long after, and fits none: no restart."""
        fact = parked.fact
        assert parked.playlist is not None
        for session in reversed(self.sessions):
            start = session.unwrap(leading.first_timestamp)
            if session.modulus == fact.probe.timestamp_modulus and session.accepts(
                playlist=parked.playlist,
                start=start,
                end=start + leading.duration,
                size=fact.size,
                digest=fact.probe.digest,
                arrived_at=parked.arrived_at,
                segment_duration=segment_duration,
            ):
                return session
        if self.session is not None and self.session.is_long_before(parked.arrived_at, segment_duration):
            return None
        end = leading.first_timestamp + leading.duration
        session = Session(
            id=parked.sequence,
            modulus=fact.probe.timestamp_modulus,
            newest_end=leading.first_timestamp,
            first_arrived_at=parked.arrived_at,
            first_end=end,
        )
        self.sessions.append(session)
        del self.sessions[:-SESSIONS_KEPT]
        self.sources.ended.clear()
        self._playlists_change()
        self.firsts.clear()
        return session

    def _annotate(self, playlist: str, path: str) -> None:
        """A line about a segment that is here already: its date, or the mark that it is no programme."""
        for session in reversed(self.sessions):
            recent = session.newest_of(playlist, path)
            if recent is not None:
                break
        else:
            return
        line = self.sources.lines.get(playlist, {}).get(path)
        if line is None or recent.is_of_another_life(line.program_date_time):
            return
        if self._is_passed(playlist, session, recent) and not session.may_have_date(
            playlist, recent, line.program_date_time
        ):
            return
        parked = self._parked_of(path, recent.digest) if self.unplaced else None
        piece = self._newest_piece_of(playlist, path, session)
        self.sources.take_line(playlist, path)
        recent.is_listed = True
        recent.program_date_time = line.program_date_time
        if line.gap:
            self._withdraw(playlist, piece, parked)
            return
        if line.program_date_time is not None:
            session.note_date(
                program_date_time=line.program_date_time,
                start=recent.start,
                end=recent.end,
                arrived_at=recent.arrived_at,
            )
        _set_date(line, piece, parked)

    def _parked_of(self, path: str, digest: str) -> ParkedSegment | None:
        return next((one for one in self.unplaced if one.fact.path == path and one.fact.probe.digest == digest), None)

    def _newest_piece_of(self, playlist: str, path: str, session: Session) -> Piece | None:
        for piece in reversed(self.pieces.get(playlist, ())):
            if piece.path == path and piece.session == session.id:
                return piece
        return None

    def _is_passed(self, playlist: str, session: Session, recent: RecentPiece) -> bool:
        """Its playlist has gone on for long, or in a later session: who restarts may use its name again."""
        current, newest_end = self.sessions[-1], session.ends_at(playlist)
        if newest_end is not None and newest_end - recent.end > AGAIN_SEGMENTS * recent.duration:
            return True
        return recent.arrived_at < current.first_arrived_at and current.ends_at(playlist) is not None

    def _withdraw(self, playlist: str, piece: Piece | None, parked: ParkedSegment | None) -> None:
        """Marked filler is a missing piece."""
        self.changes += 1
        self.fillers += piece is not None or parked is not None
        if piece is not None:
            self._pieces_change(playlist)
            self.pieces[playlist].remove(piece)
            if not self.pieces[playlist]:
                del self.pieces[playlist]
            self._reckon_newest_end()
        if parked is not None:
            self.unplaced.remove(parked)

    def settle(self, session: Session) -> None:
        """The session is placed: give its parked segments their places."""
        for parked in [parked for parked in self.unplaced if self._session_holding(parked) is session]:
            self.unplaced.remove(parked)
            assert parked.playlist is not None
            self._give_place(parked, parked.playlist, session)

    def _give_place(self, parked: ParkedSegment, playlist: str, session: Session) -> None:
        self.changes += 1
        piece = placed(parked, session, self.input_id)
        self.fresh.append((playlist, piece))
        pieces = self.pieces.setdefault(playlist, [])
        insort_right(pieces, piece, key=_start_of)
        if len(pieces) > PIECES_MAX:
            del pieces[:-PIECES_MAX]
            self._pieces_change(playlist)
        self._piece_comes(playlist, piece)
        if pieces[-1] is piece and piece.end >= self.newest_end and len(self.pieces) <= PLAYLISTS_KEPT:
            self.newest_end = piece.end
        else:
            while len(self.pieces) > PLAYLISTS_KEPT:
                oldest = min(self.pieces, key=lambda one: self.pieces[one][-1].end)
                self._pieces_change(oldest)
                del self.pieces[oldest]
            self._reckon_newest_end()
        self._observe_lag(session, piece)

    def _session_holding(self, parked: ParkedSegment) -> Session | None:
        digest, path = parked.fact.probe.digest, parked.fact.path
        for session in reversed(self.sessions):
            for recent in reversed(session.recent.get(parked.playlist or "", ())):
                if recent.digest == digest and recent.path == path:
                    return session
        return None

    def _observe_lag(self, session: Session, piece: Piece) -> None:
        """The lag takes a piece in when it is complete in every rendition that it is known to have and goes on with.

        What has been forgotten by now makes no difference: a successor that reads again may have forgotten less.
        """
        assert session.offset is not None
        middle = (piece.start + piece.end) // 2 - session.offset
        found: list[RecentPiece] = []
        for playlist in reversed(self.carries.values() or self.pieces):  # the last ones mostly come last
            same = session.recent_at(playlist, middle)
            if same is not None:
                found.append(same)
            elif not session.goes_on_without(playlist, middle, segment_duration=piece.end - piece.start):
                return
        if found:
            first, arrived_at = found[-1], max([one.arrived_at for one in found])
            self.steadiness.observe(
                session=session.id,
                start=first.start + session.offset,
                end=first.end + session.offset,
                renditions=len(found),
                arrived_at=arrived_at,
                lag=self.lag,
                segment_duration=piece.end - piece.start,
            )
            session.lag.observe(
                media_end=first.end + session.offset,
                arrived_at=arrived_at,
                segment_duration=piece.end - piece.start,
            )

    def forget_before(self, programme_time: int) -> None:
        """Drop pieces that ended by ``programme_time``: no endpoint decides about them any more.

        The newest of each playlist stay whatever was decided: what the inputs are compared by.
        """
        for playlist, pieces in self.pieces.items():
            if len(pieces) > NEWEST_KEPT and pieces[0].end <= programme_time:
                old, newest = pieces[:-NEWEST_KEPT], pieces[-NEWEST_KEPT:]
                self.pieces[playlist] = [piece for piece in old if piece.end > programme_time] + newest
                if self._reach.get(playlist, 0) <= programme_time:
                    self._pieces_change(playlist)

    def take_fresh(self) -> list[tuple[str, Piece]]:
        """The pieces that took their place since this was last called, with the renditions they are of."""
        if not self.fresh:
            return []
        of_playlist = {playlist: rendition for rendition, playlist in self.carries.items()}
        fresh, self.fresh = self.fresh, []
        return [(of_playlist[playlist], piece) for playlist, piece in fresh if playlist in of_playlist]

    def newest_pieces(self, rendition: str) -> Sequence[Piece]:
        """Those of its pieces of a rendition that are there whatever was decided."""
        return self.rendition_pieces(rendition)[-NEWEST_KEPT:]

    def newest_ends(self, renditions: Iterable[str]) -> list[int]:
        """Where its newest piece ends of each of the channel's renditions of which it has any, programme time."""
        carries, pieces = self.carries, self.pieces
        return [run[-1].end for rendition in renditions if (run := pieces.get(carries.get(rendition, "")))]

    def rendition_pieces(self, rendition: str) -> Sequence[Piece]:
        """Its pieces of one of the channel's renditions, in order of time."""
        return self.pieces.get(self.carries.get(rendition, ""), ())


def _park(parked: list[ParkedSegment], segment: ParkedSegment) -> None:
    parked.append(segment)
    del parked[:-PARKED_SEGMENTS_MAX]


def _set_date(line: ListedSegment, piece: Piece | None, parked: ParkedSegment | None) -> None:
    if piece is not None:
        piece.program_date_time = line.program_date_time
    if parked is not None:
        parked.program_date_time = line.program_date_time
