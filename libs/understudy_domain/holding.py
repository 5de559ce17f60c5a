"""Slots that are held past their deadline: from when on people are told, and what they are told."""

from __future__ import annotations

from understudy_domain.entry import Evidence
from understudy_domain.failover import JITTER_ALLOWANCE, SlotView
from understudy_domain.words import listed


def held_at(view: SlotView, now: int) -> int:
    """From when on a slot past its deadline is held: a living input may be as late as jitter makes it.

    The deadline of an endpoint whose active input is dead does not wait for the other one: that is no hold yet.
    """
    living = [due for one in (view.active, view.other) if not one.is_dead(now) and (due := view.due(one)) is not None]
    return max(view.deadline(now), min(living, default=0) + JITTER_ALLOWANCE if living else 0)


def held_for(view: SlotView, evidence: Evidence) -> str:
    """What a held slot waits for, in words."""
    lacks = [f"input {one.input_id} lacks {listed(one.missing)}" for one in evidence.inputs if one.missing]
    without = next((one.lacking for one in evidence.inputs if one.input_id == view.active.input_id), ())
    if view.active.complete:
        completed = f"input {view.active.input_id} has completed it"
        if without:
            completed += f" without {listed(without)}, which it lacks for good"
        return f"{completed}, and input {view.other.input_id}, which delivers more, is waited for"
    return listed(lacks) or "no input has completed it"
