"""What people have been told of a channel and is not over: so that a successor does not tell it again."""

from __future__ import annotations

from dataclasses import dataclass, field

from understudy_domain.interchange import Grade


@dataclass(slots=True)
class Absence:
    """An input that was told to be lost."""

    input_id: int
    since: int
    """When its last segment before arrived, ticks since the epoch."""


@dataclass(slots=True)
class Hold:
    """An origin endpoint that was told to have nothing to publish."""

    media_sequence: int
    """Of the entry that comes next."""
    slot: int
    """The first that was held."""
    since: int
    """When that was first found past its deadline, ticks since the epoch."""


@dataclass(slots=True)
class Told:
    """Rests in the channel's snapshot."""

    absences: list[Absence] = field(default_factory=list)
    holds: dict[str, Hold] = field(default_factory=dict)
    """By origin endpoint, guid."""
    grade: Grade | None = None
    """Of the inputs' interchangeability, as told last; None: nothing was told yet."""
