"""From a verdict to the entry that is appended: numbers, times, seams, and what players are told of each rendition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from understudy_domain.counters import Shifts, continue_counters
from understudy_domain.endpoint_state import EndpointState
from understudy_domain.entry import AsOf, EntryPiece, EntryRendition, Evidence, ProgramEntry
from understudy_domain.grid import Grid
from understudy_domain.lineup import Rendition
from understudy_domain.piece import Piece
from understudy_domain.piece_length import half_of
from understudy_domain.reason import Reason
from understudy_domain.session import CLOCK_TOLERANCE
from understudy_domain.ticks import TICKS_PER_SECOND, difference
from understudy_domain.unguarded import unguarded

DRIFT_DIVISOR = 1000
"""The published date drifts back to the encoder's by at most 1/1000 of the media that passes."""
BANDWIDTH_HEADROOM_PERCENT = 110
ROUNDING = 2
"""Ticks by which two measured durations may differ without meaning it."""


@unguarded
@dataclass(frozen=True, slots=True)
class Choice:
    """What was decided for a slot: which pieces of which input, and why. No pieces: a gap."""

    slot: int
    end: int
    """end(k) by prediction, programme time: where a gap ends."""
    active_input: int
    """Who is active from here on."""
    pieces: Mapping[str, tuple[Piece, ...]]
    reason: Reason
    step: int
    evidence: Evidence
    smaller_lag: int
    as_of: AsOf


def entry_of(
    choice: Choice, *, endpoint: EndpointState, channel_guid: str, grid: Grid, lineup: Sequence[Rendition]
) -> ProgramEntry:
    """The entry for a choice, standing alone, from the endpoint's last one."""
    last, leading = endpoint.last, _leading(choice, lineup)
    start = leading[0].start if leading else (last.end if last is not None else choice.end)
    end = leading[-1].end if leading else max(choice.end, start)
    discontinuity = last is not None and bool(leading) and not _continues(last, choice.pieces, start=start, grid=grid)
    return ProgramEntry(
        origin_endpoint=endpoint.origin_endpoint,
        channel=channel_guid,
        slot=choice.slot,
        media_sequence=endpoint.first_media_sequence if last is None else last.media_sequence + 1,
        discontinuity_sequence=_discontinuity_sequence(last),
        discontinuity=discontinuity,
        start=start,
        end=end,
        program_date_time=_program_date_time(last, choice, leading, start=start, end=end, discontinuity=discontinuity),
        available_at=_available_at(last, choice, end=end, time_delay=endpoint.time_delay),
        target_duration_seconds=max(endpoint.target_duration_seconds(grid), _seconds_at_least(choice, end - start)),
        active_input=choice.active_input,
        reason=choice.reason,
        step=choice.step,
        evidence=choice.evidence,
        renditions=_renditions(choice, lineup, last, leading=leading if discontinuity else ()),
        slot_duration=endpoint.slot_duration(grid),
        policy_revision=endpoint.revision,
        as_of=choice.as_of,
        order_settled=endpoint.settled_by(choice.active_input, choice.as_of.instant),
        anchor=grid.anchor,
    )


