"""A channel as a strip: what each input delivered and what each origin endpoint published, on one axis.

The axis is programme time, so that what belongs together stands in one column: a piece of input 1, the piece of input 2
for the same time, and the slot that was made of them. Instants of the clock have their place on it too, a lag before
themselves: at ``now`` the input that is ahead has just delivered up to ``now - lag``. So a piece that comes on time
appears at the cursor, a late one behind it, and a deadline is a place that the cursor reaches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.explain import sentences_of
from understudy_domain.grid import Grid
from understudy_domain.headroom import headroom, usual_headroom
from understudy_domain.reason import Reason
from understudy_domain.timeline import InputState


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one input has delivered for one input segment's time, in all renditions. Durations and times are ticks."""

    input_id: int
    segment: int
    """Its number on the channel's grid, which both inputs share."""
    place: int
    """Where that begins, programme time. It tells pieces apart: with another S_in, numbers begin anew."""
    start: int
    """Programme time."""
    end: int
    arrived_at: int
    """When the last of it came, ticks since the epoch."""
    lateness: int | None
    """How much later than its session's lag; negative: earlier. None while there is no lag."""
    renditions: tuple[str, ...]
    """Those that have it."""
    missing: tuple[str, ...]
    """Those that lack it, as of now."""
    filler: bool
    """Marked as no programme (EXT-X-GAP in the input)."""
    session: int
    """Id of its session: another one than before is a restart."""
    last: bool = False
    """Its input has ended with it, orderly: what is missing behind it is owed by nobody."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive pieces of one input in a slot."""

    input_id: int
    duration: int
    """Ticks."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One slot as it was decided. Times are ticks."""

    origin_endpoint: str
    """Guid."""
    media_sequence: int
    slot: int
    start: int
    """Programme time."""
    end: int
    program_date_time: int
    runs: tuple[Run, ...]
    """Of its first rendition that has anything; empty: a gap."""
    lost: tuple[str, ...]
    """Renditions in which nothing of the slot is left."""
    active_input: int
    moved: bool
    """The endpoint follows another input from here on."""
    reason: Reason
    step: int
    discontinuity: bool
    decided_at: int
    deadline: int | None
    available_at: int
    words: str
    """Why, in one sentence."""
    headroom: int | None
    """From when it was complete to its deadline; negative: it was so long after. None where there was none."""
    usual_headroom: int | None
    """What that is where a slot comes the moment it is due."""
    ended: bool
    """The programme ends with it."""

    @property
    def seen_at(self) -> int:
        """When viewers may see it: as planned, or when it was decided, for what is decided late is seen late."""
        return max(self.available_at, self.decided_at)


def delivered(one: InputState, state: ChannelState) -> Iterator[Delivered]:
    """What is held of an input, in order of time; nothing before S_in is settled."""
    grid = state.grid
    if grid is None:
        return
    found: dict[int, dict[str, tuple[int, int, int, int]]] = {}
    for rendition in state.names:
        for piece in one.rendition_pieces(rendition):
            number = grid.slot_of(piece.start, slot_duration=grid.segment_duration)
            found.setdefault(number, {})[rendition] = (piece.start, piece.end, piece.arrived_at, piece.session)
    newest = max(found, default=0) if one.has_ended else None
    for number in sorted(found):
        mark = _delivered(number, found[number], one, state, grid)
        yield replace(mark, last=True) if number == newest else mark
    yield from _filler(one, grid, found.keys())


def _delivered(
    number: int, of: dict[str, tuple[int, int, int, int]], one: InputState, state: ChannelState, grid: Grid
) -> Delivered:
    begin = grid.start_of(number, slot_duration=grid.segment_duration)
    start, end = min(piece[0] for piece in of.values()), max(piece[1] for piece in of.values())
    arrived_at, session = max((piece[2], piece[3]) for piece in of.values())
    lag = next((held.lag.value for held in one.sessions if held.id == session), None)
    expected = [rendition.rendition for rendition in state.lineup_at(begin)]
    return Delivered(
        input_id=one.input_id,
        segment=number,
        place=begin,
        start=start,
        end=end,
        arrived_at=arrived_at,
        lateness=None if lag is None else arrived_at - end - lag,
        renditions=tuple(of),
        missing=tuple(rendition for rendition in expected if rendition not in of),
        filler=False,
        session=session,
    )


def _filler(one: InputState, grid: Grid, programme: Collection[int]) -> Iterator[Delivered]:
    """Segments that arrived, and were listed, and of which no piece was taken: they are marked as no programme."""
    carrying = frozenset(one.carries.values())
    oldest = min(programme, default=None)
    told: set[int] = set()
    for session in one.sessions:
        if session.offset is None or oldest is None:
            continue
        for playlist in carrying & session.recent.keys():
            for segment in session.recent[playlist]:
                start, end = segment.start + session.offset, segment.end + session.offset
                number = grid.slot_of(start, slot_duration=grid.segment_duration)
                if segment.is_listed and number >= oldest and number not in programme and number not in told:
                    told.add(number)
                    place = grid.start_of(number, slot_duration=grid.segment_duration)
                    yield Delivered(
                        one.input_id, number, place, start, end, segment.arrived_at, None, (), (), True, session.id
                    )


def shown(entry: ProgramEntry, before: ProgramEntry | None) -> Shown:
    """A slot, from its entry and the endpoint's entry before it, where that is known."""
    return Shown(
        origin_endpoint=entry.origin_endpoint,
        media_sequence=entry.media_sequence,
        slot=entry.slot,
        start=entry.start,
        end=entry.end,
        program_date_time=entry.program_date_time,
        runs=runs_of(entry),
        lost=tuple(one.rendition for one in entry.renditions if not one.pieces),
        active_input=entry.active_input,
        moved=before is not None and before.active_input != entry.active_input,
        reason=entry.reason,
        step=entry.step,
        discontinuity=entry.discontinuity,
        decided_at=entry.as_of.instant,
        deadline=entry.evidence.deadline,
        available_at=entry.available_at,
        words=sentences_of(entry, before=before)[0],
        headroom=headroom(entry),
        usual_headroom=usual_headroom(entry),
        ended=entry.ended,
    )


def runs_of(entry: ProgramEntry) -> tuple[Run, ...]:
    """Which input a slot came from, one after the other, by its first rendition that has anything; empty: a gap."""
    pieces = next((rendition.pieces for rendition in entry.renditions if rendition.pieces), ())
    runs: list[Run] = []
    for piece in pieces:
        if runs and runs[-1].input_id == piece.input_id:
            runs[-1] = Run(piece.input_id, runs[-1].duration + piece.duration)
        else:
            runs.append(Run(piece.input_id, piece.duration))
    return tuple(runs)
