"""Encoders of another segment duration than the other one's, or than their own before."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.simulation.encoder import Life, ScriptedEncoder
    from support.simulation.plan import Plan

FACTORS = (Fraction(1, 2), Fraction(2), Fraction(3))
SHOWN_AT_LAST = 12
"""Contents after the last change, so that the longest slots show what became of it."""


def other_lengths(rng: random.Random, plan: Plan) -> None:
    """In some schedules of unlike lives: one encoder's segments are longer or shorter, or both change theirs."""
    if plan.kind != "lives" or rng.random() < 0.6:
        return
    factor = rng.choice(FACTORS)
    length = int(plan.segment_duration * factor)
    if rng.random() < 0.5:
        encoder = rng.choice(plan.encoders)
        _forgive(encoder)
        encoder.lives = [_scaled(life, plan.segment_duration, length) for life in encoder.lives]
        plan.notes.append(f"input {encoder.input_id}: segments of {factor} S_in")
        return
    at = rng.randint(4, plan.segments - SHOWN_AT_LAST // 2)
    plan.segments += SHOWN_AT_LAST
    for encoder in plan.encoders:
        _forgive(encoder)
        if not encoder.lives:
            continue
        begins = at + rng.choice([0, 0, 0, 1, 3])
        encoder.lives = [replace(life, last=min(life.last, begins)) for life in encoder.lives if life.first < begins]
        last = encoder.lives[-1] if encoder.lives else None
        if last is not None:
            later = replace(
                last, first=begins, last=plan.segments, numbering_from=last.numbering_from + 1000, ends=False
            )
            encoder.lives.append(_scaled(later, plan.segment_duration, length))
        plan.notes.append(f"input {encoder.input_id}: segments of {factor} S_in from {begins} on")


def _scaled(life: Life, segment_duration: int, length: int) -> Life:
    """The same time in segments of another length."""
    first = -(-life.first * segment_duration // length)
    return replace(life, first=first, last=life.last * segment_duration // length, length=length)


def _forgive(encoder: ScriptedEncoder) -> None:
    """Its faults are told in numbers of segments, which are others now."""
    for numbers in (encoder.late, encoder.lost, encoder.lost_of, encoder.twice, encoder.marked, encoder.short):
        numbers.clear()