def _seconds_at_least(choice: Choice, duration: int) -> int:
    """The target duration that the slot needs: EXTINF rounded to the nearest second; a single piece cannot be cut."""
    longest = max([duration, *[sum([piece.end - piece.start for piece in run]) for run in choice.pieces.values()]])
    return (longest + TICKS_PER_SECOND // 2) // TICKS_PER_SECOND


def _leading(choice: Choice, lineup: Sequence[Rendition]) -> tuple[Piece, ...]:
    """The pieces that time the slot: those of the first rendition that has any."""
    for one in lineup:
        if pieces := choice.pieces.get(one.rendition):
            return pieces
    return ()


def _discontinuity_sequence(last: ProgramEntry | None) -> int:
    return 0 if last is None else last.discontinuity_sequence + last.discontinuity


def _available_at(last: ProgramEntry | None, choice: Choice, *, end: int, time_delay: int) -> int:
    """end(k) + the smaller lag + time delay, never decreasing.

    What came earlier than usual, a moment or as a backlog, is held back for the delay alone.
    """
    available = min(end + choice.smaller_lag, choice.as_of.instant) + time_delay
    return available if last is None else max(available, last.available_at)


def would_continue(
    last: ProgramEntry, pieces: Mapping[str, tuple[Piece, ...]], *, grid: Grid, lineup: Sequence[Rendition]
) -> bool:
    """Whether an entry of these pieces would carry no discontinuity after ``last``."""
    start = next((run[0].start for one in lineup if (run := pieces.get(one.rendition))), None)
    return start is not None and _continues(last, pieces, start=start, grid=grid)


def _continues(last: ProgramEntry, pieces: Mapping[str, tuple[Piece, ...]], *, start: int, grid: Grid) -> bool:
    """The seam, measured: in every rendition the timestamps and the codec configuration go on from the last entry's.

    Within one session a hole of less than a piece is the encoder's own and its clock goes on; between two, the next
    piece has to begin within a frame of where the last one ended.
    """
    before = {one.rendition: one for one in last.renditions}
    half = grid.segment_duration // 2
    for rendition, run in pieces.items():
        known = before.get(rendition)
        if known is None or not run:
            continue
        first = run[0]
        offset_difference = difference(first.timestamp - first.start, known.timestamp_offset, first.modulus)
        if abs(offset_difference) > first.frame_duration:
            return False
        if known.configuration and first.configuration != known.configuration:
            return False
        if known.pieces and known.pieces[-1].input_id != first.input_id:
            frame = max(first.frame_duration, known.pieces[-1].frame_duration)
            if known.end is not None and abs(first.start - known.end) > frame + ROUNDING:
                return False
        half = min(half, half_of(run, grid))
    return abs(start - last.end) <= half


def _program_date_time(
    last: ProgramEntry | None,
    choice: Choice,
    leading: Sequence[Piece],
    *,
    start: int,
    end: int,
    discontinuity: bool,
) -> int:
    """At the start, and at a discontinuity, the encoder's if it is within 10 s of the log's clock, else the log's.

    In between it advances by media duration and drifts back to the encoder's by at most 0.1 %.
    """
    believable = _encoder_date(leading)
    if last is None or discontinuity:
        if believable is not None:
            return believable
        return leading[0].arrived_at - (leading[0].end - leading[0].start) if leading else choice.as_of.instant
    continued = last.program_date_time + start - last.start
    if believable is None:
        return continued
    drift_max = max(end - start, 0) // DRIFT_DIVISOR
    return continued + min(max(believable - continued, -drift_max), drift_max)


def _encoder_date(leading: Sequence[Piece]) -> int | None:
    if not leading or leading[0].program_date_time is None:
        return None
    first = leading[0]
    assert first.program_date_time is not None
    off = first.program_date_time + first.end - first.start - first.arrived_at
    return first.program_date_time if abs(off) <= CLOCK_TOLERANCE else None


def _renditions(
    choice: Choice, lineup: Sequence[Rendition], last: ProgramEntry | None, *, leading: Sequence[Piece]
) -> tuple[EntryRendition, ...]:
    """Every rendition of the line-up of which anything was ever published; ``leading``: those of a discontinuity."""
    known = {one.rendition: one for one in last.renditions} if last is not None else {}
    return tuple(
        [
            _rendition(one, choice, known.get(one.rendition), leading=leading)
            for one in lineup
            if one.rendition in known or choice.pieces.get(one.rendition)
        ]
    )


def _rendition(
    rendition: Rendition, choice: Choice, known: EntryRendition | None, *, leading: Sequence[Piece]
) -> EntryRendition:
    pieces = choice.pieces.get(rendition.rendition, ())
    if known is not None and leading and not pieces:
        # The discontinuity stands in this rendition too: whatever comes after its gap continues what the others show.
        known = replace(known, timestamp_offset=leading[-1].timestamp - leading[-1].start, configuration="")
    shifts, counters = continue_counters(pieces, known.counters if known else None)
    newest = pieces[-1] if pieces else None
    shown = newest or known
    offset = newest.timestamp - newest.start if newest else known.timestamp_offset if known else 0
    return EntryRendition(
        rendition=rendition.rendition,
        kind=rendition.kind,
        codecs=shown.codecs if shown else (),
        bandwidth=max(known.bandwidth if known else 0, _bandwidth(pieces)),
        pieces=tuple([_entry_piece(piece, shift) for piece, shift in zip(pieces, shifts, strict=True)]),
        timestamp_offset=offset,
        configuration=shown.configuration if shown else "",
        width=shown.width if shown else None,
        height=shown.height if shown else None,
        frame_rate=shown.frame_rate if shown else None,
        audio_group=rendition.audio_group,
        name=rendition.name,
        language=rendition.language,
        channels=rendition.channels,
        default=rendition.default,
        autoselect=rendition.autoselect,
        counters=counters,
        nominal_bandwidth=rendition.bandwidth,
        position=rendition.position,
        audio_channels=rendition.audio_channels,
        sample_rate=rendition.sample_rate,
    )


def _entry_piece(piece: Piece, shifts: Shifts) -> EntryPiece:
    return EntryPiece(
        object_key=piece.object_key,
        size=piece.size,
        input_id=piece.input_id,
        timestamp=piece.timestamp,
        duration=piece.end - piece.start,
        frame_duration=piece.frame_duration,
        shifts=shifts,
    )


def _bandwidth(pieces: Sequence[Piece]) -> int:
    """The bit rate with a tenth of headroom, rounded up to two digits, so that it seldom changes."""
    duration = sum([piece.end - piece.start for piece in pieces])
    if duration <= 0:
        return 0
    rate = sum([piece.size for piece in pieces]) * 8 * TICKS_PER_SECOND * BANDWIDTH_HEADROOM_PERCENT // 100 // duration
    unit: int = 10 ** max(len(str(rate)) - 2, 0)
    return -(-rate // unit) * unit
