"""Renditions that one encoder or both begin to send, or cease to, in mid-life."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.simulation.plan import Plan


def renditions_come_and_go(rng: random.Random, plan: Plan) -> None:
    """In some schedules the second rendition joins later, on one encoder before the other, or leaves, or both."""
    stems = plan.encoders[0].renditions
    if len(stems) < 2 or rng.random() < 0.5:
        return
    stem = stems[1]
    if rng.random() < 0.6:
        at = rng.randint(1, plan.segments // 2)
        for encoder in plan.encoders:
            begins = at + rng.choice([0, 0, 1, 4])
            encoder.lost_of.setdefault(stem, set()).update(range(begins))
            plan.notes.append(f"input {encoder.input_id}: {stem} joins at {begins}")
    if plan.kind != "one" and rng.random() < 0.6:
        at = rng.randint(plan.segments // 2, plan.segments)
        for encoder in plan.encoders:
            ends = at + rng.choice([0, 0, 1, 4])
            encoder.lost_of.setdefault(stem, set()).update(range(ends, plan.segments))
            plan.notes.append(f"input {encoder.input_id}: {stem} leaves at {ends}")
