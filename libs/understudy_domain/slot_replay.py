"""One slot, replayed: what of it arrived when, on both inputs, before and after it was decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from understudy_domain import ticks
from understudy_domain.entry import ProgramEntry
from understudy_domain.explain import Basis, Explanation, Moment, end_sentence, explained
from understudy_domain.facts import EndpointConfigured
from understudy_domain.grid import Grid
from understudy_domain.piece import Piece
from understudy_domain.reason import Reason
from understudy_domain.replay import (
    Fidelity,
    LoggedFact,
    Replay,
    begin_before,
    configured_at,
    fidelity,
    from_beginning,
    from_entry,
    holds_beginning,
    segment_duration_of,
)
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.timeline import InputState
from understudy_domain.words import counted, relative, seconds

AFTERWARDS = 30 * TICKS_PER_SECOND
"""How long after a decision arrivals are still told: what came too late is what people ask for."""

_BASIS: dict[Fidelity, str] = {
    Fidelity.EXACT: "Replaying the arrivals gives this very entry, byte for byte.",
    Fidelity.SAME_DECISION: (
        "Replaying the arrivals from a slot before gives the same decision; lags and what follows from them may differ "
        "by a little from the entry's, whose numbers are told here."
    ),
}
NOT_HELD = "ARRIVALS does not hold this slot's arrivals any more: this is from the entry's own evidence alone."
NOT_REPRODUCED = (
    "Replaying what ARRIVALS still holds does not reproduce this entry, since the replay begins without what was known "
    "before: this is from the entry's own evidence alone."
)


@dataclass(frozen=True, slots=True)
class Programme:
    """What stands of one endpoint, and what it was asked to do."""

    name: str
    """The endpoint's id."""
    configured: EndpointConfigured
    """Its newest policy, where the log does not hold the one of the time."""
    entries: Sequence[ProgramEntry]
    """In order, with no hole; not necessarily all."""

    def entry(self, media_sequence: int) -> ProgramEntry | None:
        """The entry with this number: its slot's own, not the end of the programme that repeats it, if it is there."""
        return next((one for one in self.entries if one.media_sequence == media_sequence), None)

    def end(self, media_sequence: int) -> ProgramEntry | None:
        """The entry that says that the programme ended with this number."""
        return next((one for one in self.entries if one.media_sequence == media_sequence and one.ended), None)


def explain(
    programme: Programme, entry: ProgramEntry, log: Sequence[LoggedFact], *, from_start: bool = True
) -> Explanation:
    """Why ``entry`` is as it is: by a replay where ``log`` reproduces it, else from its own evidence.

    ``log``: the channel's part of ARRIVALS, in order, with its shard's ticks. ``from_start``: where a replay from a
    slot shortly before does not give the entry byte for byte, take the whole log, if that has the channel's beginning.
    """
    if entry.ended:
        # Only that is known of its slot any more: what it repeats is gone.
        return explained(entry, name=programme.name)
    found = _explain(programme, entry, log, from_start=from_start)
    end = programme.end(entry.media_sequence)
    return found if end is None else replace(found, sentences=(*found.sentences, end_sentence(end)))


def _explain(programme: Programme, entry: ProgramEntry, log: Sequence[LoggedFact], *, from_start: bool) -> Explanation:
    before = programme.entry(entry.media_sequence - 1)
    if not log or log[0].instant > entry.as_of.instant:
        return explained(entry, name=programme.name, before=before, basis_is=NOT_HELD)
    best: tuple[Fidelity, _Watched] | None = None
    for start in (_short, _whole) if from_start else (_short,):
        found = _replayed(start, programme, entry, log)
        if found is not None and (best is None or best[0] is not Fidelity.EXACT):
            better = best is None or found[0] is Fidelity.EXACT or best[0] is Fidelity.OTHER
            best = found if better else best
        if best is not None and best[0] is Fidelity.EXACT:
            break
    if best is None or best[0] is Fidelity.OTHER:
        return explained(entry, name=programme.name, before=before, basis_is=NOT_REPRODUCED)
    reached, watched = best
    return explained(
        entry,
        name=programme.name,
        before=before,
        lacked=watched.lacked(entry),
        basis=Basis.REPLAY,
        basis_is=_BASIS[reached],
        moments=watched.moments(entry),
    )


_Start = Callable[[Programme, ProgramEntry, Sequence[LoggedFact]], tuple[Replay, Sequence[LoggedFact]] | None]


def _short(
    programme: Programme, entry: ProgramEntry, log: Sequence[LoggedFact]
) -> tuple[Replay, Sequence[LoggedFact]] | None:
    durations = (segment_duration_of(one) for one in (entry, *programme.entries))
    segment_duration = next((one for one in durations if one is not None), entry.slot_duration)
    first = begin_before(programme.entries, entry.as_of.instant, segment_duration=segment_duration)
    if first is None:
        return None
    policy = configured_at(log, entry.origin_endpoint, first.policy_revision, default=programme.configured)
    return from_entry(first, policy, log)


