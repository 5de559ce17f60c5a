"""Sessions: runs of one input's continuous media timestamps, and their place in programme time (failover rule, Time).

A session is placed once. If its timestamps correspond to those of a session placed before (the other input's, or this
input's last), both get the same offset and a change between them is seamless; otherwise it is placed by arrival.
"""

from __future__ import annotations

from bisect import insort_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter

from understudy_domain.lag import Lag
from understudy_domain.plain import row
from understudy_domain.sources import PLAYLISTS_KEPT
from understudy_domain.ticks import TICKS_PER_SECOND

RECENT_PIECES = 24
"""Pieces of each source playlist remembered by content: what tells a late piece from a restart, and equal content."""
COMMON_PIECES = 3
"""Common pieces of equal content that prove correspondence where no program date time is usable."""
CLOCK_TOLERANCE = 10 * TICKS_PER_SECOND
"""How far an encoder's program date time may be from the log's clock and still be believed."""
FORWARD_JUMP_SEGMENTS = 2
"""A jump forward of more than so many S_in opens a new session."""
LATE_SEGMENTS = 9
"""A piece that ends further back than so many S_in is no late one: the encoder has started over."""
GIVEN_UP_SEGMENTS = 4
"""A rendition that lags behind the others by more than so many S_in is not what the lag waits for."""
AGAIN_SEGMENTS = 5
"""Nor is one of known content a second upload if it is further back than this: encoders send again for about three
segments. One that is restarted on a recording, a slate or a test picture sends the same bytes at the same timestamps.
"""

_start_of = attrgetter("start")
_end_of = attrgetter("end")


@row
@dataclass(slots=True)
class RecentPiece:
    """What is remembered of a delivered piece."""

    start: int
    """Unwrapped media timestamp, ticks."""
    end: int
    size: int
    digest: str
    path: str
    arrived_at: int
    program_date_time: int | None = None
    """As its playlist told; None while none has listed it, or without a date."""

    @property
    def duration(self) -> int:
        """Ticks."""
        return self.end - self.start

    has_video: bool = True
    is_closed: bool = False
    """Its playlist has ended since, and was begun anew: what is listed there now is something else."""
    is_listed: bool = False
    """A line about it has been read. A further one with no date is of another piece: who restarts uses names again."""

    def is_of_another_life(self, program_date_time: int | None) -> bool:
        """Whether a line of this date that has its name is about a piece to come: who restarts uses names again."""
        known = self.program_date_time
        if self.is_closed or (self.is_listed and program_date_time is None):
            return True
        return known is not None and program_date_time is not None and abs(program_date_time - known) > self.duration

    def overlaps(self, start: int, end: int) -> bool:
        """Whether it shares more than half of the shorter of the two, so that both claim to be the same time."""
        return 2 * (min(self.end, end) - max(self.start, start)) > min(self.duration, end - start)


class _Kept:
    """What is reckoned from a session's fields and kept until they change: no part of its record."""

    __slots__ = ("_ends",)

    def __post_init__(self) -> None:
        self._ends: dict[str, int] = {}
        """By playlist, where its newest piece ends, unwrapped, ticks: of those that were asked for."""


