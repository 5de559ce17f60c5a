"""Encoders that are not a twin of each other, or not for long: lives of which no switch can be made invisible."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from support.simulation.encoder import Life, ScriptedEncoder
from support.simulation.faults import add_faults
from support.synthetic import EPOCH
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

if TYPE_CHECKING:
    from support.simulation.plan import Plan


def hard_lives(rng: random.Random, plan: Plan) -> None:
    """Make the pair of a plan unlike, let encoders restart and end, and let both fail besides."""
    for encoder in plan.encoders:
        if rng.random() < 0.5:
            _make_unlike(rng, encoder, plan.notes)
        if rng.random() < 0.6:
            _restart(rng, encoder, plan)
        if rng.random() < 0.3:
            number = rng.randrange(2, plan.segments - 4)
            encoder.short[number] = encoder.segment_duration * rng.randint(1, 7) // 8
            plan.notes.append(f"input {encoder.input_id}: content {number} is short")
        if rng.random() < 0.6:
            plan.notes += add_faults(rng, encoder, (1, plan.segments - 6), rng.randint(1, 2), forever=False)
    for encoder in plan.encoders:
        if encoder.marked and len(encoder.lives) > 1:
            # A name that is used again without a date tells of another life by the playlist's own count alone.
            encoder.tells_less = False
    _end_orderly(plan)
    if rng.random() < 0.15:
        silent = rng.choice(plan.encoders)
        silent.lives = []
        plan.notes.append(f"input {silent.input_id} never begins")


def _end_orderly(plan: Plan) -> None:
    """Some encoders end their playlists when the broadcast is over."""
    rng = random.Random(f"ends {plan.seed}")  # its own, so that the rest of a schedule does not depend on it
    if rng.random() < 0.3:
        _pause(rng, plan)
    for encoder in plan.encoders:
        if rng.random() < 0.6:
            encoder.lives[-1].ends = True
            plan.notes.append(f"input {encoder.input_id}: ends with the broadcast")


def _pause(rng: random.Random, plan: Plan) -> None:
    """Both end or die, and begin again after a while: the programme may have ended by then, or not."""
    pause, length = rng.choice([1, 3, 8, 16, 30]), 8
    for encoder in plan.encoders:
        before = encoder.lives[-1]
        before.ends = rng.random() < 0.7
        first = plan.segments + pause + rng.choice([0, 0, 0, 2])
        encoder.lives.append(replace(before, first=first, last=plan.segments + pause + length, ends=False))
        ended = "ends" if before.ends else "dies"
        plan.notes.append(f"input {encoder.input_id}: {ended} before a pause, is live again from {first} on")
    plan.segments += pause + length


def _make_unlike(rng: random.Random, encoder: ScriptedEncoder, notes: list[str]) -> None:
    (life,) = encoder.lives
    for trait in rng.sample(["phase", "timestamps", "configuration", "layout", "dates", "content"], rng.randint(1, 3)):
        match trait:
            case "phase":
                life.phase = from_seconds(rng.uniform(0.05, 0.95)) * encoder.segment_duration // TICKS_PER_SECOND
            case "timestamps":
                life.media_offset = from_seconds(rng.uniform(-40_000, 40_000))
            case "configuration":
                life.configuration = "another"
            case "layout":
                life.layout = "another"
            case "dates":
                life.date_offset = rng.choice([None, from_seconds(3600), from_seconds(0.4), from_seconds(-4)])
            case _:
                life.content = f"of {encoder.input_id}"
        notes.append(f"input {encoder.input_id}: its own {trait}")


def _restart(rng: random.Random, encoder: ScriptedEncoder, plan: Plan) -> None:
    """Its life ends, orderly or not; most begin another."""
    before = encoder.lives[-1]
    at = rng.randrange(4, plan.segments - 8)
    back_at = min(at + rng.choice([0, 1, 1, 3, 6]), plan.segments - 7)
    before.last = at
    before.ends = rng.random() < 0.4
    from_zero = rng.random() < 0.6
    encoder.lives.append(
        Life(
            first=back_at,
            last=plan.segments,
            numbering_from=0 if rng.random() < 0.7 else before.numbering_from + at - before.first,
            media_offset=_starts_at_zero(encoder, back_at) if from_zero else before.media_offset,
            phase=before.phase if rng.random() < 0.5 else from_seconds(rng.uniform(0, 0.9)),
            date_offset=before.date_offset,
            configuration=before.configuration if rng.random() < 0.8 else "later",
            layout=before.layout,
            content=before.content if rng.random() < 0.5 else f"{before.content}, later",
        )
    )
    ended = "ends" if before.ends else "dies"
    clock = "from zero" if from_zero else "going on"
    plan.notes.append(f"input {encoder.input_id}: {ended} before {at}, is back from {back_at} on, timestamps {clock}")


def _starts_at_zero(encoder: ScriptedEncoder, number: int) -> int:
    return 126_000 - (EPOCH + number * encoder.segment_duration)