def _whole(
    _programme: Programme, entry: ProgramEntry, log: Sequence[LoggedFact]
) -> tuple[Replay, Sequence[LoggedFact]] | None:
    return (from_beginning(entry.channel), log) if holds_beginning(log, entry.origin_endpoint) else None


def _replayed(
    start: _Start, programme: Programme, entry: ProgramEntry, log: Sequence[LoggedFact]
) -> tuple[Fidelity, _Watched] | None:
    begun = start(programme, entry, log)
    if begun is None:
        return None
    replay, part = begun
    watched = _Watched(replay, entry)
    replay.run(part, until=watched.take)
    if watched.decided is None:
        return Fidelity.OTHER, watched
    return fidelity(watched.decided, entry), watched


class _Watched:
    """A slot's pieces, as a replay comes by them."""

    def __init__(self, replay: Replay, entry: ProgramEntry) -> None:
        self._replay = replay
        self._entry = entry
        self._pieces: dict[str, tuple[str, Piece]] = {}
        self._grid: Grid | None = None
        replay.fold.before_forgetting = self._look_at
        self.decided: ProgramEntry | None = None

    def take(self, message: LoggedFact) -> bool:
        """Look after a message; whether enough has been seen."""
        if self.decided is None:
            self.decided = self._replay.entry(self._entry.origin_endpoint, self._entry.media_sequence)
            if self.decided is None:
                # Far more entries than it takes: it is not coming.
                return message.instant > self._entry.as_of.instant + AFTERWARDS
        return message.instant > self._entry.as_of.instant + AFTERWARDS

    def _look_at(self, one: InputState) -> None:
        self._grid = self._replay.fold.state.grid
        begin, end, half = self._bounds()
        for rendition in one.carries:
            for piece in one.rendition_pieces(rendition):
                if begin - half <= piece.start < end - half:
                    self._pieces.setdefault(f"{one.input_id} {piece.object_key}", (rendition, piece))

    def _bounds(self) -> tuple[int, int, int]:
        assert self._grid is not None
        begin = self._grid.start_of(self._entry.slot, slot_duration=self._entry.slot_duration)
        return begin, begin + self._entry.slot_duration, self._grid.segment_duration // 2

    def lacked(self, entry: ProgramEntry) -> dict[str, str]:
        """How many pieces of each rendition each input had not delivered when the slot was decided."""
        if self._grid is None:
            return {}
        expected = max(round(entry.slot_duration / self._grid.segment_duration), 1)
        found = {}
        for one in entry.evidence.inputs:
            for rendition in one.missing:
                had = sum(
                    piece.arrived_at <= entry.as_of.instant
                    for of, piece in self._pieces.values()
                    if of == rendition and piece.input_id == one.input_id
                )
                if had < expected:
                    found[f"{one.input_id} {rendition}"] = f"{expected - had} of {counted(expected, 'piece')}"
        return found

    def moments(self, entry: ProgramEntry) -> tuple[Moment, ...]:
        """What happened, in order of time."""
        found = [(piece.arrived_at, self._arrival(rendition, piece)) for rendition, piece in self._pieces.values()]
        found += [
            (one.due, Moment(ticks.to_iso8601(one.due), "The slot was due.", input=one.input_id))
            for one in entry.evidence.inputs
            if one.due is not None and not one.dead
        ]
        deadline = entry.evidence.deadline
        if deadline is not None and entry.reason is not Reason.START:
            found.append((deadline, Moment(ticks.to_iso8601(deadline), "The deadline of the active input.")))
        wanted = entry.evidence.wanted
        if wanted is not None and wanted.reason is Reason.SWITCHOVER and wanted.since is not None:
            what = f"An operator ordered input {wanted.input_id} to be followed."
            found.append((wanted.since, Moment(ticks.to_iso8601(wanted.since), what)))
        decided = f"Decided: {entry.reason}{f', step {entry.step}' if entry.step else ''}."
        found.append((entry.as_of.instant, Moment(ticks.to_iso8601(entry.as_of.instant), decided)))
        return tuple(moment for _, moment in sorted(found, key=lambda one: one[0]))

    def _arrival(self, rendition: str, piece: Piece) -> Moment:
        entry = self._entry
        used = any(piece.object_key == shown.object_key for one in entry.renditions for shown in one.pieces)
        due = next((one.due for one in entry.evidence.inputs if one.input_id == piece.input_id and not one.dead), None)
        # Of a piece, due is what the slot's due says, less what of the slot comes after it.
        where = ""
        if due is not None:
            _, end, _ = self._bounds()
            where = f", {relative(piece.arrived_at, due - end + piece.end, to='it was due')}"
        late = "" if piece.arrived_at <= entry.as_of.instant else ", too late for the decision"
        published = "published" if used else "not published"
        what = f"{piece.path} ({seconds(piece.end - piece.start)}) arrived{where}{late}; {published}."
        return Moment(ticks.to_iso8601(piece.arrived_at), what, input=piece.input_id, rendition=rendition)


def moment_line(moment: Moment) -> str:
    """A moment as one line of text."""
    whose = f"input {moment.input}" if moment.input is not None else ""
    where = f"{whose} {moment.rendition or ''}".strip()
    return f"{moment.at[11:-1]}  {where:<12}  {moment.what}"
