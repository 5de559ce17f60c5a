"""What a case finds: raw runs, and the figures that follow from them, some with a goal."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from typing_extensions import override


class Bound(StrEnum):
    """On which side of its limit a figure is good."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit for a figure, in its unit."""

    bound: Bound
    limit: float

    def is_reached(self, value: float) -> bool:
        """Whether a figure is good enough."""
        compare = operator.ge if self.bound is Bound.AT_LEAST else operator.le
        return bool(compare(value, self.limit))

    @override
    def __str__(self) -> str:
        return f"{'≥' if self.bound is Bound.AT_LEAST else '≤'} {self.limit:g}"


def at_least(limit: float) -> Goal:
    """The more the better, this much is enough."""
    return Goal(Bound.AT_LEAST, limit)


def at_most(limit: float) -> Goal:
    """The less the better, this little is enough."""
    return Goal(Bound.AT_MOST, limit)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the result."""

    name: str
    value: float
    unit: str
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement, as it was."""

    subject: str
    """Who was measured."""
    round: int
    values: Mapping[str, float]
    """By name; units are in the names."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one case found."""

    case: str
    title: str
    figures: tuple[Figure, ...]
    runs: tuple[Run, ...]
    notes: tuple[str, ...] = ()
