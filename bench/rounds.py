"""Measuring several subjects in turn, and comparing what was measured in the same round.

The machine may be busy with other things, and its clock speed drifts. So subjects alternate in short rounds, every
other round in reverse order, and a ratio is the median of the rounds' own ratios: what changes slowly cancels out, what
disturbs one round is outvoted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from bench.result import Run

Measurement = Callable[[], Mapping[str, float]]


def alternate(subjects: Mapping[str, Measurement], *, rounds: int) -> tuple[Run, ...]:
    """Measure each subject once a round, after one warm-up round that is thrown away."""
    for measure in subjects.values():
        measure()
    runs: list[Run] = []
    for number in range(rounds):
        order = list(subjects.items())
        for name, measure in order if number % 2 == 0 else reversed(order):
            runs.append(Run(name, number, measure()))
    return tuple(runs)


def median_of(runs: Sequence[Run], subject: str, value: str) -> float:
    """The median over a subject's rounds."""
    return median(run.values[value] for run in runs if run.subject == subject)


def median_ratio(runs: Sequence[Run], value: str, *, of: str, to: str, without: float = 0.0) -> float:
    """The median over the rounds of one subject's value divided by another's in the same round.

    ``without`` is taken off the first subject's values before.
    """
    numerators = {run.round: run.values[value] for run in runs if run.subject == of}
    denominators = {run.round: run.values[value] for run in runs if run.subject == to}
    return median((numerators[number] - without) / denominators[number] for number in numerators)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]