@dataclass(slots=True)
class Session(_Kept):
    """One run of timestamps of one input."""

    id: int
    """ARRIVALS sequence of its first segment."""
    modulus: int | None
    """What its media timestamps wrap at; unwrapped ones go on beyond."""
    newest_end: int
    """Unwrapped, ticks, over all renditions."""
    first_arrived_at: int
    first_end: int
    """Unwrapped media end of the first piece: with ``first_arrived_at``, the place by arrival."""
    offset: int | None = None
    """Programme time minus unwrapped media timestamp; None until the session is placed."""
    date_minus_media: int | None = None
    """Program date time minus unwrapped media timestamp, of its first piece with a believable date."""
    pieces: int = 0
    """Segments delivered of its most advanced rendition."""
    lag: Lag = field(default_factory=Lag)
    recent: dict[str, list[RecentPiece]] = field(default_factory=dict)
    """By playlist, in order of time."""

    @property
    def all_recent(self) -> list[RecentPiece]:
        """The recent pieces of all playlists, in order of time."""
        return sorted(chain.from_iterable(self.recent.values()), key=_start_of)

    def unwrap(self, timestamp: int) -> int:
        """A media timestamp on this session's unwrapped line: the nearest to its newest end."""
        if self.modulus is None:
            return timestamp
        half = self.modulus // 2
        return self.newest_end + (timestamp - self.newest_end + half) % self.modulus - half

    def accepts(
        self,
        *,
        playlist: str,
        start: int,
        end: int,
        size: int,
        digest: str,
        arrived_at: int,
        segment_duration: int,
    ) -> bool:
        """Whether a piece from ``start`` to ``end`` (unwrapped) belongs to this run.

        Not after a jump forward of more than 2 S_in, unless so much time has passed, or it comes when this run would
        have brought it, or late. Nor further back than a piece can be late (by when it came: what no playlist had
        listed may be told of long after), nor where another content already stands: an encoder delivers one content for
        one time, so a second one is a restart.
        """
        jump, jump_max = start - self.newest_end, FORWARD_JUMP_SEGMENTS * segment_duration
        if (
            jump > jump_max
            and abs(jump - self._silent_for(arrived_at)) > jump_max
            and not self._is_due(end, arrived_at, segment_duration)
        ):
            return False
        back, known_until = self.newest_end - start, self.ends_at(playlist)
        about = () if known_until is None or known_until <= start else self.recent[playlist]
        same_time = [piece for piece in about if piece.end > start and piece.overlaps(start, end)]
        if not same_time:
            return back <= LATE_SEGMENTS * segment_duration or self._is_due(end, arrived_at, segment_duration)
        again = all(piece.size == size and piece.digest == digest for piece in same_time)
        return again and back <= AGAIN_SEGMENTS * segment_duration

    def _is_due(self, end: int, arrived_at: int, segment_duration: int) -> bool:
        """Whether a piece comes when this run would have brought it, or late: what lies between is lost or to come."""
        if self.offset is None or self.lag.value is None:
            return False
        lateness = arrived_at - end - self.offset - self.lag.value
        return -FORWARD_JUMP_SEGMENTS * segment_duration <= lateness <= LATE_SEGMENTS * segment_duration

    def _silent_for(self, arrived_at: int) -> int:
        """Since when nothing of this run has arrived, ticks."""
        return arrived_at - max((piece.arrived_at for piece in self.all_recent), default=arrived_at)

    def is_long_before(self, arrived_at: int, segment_duration: int) -> bool:
        """Whether an instant is further back than a piece can be late, before the newest of this run arrived."""
        return -self._silent_for(arrived_at) > LATE_SEGMENTS * segment_duration

    def is_duplicate(self, *, playlist: str, start: int, size: int, digest: str) -> bool:
        """Whether this very content has been delivered at this very time."""
        for piece in reversed(self.recent.get(playlist, ())):
            if piece.start < start:
                break
            if piece.start == start and piece.size == size and piece.digest == digest:
                return True
        return False

    def remember(self, playlist: str, piece: RecentPiece) -> None:
        """Take a piece in: advances the newest end and what duplicates are told by."""
        self.newest_end = max(self.newest_end, piece.end)
        known_until = self.ends_at(playlist)
        self._ends[playlist] = piece.end if known_until is None else max(known_until, piece.end)
        mine = self.recent.setdefault(playlist, [])
        insort_right(mine, piece, key=_start_of)
        self.pieces = max(self.pieces, len(mine))
        if len(mine) > RECENT_PIECES:
            self._forget_first(playlist)
        elif len(self.recent) > PLAYLISTS_KEPT:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        """An encoder that has ever new playlists must not fill the memory: its oldest piece goes for each new one."""
        if sum(map(len, self.recent.values())) > RECENT_PIECES * PLAYLISTS_KEPT:
            playlist = min(self.recent, key=lambda one: self.recent[one][0].start)
            self._forget_first(playlist)
            if not self.recent[playlist]:
                del self.recent[playlist]

    def _forget_first(self, playlist: str) -> None:
        gone = self.recent[playlist].pop(0)
        if gone.end == self.ends_at(playlist):
            del self._ends[playlist]

    def close_playlist(self, playlist: str, *, listed: Collection[str]) -> None:
        """A playlist is begun anew: its encoder has another life, and may use the names of this one again.

        What is ``listed`` now for the first time may have arrived before.
        """
        for piece in self.recent.get(playlist, ()):
            if piece.is_listed or piece.path not in listed:
                piece.is_closed = True

    def newest_of(self, playlist: str, path: str) -> RecentPiece | None:
        """The newest of the recent pieces of a playlist that have this name."""
        for piece in reversed(self.recent.get(playlist, ())):
            if piece.path == path:
                return piece
        return None

    def may_have_date(self, playlist: str, piece: RecentPiece, program_date_time: int | None) -> bool:
        """Whether a date agrees with that of the nearest recent piece which has one; no date agrees with nothing."""
        if program_date_time is None:
            return False
        dated = [one for one in self.recent[playlist] if one.program_date_time is not None]
        if not dated:
            return True
        nearest = min(dated, key=lambda one: abs(one.start - piece.start))
        assert nearest.program_date_time is not None
        return abs(program_date_time - nearest.program_date_time - piece.start + nearest.start) <= piece.duration

    def recent_at(self, playlist: str, timestamp: int) -> RecentPiece | None:
        """The piece of a playlist that holds an (unwrapped) timestamp, if it is among the recent ones."""
        known_until = self.ends_at(playlist)
        if known_until is None or known_until <= timestamp:
            return None
        for piece in reversed(self.recent[playlist]):
            if piece.start <= timestamp < piece.end:
                return piece
        return None

    def begins_at(self, playlist: str) -> int | None:
        """Unwrapped timestamp of the earliest piece of a playlist that is among the recent ones."""
        mine = self.recent.get(playlist)
        return mine[0].start if mine else None

    def ends_at(self, playlist: str) -> int | None:
        """Unwrapped timestamp at which the newest piece of a playlist ends."""
        end = self._ends.get(playlist)
        if end is None and (mine := self.recent.get(playlist)):
            end = self._ends[playlist] = max(map(_end_of, mine))
        return end

    def goes_on_without(self, playlist: str, timestamp: int, *, segment_duration: int) -> bool:
        """Whether nothing of a playlist has come for several segments before an (unwrapped) timestamp."""
        newest = self.ends_at(playlist)
        since = newest if newest is not None else self.first_end
        return timestamp - since > GIVEN_UP_SEGMENTS * segment_duration

    def note_date(self, *, program_date_time: int, start: int, end: int, arrived_at: int) -> None:
        """Take in the program date time of a piece, if it is within 10 s of the log's clock when the piece arrived."""
        if self.date_minus_media is None and abs(program_date_time + end - start - arrived_at) <= CLOCK_TOLERANCE:
            self.date_minus_media = program_date_time - start


