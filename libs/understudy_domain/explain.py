"""Why a slot came from where it came, in words: from its entry alone, which stands for as long as PROGRAM does.

One sentence for each fact. What an entry does not hold (how many pieces were missing, and what came when) only a replay
of the arrivals can add: ``replay``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from understudy_domain import ticks
from understudy_domain.ending import SILENT_TARGET_DURATIONS
from understudy_domain.entry import InputEvidence, ProgramEntry
from understudy_domain.failover import HORIZON_MAX, JITTER_ALLOWANCE, MARGIN, tolerance_of
from understudy_domain.reason import CHANGES, Reason
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_domain.words import clock, counted, listed, relative, seconds

EVIDENCE_KEPT: Final = (
    "decisions are kept with their evidence for an hour longer than the live playlist reaches, unless set otherwise"
)
"""For whoever asks for a slot that is gone: its media may still be shown, by an index page, which tells no reasons."""
_NOTICED = ticks.from_seconds(0.1)
"""A decision that comes so soon after a slot was to be shown keeps nobody waiting."""


class Basis(StrEnum):
    """What an explanation rests on."""

    REPLAY = "replay"
    """The arrivals, decided upon once more by the same rule, with the same outcome."""
    EVIDENCE = "evidence"
    """What the entry itself holds."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a slot."""

    at: str
    """ISO 8601, log time."""
    what: str
    """A sentence."""
    input: int | None = None
    rendition: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that can be said of one slot, for people and for programs."""

    origin_endpoint: str
    """Its id."""
    media_sequence: int
    slot: int
    program_date_time: str
    decided_at: str
    reason: Reason
    step: int
    """Of the failover rule; 0 for the first slot."""
    active_input: int
    """From this slot on."""
    discontinuity: bool
    basis: Basis
    basis_is: str
    """The basis, as a sentence."""
    sentences: tuple[str, ...]
    moments: tuple[Moment, ...] = ()
    """What arrived when, and when it was due and decided, in order; empty where ARRIVALS does not tell any more."""


def explained(
    entry: ProgramEntry,
    *,
    name: str,
    before: ProgramEntry | None = None,
    lacked: dict[str, str] | None = None,
    basis: Basis = Basis.EVIDENCE,
    basis_is: str = "This is from the entry's own evidence.",
    moments: tuple[Moment, ...] = (),
) -> Explanation:
    """The explanation of ``entry``, of the origin endpoint that people call ``name``."""
    return Explanation(
        origin_endpoint=name,
        media_sequence=entry.media_sequence,
        slot=entry.slot,
        program_date_time=ticks.to_iso8601(entry.program_date_time),
        decided_at=ticks.to_iso8601(entry.as_of.instant),
        reason=entry.reason,
        step=entry.step,
        active_input=entry.active_input,
        discontinuity=entry.discontinuity,
        basis=basis,
        basis_is=basis_is,
        sentences=sentences_of(entry, before=before, lacked=lacked),
        moments=moments,
    )


def sentences_of(
    entry: ProgramEntry, *, before: ProgramEntry | None = None, lacked: dict[str, str] | None = None
) -> tuple[str, ...]:
    """Why ``entry`` is as it is, from its reason and evidence.

    Args:
        entry: the slot's.
        before: the entry before it, where it is known.
        lacked: by ``"<input> <rendition>"``, how many pieces were missing ("1 of 3 pieces"), where a replay tells.
    """
    reader = _Reader(entry, before, lacked or {})
    if entry.ended:
        # What is known of the slot itself stands in the entry that this one repeats.
        return reader.decision(), end_sentence(entry), reader.availability()
    return (
        reader.decision(),
        *reader.wanted(),
        *reader.inputs(),
        *reader.deadline(),
        *reader.seam(),
        reader.availability(),
        reader.as_of(),
    )


def end_sentence(end: ProgramEntry) -> str:
    """When and why the programme ended; ``end`` is the entry that says that it did."""
    reached = clock(end.as_of.instant)
    ordered_at = end.evidence.end_ordered_at
    if ordered_at is not None:
        return f"The programme ended with it at {reached}, by an operator's order of {clock(ordered_at)}."
    counted = [one for one in end.evidence.inputs if not one.left_out]
    ended = [one for one in counted if one.ended_at is not None]
    silence = SILENT_TARGET_DURATIONS * end.target_duration_seconds * TICKS_PER_SECOND
    newest = max((one.ended_at or 0 for one in ended), default=None)
    if newest is None or end.as_of.instant < newest + silence:  # an entry of an older release does not name it
        return f"The programme ended with it at {reached}, by an operator's order."
    when = listed(f"input {one.input_id} at {clock(one.ended_at)}" for one in ended if one.ended_at is not None)
    silent = "either input" if len(counted) > 1 else f"input {counted[0].input_id}"
    return (
        f"The programme ended with it at {reached}: {when} had ended (EXT-X-ENDLIST), and nothing came from "
        f"{silent} for three target durations ({seconds(silence)})."
    )


class _Reader:
    """One entry, its evidence at hand."""

    def __init__(self, entry: ProgramEntry, before: ProgramEntry | None, lacked: dict[str, str]) -> None:
        self._entry = entry
        self._before = before
        self._lacked = lacked
        self._inputs = {one.input_id: one for one in entry.evidence.inputs}
        if before is not None:
            self._active = before.active_input
        else:
            self._active = 3 - entry.active_input if entry.reason in CHANGES else entry.active_input
        self._other = 3 - self._active

    def availability(self) -> str:
        """From when on viewers may see it, and whether the decision kept them waiting."""
        decided_at, available_at = self._entry.as_of.instant, self._entry.available_at
        if decided_at - available_at < _NOTICED:
            return f"Viewers may see it from {clock(max(available_at, decided_at))}."
        waited = seconds(decided_at - available_at)
        return f"Viewers may see it from {clock(decided_at)}, when it was decided: {waited} later than planned."

    def as_of(self) -> str:
        """When it was decided, from how much of the log, and by which step."""
        as_of, step = self._entry.as_of, self._entry.step
        by = f", by step {step} of the rule" if step else ""
        return f"It was decided at {clock(as_of.instant)}, from ARRIVALS up to sequence {as_of.sequence}{by}."

    # --- the decision -------------------------------------------------------------------------------------------------

    def decision(self) -> str:
        """The first sentence: where the slot came from, and why."""
        slot = f"Slot {self._entry.slot}"
        if self._entry.media_sequence != self._entry.slot:  # people ask for it by what playlists call it
            slot += f" (media sequence {self._entry.media_sequence})"
        match self._entry.reason:
            case Reason.START:
                return self._start(slot)
            case Reason.KEEP:
                return f"{slot} came from input {self._active}: it was active and completed the slot."
            case Reason.REPAIR:
                with_it = f"came from input {self._active}, which stays active, with {self._borrowed()}"
                if self._all_of_it:
                    with_it = f"came from input {self._other}, all of it, and input {self._active} stays active"
                return (
                    f"{slot} {with_it}: "
                    f"{self._had_not(self._active)}, and it went on after that; "
                    f"input {self._other} had what was missing."
                )
            case Reason.FAILOVER:
                heir = self._entry.active_input
                return (
                    f"{slot} came from input {heir}, which is active from here on: "
                    f"{self._had_not(self._active)}{self._by_deadline(self._active)}; "
                    f"input {heir} had completed the slot{self._completed(heir)}."
                )
            case Reason.SWITCHOVER | Reason.FAILBACK:
                heir = self._entry.active_input
                return (
                    f"{slot} came from input {heir}, which is active from here on: {self._intention(heir)}; "
                    f"input {heir} had completed the slot{self._completed(heir)}."
                )
            case Reason.COMBINE if self._all_of_it:
                return (
                    f"{slot} came from input {self._other}, all of it: {self._had_not(self._active)}"
                    f"{self._by_deadline(self._active)}; {self._heir()}."
                )
            case Reason.COMBINE if self._other in self._inputs and self._inputs[self._other].complete:
                return (
                    f"{slot} came from both inputs, {self._borrowed()}: {self._had_not(self._active)}"
                    f"{self._by_deadline(self._active)}, and input {self._other} had; {self._heir()}."
                )
            case Reason.COMBINE:
                return (
                    f"{slot} came from both inputs, {self._borrowed()}: neither had completed it"
                    f"{self._by_deadline(self._active)}, both together had; {self._heir()}."
                )
            case Reason.PARTIAL if self._entry.evidence.nothing_later:
                long = seconds(self._entry.end - self._entry.start)
                return (
                    f"{slot} is the last, {long} long: the inputs have ended, and this is all there is, "
                    f"from {self._sources()}."
                )
            case Reason.PARTIAL:
                lost = (
                    "lost to both inputs"
                    if self._has_standby
                    else f"lost to input {self._active}, the only one that counts"
                )
                return (
                    f"{slot} is published in part: the rest is {lost}, and what there is came from "
                    f"{self._sources()}; input {self._entry.active_input} stays active."
                )
            case Reason.GAP if self._is_of_before:
                long = seconds(self._entry.end - self._entry.start)
                return (
                    f"What is left before {slot.lower()}, {long}, is a gap that keeps its place: "
                    "neither input delivered anything of it."
                )
            case Reason.GAP:
                nobody = (
                    "neither input" if self._has_standby else f"input {self._active}, the only one that counts, never"
                )
                return f"{slot} is a gap that keeps its place: {nobody} delivered anything of it."
            case Reason.END:
                ordered_at = self._entry.evidence.end_ordered_at
                order = "" if ordered_at is None else f", by an operator's order of {clock(ordered_at)}"
                return f"The programme ended with {slot.lower()}, which came from {self._sources()}{order}."
            case other:  # a reason that a newer release has added
                return f"{slot} came from {self._sources()}, for the reason {other}."

    @property
    def _all_of_it(self) -> bool:
        """Every piece came from the input that is not active."""
        return {piece.input_id for one in self._entry.renditions for piece in one.pieces} == {self._other}

    @property
    def _is_of_before(self) -> bool:
        """A gap that goes no further than to where its slot begins."""
        entry = self._entry
        return entry.anchor is not None and entry.end <= entry.anchor + entry.slot * entry.slot_duration

    def _start(self, slot: str) -> str:
        chosen = self._entry.active_input
        sentence = f"{slot} is the first of this origin endpoint, and came from input {chosen}: "
        mine, other = self._inputs.get(chosen), self._inputs.get(3 - chosen)
        if not self._has_standby:
            return f"{sentence}redundancy is off, and no other input counts."
        if mine is None or other is None or not (mine.complete and other.complete):
            return f"{sentence}it was the first to complete a slot."
        if len(mine.lacking) < len(other.lacking):
            return f"{sentence}both had completed a slot, input {other.input_id} without {listed(other.lacking)}."
        if mine.completed_at is None or other.completed_at is None:
            return f"{sentence}both had completed a slot."
        if other.dead and not mine.dead:
            return f"{sentence}input {other.input_id} had completed a slot as well, and was dead."
        if abs(mine.completed_at - other.completed_at) > JITTER_ALLOWANCE:
            return f"{sentence}it was the first to complete a slot."
        taken = "input 1 is taken" if chosen == 1 else f"the policy takes input {chosen}"
        return f"{sentence}both had completed a slot within {seconds(JITTER_ALLOWANCE)}, and of such two {taken}."

    @property
    def _has_standby(self) -> bool:
        """Both inputs counted; else redundancy was off."""
        return not any(one.left_out for one in self._inputs.values())

    def _intention(self, heir: int) -> str:
        """Why an input was to be followed that was not the active one."""
        wanted = self._entry.evidence.wanted
        if self._entry.reason is Reason.FAILBACK:
            if wanted is None or wanted.since is None:
                return f"the policy prefers input {heir}, which had been well for the hold-down"
            held = f", longer than the hold-down of {seconds(wanted.hold_down)}" if wanted.hold_down else ""
            well = f"had been complete and on time since {clock(wanted.since)}"
            return f"the policy prefers input {heir}, which {well}{held}"
        if wanted is None or wanted.since is None:
            return f"the policy has the endpoint follow input {heir} alone"
        force = ", with force" if wanted.forced else ""
        return f"an operator ordered it at {clock(wanted.since)}{force}"

    def wanted(self) -> list[str]:
        """That the other input was to be followed, where the slot did not come to that."""
        wanted = self._entry.evidence.wanted
        if wanted is None or self._entry.reason in (Reason.SWITCHOVER, Reason.FAILBACK):
            return []
        match wanted.reason, wanted.since:
            case Reason.FAILBACK, _:
                why = "the policy prefers it"
            case _, None:
                why = "by the policy"
            case _, since:
                why = f"an operator ordered it at {clock(since)}"
        sentence = f"Input {wanted.input_id} was to be followed ({why})"
        one, active = self._inputs.get(wanted.input_id), self._inputs.get(self._active)
        if one is not None and active is not None and len(one.lacking) > len(active.lacking):
            return [f"{sentence}; it lacks {listed(one.lacking)} for good, and would only be left again."]
        if one is not None and one.complete and not wanted.continues and not wanted.forced:
            return [f"{sentence}; it had completed the slot, but the change would not have been seamless."]
        waited = ""
        if active is not None and active.completed_at is not None and self._entry.reason is Reason.KEEP:
            waited_for = self._entry.as_of.instant - active.completed_at
            waited = f", and the slot waited {seconds(waited_for)} for it" if waited_for > 0 else ""
        return [f"{sentence}; it had not completed the slot in time{waited}."]

    def _heir(self) -> str:
        heir = self._entry.active_input
        if heir == self._active:
            return f"input {heir} stays active"
        return f"input {self._active} was dead, and input {heir} is active from here on"

    def _had_not(self, input_id: int) -> str:
        one = self._inputs.get(input_id)
        if one is not None and one.complete and one.lacking:
            return f"input {input_id} had completed the slot without {listed(one.lacking)}, which it lacks for good"
        if one is None or not one.missing:
            return f"input {input_id} had not completed the slot"
        parts = [
            f"{count} in {rendition}" if (count := self._lacked.get(f"{input_id} {rendition}")) else None
            for rendition in one.missing
        ]
        if all(parts):
            return f"input {input_id} had not delivered {listed(part for part in parts if part)}"
        return f"input {input_id} had not delivered all of {listed(one.missing)}"

    def _by_deadline(self, input_id: int) -> str:
        deadline = self._entry.evidence.deadline
        if deadline is None:
            return ""
        return f" by its deadline {clock(deadline)}{self._terms(input_id, deadline)}"

    def _terms(self, input_id: int, deadline: int) -> str:
        """What a deadline is the sum of: the tolerance, or the delay that the operator has bought on top."""
        one = self._inputs.get(input_id)
        tolerance = tolerance_of(self._entry.slot_duration)
        if one is not None and one.due is not None and deadline == one.due + tolerance - MARGIN:
            return f" (due {clock(one.due)} + tolerance {seconds(tolerance)} - margin {seconds(MARGIN)})"
        known = [one for one in self._inputs.values() if one.lag is not None and one.due is not None]
        alive = [one for one in known if not one.dead] or known
        first = min(alive, key=lambda one: one.lag or 0, default=None)
        if first is None or first.due is None:
            return ""
        bought = deadline + MARGIN - first.due
        if not 0 <= bought <= HORIZON_MAX:
            return ""
        return f" (first due {clock(first.due)} + time delay {seconds(bought)} - margin {seconds(MARGIN)})"

    def _completed(self, input_id: int) -> str:
        one = self._inputs.get(input_id)
        if one is None or one.completed_at is None:
            return ""
        return f" at {clock(one.completed_at)}"

    def _borrowed(self) -> str:
        """How many pieces came from the input that is not active, in every rendition the same."""
        for rendition in self._entry.renditions:
            foreign = [piece for piece in rendition.pieces if piece.input_id != self._active]
            if foreign:
                return f"{len(foreign)} of {counted(len(rendition.pieces), 'piece')} from input {self._other}"
        return f"nothing from input {self._other}"

    def _sources(self) -> str:
        found = sorted({piece.input_id for one in self._entry.renditions for piece in one.pieces})
        return listed(f"input {one}" for one in found) or "no input"

    # --- the facts ----------------------------------------------------------------------------------------------------

    def inputs(self) -> list[str]:
        """A sentence for each input."""
        return [self._input(one) for one in self._entry.evidence.inputs]

    def _input(self, one: InputEvidence) -> str:
        sentence = f"Input {one.input_id}"
        if one.left_out:
            return f"{sentence} did not count: redundancy is off."
        if one.dead:
            sentence += " was dead (nothing came for three segments and the tolerance, or it had ended, or never began)"
        elif one.due is None or one.lag is None:
            sentence += " had delivered too little to know when it would be due"
        else:
            before = ": it comes before its own time" if one.lag < 0 else ""
            sentence += f" was due at {clock(one.due)} (its lag was {seconds(one.lag)}{before})"
        if one.complete:
            without = f", without {listed(one.lacking)}, which it lacks for good" if one.lacking else ""
            return f"{sentence} and had completed the slot{self._lateness(one)}{without}."
        counts = [
            f"{rendition} ({count})" if (count := self._lacked.get(f"{one.input_id} {rendition}")) else rendition
            for rendition in one.missing
        ]
        return f"{sentence} and lacked {listed(counts)}." if counts else f"{sentence} and had not completed the slot."

    @staticmethod
    def _lateness(one: InputEvidence) -> str:
        if one.completed_at is None:
            return ""
        if one.due is None or one.dead:
            return f" at {clock(one.completed_at)}"
        return f" at {clock(one.completed_at)}, {relative(one.completed_at, one.due, to='it was due')}"

    def deadline(self) -> list[str]:
        """The deadline, where the first sentence does not name it."""
        deadline = self._entry.evidence.deadline
        if deadline is None or self._entry.reason in (Reason.START, Reason.FAILOVER, Reason.COMBINE):
            return []
        return [f"The deadline was {clock(deadline)}{self._terms(self._active, deadline)}."]

    def seam(self) -> list[str]:
        """Whether it continues what was published before, and by how much the programme jumps where it does not."""
        if self._entry.reason is Reason.START or self._entry.is_gap:
            return []
        if not self._entry.discontinuity:
            return ["It continues the slot before: no discontinuity."]
        sentence = "It carries a discontinuity: timestamps or codec configuration do not continue what came before"
        if self._before is None:
            return [f"{sentence}."]
        jump = self._entry.start - self._before.end
        away = "" if not jump else f", and the programme {'skips' if jump > 0 else 'repeats'} {seconds(abs(jump))}"
        return [f"{sentence}{away}."]
