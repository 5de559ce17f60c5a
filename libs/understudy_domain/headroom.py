"""How far before its deadline a slot was complete: what shrinks before anything is seen to fail."""

from __future__ import annotations

from understudy_domain.entry import InputEvidence, ProgramEntry
from understudy_domain.reason import CHANGES, Reason


def headroom(entry: ProgramEntry) -> int | None:
    """From when the slot was complete to its deadline, ticks; negative: it was so long after.

    A slot that its active input did not complete counts from when it was decided: at its deadline at the earliest. None
    where there was no deadline: the endpoint's first slot, the end of its programme.
    """
    deadline = _deadline(entry)
    if deadline is None:
        return None
    if entry.reason is Reason.KEEP:
        active = _evidence(entry, entry.active_input)
        if active is not None and active.completed_at is not None:
            return deadline - active.completed_at
    return deadline - entry.as_of.instant


def usual_headroom(entry: ProgramEntry) -> int | None:
    """What the headroom is where a slot comes the moment it is due, ticks: what tolerance and time delay allow.

    None where it is not known when it was due.
    """
    deadline = _deadline(entry)
    was_active = _evidence(entry, 3 - entry.active_input if entry.reason in CHANGES else entry.active_input)
    return None if deadline is None or was_active is None or was_active.due is None else deadline - was_active.due


def _deadline(entry: ProgramEntry) -> int | None:
    return None if entry.ended or entry.reason is Reason.START else entry.evidence.deadline


def _evidence(entry: ProgramEntry, input_id: int) -> InputEvidence | None:
    return next((one for one in entry.evidence.inputs if one.input_id == input_id), None)