def corresponding_offset(
    session: Session, reference: Session, *, segment_duration: int, by_content: bool
) -> int | None:
    """The offset that places ``session`` where ``reference`` is, if their timestamps correspond; else None.

    They do if they are equal at equal program date time within S_in / 2, where both have a believable date; where one
    has none, or the dates disagree by a clock that is a little wrong, if three common pieces have equal timestamps and
    equal content. Without ``by_content`` dates alone count.
    """
    if reference.offset is None or session.modulus != reference.modulus:
        return None
    if session.date_minus_media is not None and reference.date_minus_media is not None:
        difference = session.date_minus_media - reference.date_minus_media
        turns = _whole_turns(difference, session.modulus)
        if abs(difference - turns) <= segment_duration // 2:
            return reference.offset + turns
    return _offset_by_content(session, reference) if by_content else None


def _offset_by_content(session: Session, reference: Session) -> int | None:
    assert reference.offset is not None
    common = _common_pieces(session, reference)
    if len(common) < COMMON_PIECES:
        return None
    mine, theirs = common[-1]
    return reference.offset + theirs.start - mine.start


def _common_pieces(session: Session, reference: Session) -> list[tuple[RecentPiece, RecentPiece]]:
    """Recent pieces of equal timestamp and content: with pictures, if there are any. Silence is alike anywhere."""
    mine, theirs = session.all_recent, reference.all_recent
    if any(piece.has_video for piece in [*mine, *theirs]):
        mine = [piece for piece in mine if piece.has_video]
        theirs = [piece for piece in theirs if piece.has_video]
    known = {(_wrapped(piece.start, reference.modulus), piece.size, piece.digest): piece for piece in theirs}
    return [
        (piece, known[key])
        for piece in mine
        if (key := (_wrapped(piece.start, session.modulus), piece.size, piece.digest)) in known
    ]


def _wrapped(timestamp: int, modulus: int | None) -> int:
    return timestamp if modulus is None else timestamp % modulus


def _whole_turns(difference: int, modulus: int | None) -> int:
    if modulus is None:
        return 0
    return (difference + modulus // 2) // modulus * modulus


def place(session: Session, theirs: Iterable[Session], own: Iterable[Session], *, segment_duration: int) -> int | None:
    """The session's offset, or None while it is better to wait for a program date time or for common pieces.

    ``theirs`` and ``own`` are the other input's sessions and this one's, the newest first. An input that sends content
    of its own again has started over, so that proves nothing. What may still show whether sessions correspond is waited
    for until three pieces have come and no longer. One that corresponds to none is placed by when it came, with the lag
    that this input had before: its encoder goes on where it was, however far the other one is behind.
    """
    other = [reference for reference in theirs if reference.offset is not None]
    before = [reference for reference in own if reference.offset is not None]
    placed = other + before
    for number, reference in enumerate(placed):
        offset = corresponding_offset(
            session, reference, segment_duration=segment_duration, by_content=number < len(other)
        )
        if offset is not None:
            return offset
    waiting_is_useful = bool(other) or any(reference.date_minus_media is not None for reference in before)
    all_dated = all(one.date_minus_media is not None for one in [session, *placed])
    dates_have_told = all_dated and not any(_common_pieces(session, reference) for reference in other)
    if placed and waiting_is_useful and not dates_have_told and session.pieces < COMMON_PIECES:
        return None
    lag = next((one.lag.value for one in [*before, *other] if one.lag.value is not None), 0)
    return session.first_arrived_at - lag - session.first_end
