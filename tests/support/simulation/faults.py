"""What goes wrong with what one encoder delivers."""

from __future__ import annotations

import random

from support.simulation.encoder import ScriptedEncoder
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

KINDS = ("lost", "late", "bunch", "flap", "twice", "swap", "rendition", "marked", "dead", "drizzle")


def add_faults(
    rng: random.Random, encoder: ScriptedEncoder, span: tuple[int, int], count: int, *, forever: bool
) -> list[str]:
    """Add ``count`` faults to contents within ``span``; ``forever``: some may last. Says what was added."""
    return [_add(rng, encoder, span, forever=forever) for _ in range(count)]


def _add(rng: random.Random, encoder: ScriptedEncoder, span: tuple[int, int], *, forever: bool) -> str:
    kind = rng.choice(KINDS)
    at = rng.randrange(*span)
    numbers = list(range(at, min(at + rng.randint(1, 5), span[1])))
    length = encoder.segment_duration
    match kind:
        case "lost":
            encoder.lost |= set(numbers)
        case "late":
            for number in numbers:
                encoder.late[number] = from_seconds(rng.uniform(0.1, 6.0))
        case "bunch":
            for number in numbers:
                encoder.late[number] = length * (numbers[-1] + 1 - number)
        case "flap":
            numbers = list(range(at, span[1], rng.randint(2, 3)))
            encoder.lost |= set(numbers)
        case "twice":
            for number in numbers:
                encoder.twice[number] = rng.choice([from_seconds(0.2), length, 3 * length])
        case "swap":
            encoder.late[at] = length + from_seconds(rng.uniform(0.05, 0.6))
        case "rendition":
            stem = rng.choice(encoder.renditions)
            last = encoder.lives[-1].last if forever and rng.random() < 0.3 else numbers[-1] + 1
            numbers = list(range(at, last))
            encoder.lost_of.setdefault(stem, set()).update(numbers)
            kind = f"{kind} {stem}"
        case "marked":
            encoder.marked |= set(numbers)
        case "dead":
            last = encoder.lives[-1].last if forever else span[1]
            numbers = list(range(at, last))
            encoder.lost |= set(numbers)
        case _:
            numbers = [number for number in range(*span) if rng.random() < 0.15]
            for number in numbers:
                if rng.random() < 0.5:
                    encoder.lost.add(number)
                else:
                    encoder.late[number] = from_seconds(rng.uniform(0.05, 5.0))
    seconds = {
        number: round(encoder.late[number] / TICKS_PER_SECOND, 2) for number in numbers if number in encoder.late
    }
    return f"input {encoder.input_id}: {kind} {numbers} {seconds or ''}".rstrip()
