"""What there is to tell of an entry that stands: events of an origin endpoint."""

from __future__ import annotations

from understudy_domain.entry import ProgramEntry
from understudy_domain.event import Event, EventKind
from understudy_domain.explain import sentences_of
from understudy_domain.jump import jump_between
from understudy_domain.reason import Reason
from understudy_domain.status import Seam
from understudy_domain.words import listed, seconds

_BY_REASON = {
    kind.value: kind
    for kind in (
        EventKind.SWITCHOVER,
        EventKind.FAILBACK,
        EventKind.REPAIR,
        EventKind.COMBINE,
        EventKind.GAP,
    )
} | {"start": EventKind.PROGRAMME_STARTED, "end": EventKind.PROGRAMME_ENDED}
"""Reasons that are events of themselves."""
_RUNS = (EventKind.REPAIR, EventKind.COMBINE)
"""Told when they begin, not for each slot of a run in which the same goes on."""
_CHANGES_OF_INPUT = (EventKind.SWITCHOVER, EventKind.FAILBACK, EventKind.FAILOVER)


def entry_events(entry: ProgramEntry, *, before: ProgramEntry | None) -> list[Event]:
    """The events of an entry, after ``before`` (None: it is the endpoint's first); most entries have none.

    A change of the active input that neither an operator nor a preference asked for is a failover, whatever the reason
    of its entry: a slot that was combined goes on with the living input where the active one is dead. A discontinuity
    that none of the other kinds tells of, or a jump without one, is told by itself.
    """
    return [_event(kind, entry, before) for kind in _kinds(entry, before)]


def _kinds(entry: ProgramEntry, before: ProgramEntry | None) -> list[EventKind]:
    of_reason = _BY_REASON.get(entry.reason.value)
    kinds = [] if of_reason is None or _goes_on(of_reason, entry, before) else [of_reason]
    if before is not None and before.ended and not entry.ended:
        kinds.append(EventKind.PROGRAMME_STARTED)
    if before is not None and _changes(entry, before) and of_reason not in _CHANGES_OF_INPUT:
        kinds.append(EventKind.FAILOVER)
    if _sets_in(entry, before):
        kinds.append(EventKind.PARTIAL)
    if not kinds and before is not None and _breaks(entry, before):
        kinds.append(EventKind.DISCONTINUITY)
    return kinds


def _goes_on(kind: EventKind, entry: ProgramEntry, before: ProgramEntry | None) -> bool:
    return kind in _RUNS and before is not None and not before.ended and before.reason is entry.reason


def _breaks(entry: ProgramEntry, before: ProgramEntry) -> bool:
    """In a run of slots that are lost in part each has a hole, and that was told: then only what is a slot or more."""
    if entry.ended or entry.is_gap:
        return False
    jump = jump_between(before, entry)
    if entry.reason is Reason.PARTIAL:
        return jump >= entry.slot_duration
    return entry.discontinuity or jump != 0


def _changes(entry: ProgramEntry, before: ProgramEntry) -> bool:
    return entry.active_input != before.active_input


def _sets_in(entry: ProgramEntry, before: ProgramEntry | None) -> bool:
    """Something is lost that was not before: an input that lacks a rendition for good makes every slot partial."""
    if entry.is_gap or entry.ended:
        return False
    if entry.evidence.nothing_later and not (before is not None and jump_between(before, entry)):
        return not set(_lacking(entry)) <= set(_lacking(before) if before is not None else ())
    lacked = _lacking(before) if before is not None and not before.is_gap else ()
    if entry.reason is Reason.PARTIAL:
        return before is None or before.reason is not Reason.PARTIAL or _lacking(entry) != lacked
    return not set(_lacking(entry)) <= set(lacked)


def _lacking(entry: ProgramEntry) -> tuple[str, ...]:
    return tuple(one.rendition for one in entry.renditions if not one.pieces)


def _event(kind: EventKind, entry: ProgramEntry, before: ProgramEntry | None) -> Event:
    seam, jump = _seam(entry, before)
    lacking = _lacking(entry) if kind in (EventKind.PARTIAL, EventKind.GAP) else ()
    return Event(
        kind=kind,
        channel=entry.channel,
        instant=entry.as_of.instant,
        words=_words(kind, entry, before, lacking),
        origin_endpoint=entry.origin_endpoint,
        slot=entry.slot,
        media_sequence=entry.media_sequence,
        reason=entry.reason,
        step=entry.step,
        active_input=entry.active_input,
        evidence=entry.evidence,
        lateness=_lateness(entry, before),
        waited=None if entry.ended else max(entry.as_of.instant - entry.available_at, 0),
        seam=seam,
        jump=jump,
        renditions=lacking,
    )


def _lateness(entry: ProgramEntry, before: ProgramEntry | None) -> int | None:
    was_active = entry.active_input if before is None else before.active_input
    due = next((one.due for one in entry.evidence.inputs if one.input_id == was_active), None)
    return None if due is None else entry.as_of.instant - due


def _seam(entry: ProgramEntry, before: ProgramEntry | None) -> tuple[Seam | None, int | None]:
    if before is None or entry.is_gap or entry.ended:
        return None, None
    if not entry.discontinuity:
        return Seam.SEAMLESS, jump_between(before, entry) or None
    return Seam.DISCONTINUITY, entry.start - before.end


def _words(kind: EventKind, entry: ProgramEntry, before: ProgramEntry | None, lacking: tuple[str, ...]) -> str:
    sentence = sentences_of(entry, before=before)[0].removesuffix(".")
    if kind in _CHANGES_OF_INPUT or kind is EventKind.DISCONTINUITY:
        return f"{sentence}; {_seam_in_words(entry, before)}."
    if kind is EventKind.PROGRAMME_STARTED and before is not None:
        return f"{sentence}; the programme is live again."
    if kind is EventKind.PARTIAL and lacking:
        sentence = f"{sentence}; there is nothing of it in {listed(lacking)}"
    if kind in (*_RUNS, EventKind.PARTIAL) and before is not None and jump_between(before, entry):
        sentence = f"{sentence}; {_seam_in_words(entry, before)}"
    return f"{sentence}."


def _seam_in_words(entry: ProgramEntry, before: ProgramEntry | None) -> str:
    seam, _ = _seam(entry, before)
    jump = 0 if before is None else jump_between(before, entry)
    away = f"the programme {'skips' if jump > 0 else 'repeats'} {seconds(abs(jump))}"
    if seam is not Seam.DISCONTINUITY:
        return f"{away}, without a discontinuity" if jump else "the programme goes on without a seam"
    return f"there is a discontinuity, at which {away}" if jump else "the programme goes on after a discontinuity"
