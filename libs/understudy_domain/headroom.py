"""How far before its deadline a slot could be published: what shrinks before anything is seen to fail."""

from __future__ import annotations

from understudy_domain.entry import ProgramEntry
from understudy_domain.reason import CHANGES, Reason


def headroom(entry: ProgramEntry) -> int | None:
    """From when the slot was decided to its deadline, ticks; negative: it was decided so long after.

    A slot that its active input completes is decided at that moment. None where there was no deadline: the endpoint's
    first slot, the end of its programme.
    """
    deadline = entry.evidence.deadline
    if deadline is None or entry.ended or entry.reason is Reason.START:
        return None
    return deadline - entry.as_of.instant


def usual_headroom(entry: ProgramEntry) -> int | None:
    """What the headroom is where a slot comes the moment it is due, ticks: what tolerance and time delay allow.

    None where it is not known when it was due.
    """
    deadline = entry.evidence.deadline
    if deadline is None or entry.ended or entry.reason is Reason.START:
        return None
    was_active = 3 - entry.active_input if entry.reason in CHANGES else entry.active_input
    due = next((one.due for one in entry.evidence.inputs if one.input_id == was_active), None)
    return None if due is None else deadline - due
