"""One segment of an input in programme time (failover rule, Words: piece), and one that has no place yet."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.facts import SegmentArrived
from understudy_domain.media import RunningCounter, Track, TrackKind
from understudy_domain.plain import row
from understudy_domain.session import Session
from understudy_domain.ticks import difference
from understudy_domain.unguarded import unguarded


@unguarded
@dataclass(frozen=True, slots=True)
class PieceTrack:
    """One track of a piece, in programme time: what a seam is measured by."""

    kind: TrackKind
    start: int
    end: int
    frame_duration: int


@row
@dataclass(slots=True)
class Piece:
    """One input segment of one rendition, in its place."""

    input_id: int
    path: str
    object_key: str
    size: int
    start: int
    """Programme time, ticks."""
    end: int
    timestamp: int
    """As in the media, ticks."""
    frame_duration: int
    configuration: str
    codecs: tuple[str, ...]
    arrived_at: int
    session: int
    """Id of its session."""
    modulus: int | None = None
    width: int | None = None
    height: int | None = None
    frame_rate: str | None = None
    program_date_time: int | None = None
    counters: tuple[RunningCounter, ...] = ()
    counter_modulus: int | None = None
    tracks: tuple[PieceTrack, ...] = ()
    layout: str = ""
    """Digest of its tables; empty: unknown, never equal."""
    key_frame_first: bool = True


@dataclass(slots=True)
class ParkedSegment:
    """A segment that cannot take its place yet: no playlist lists it, or its session is not placed."""

    fact: SegmentArrived
    arrived_at: int
    sequence: int
    playlist: str | None = None
    program_date_time: int | None = None


def placed(parked: ParkedSegment, session: Session, input_id: int) -> Piece:
    """A parked segment in its place, of a session that is placed."""
    probe = parked.fact.probe
    leading, tracks = probe.leading, probe.tracks
    assert leading is not None
    assert session.offset is not None
    start = session.unwrap(leading.first_timestamp) + session.offset
    return Piece(
        input_id=input_id,
        path=parked.fact.path,
        object_key=parked.fact.object_key,
        size=parked.fact.size,
        start=start,
        end=start + leading.duration,
        timestamp=leading.first_timestamp,
        frame_duration=leading.frame_duration,
        configuration="+".join([track.configuration for track in tracks if track.configuration]),
        codecs=tuple([track.codec for track in tracks if track.codec]),
        arrived_at=parked.arrived_at,
        session=session.id,
        modulus=probe.timestamp_modulus,
        width=leading.width,
        height=leading.height,
        frame_rate=leading.frame_rate,
        program_date_time=parked.program_date_time,
        counters=probe.counters,
        counter_modulus=probe.counter_modulus,
        tracks=tuple([_piece_track(track, session, session.offset) for track in tracks]),
        layout=probe.layout,
        key_frame_first=not [track for track in tracks if not track.key_frame_first],
    )


def _piece_track(track: Track, session: Session, offset: int) -> PieceTrack:
    start = session.unwrap(track.first_timestamp) + offset
    return PieceTrack(track.kind, start, start + track.duration, track.frame_duration)


def offset_difference(one: Piece, other: Piece) -> int:
    """How far apart the media timestamps that two pieces have for one programme instant are, ticks."""
    return difference(one.timestamp - one.start, other.timestamp - other.start, one.modulus)
