"""Why a slot came from where it came: the closed set that log fields, metric labels, events and the API share."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reason a decision carries; the step of the failover rule it comes from in brackets."""

    START = "start"
    """The endpoint's first slot: the first input to complete one [before step 1]."""
    KEEP = "keep"
    """The active input completed the slot [1]."""
    REPAIR = "repair"
    """The active input lost pieces for good and goes on; they came from the other, joinably [3]."""
    FAILOVER = "failover"
    """The active input did not by the deadline, the other did [4]."""
    SWITCHOVER = "switchover"
    """An operator, or a policy that pins an input, moved the endpoint to one that completed the slot [before 1]."""
    FAILBACK = "failback"
    """The preferred input has been well for the hold-down, and completed the slot [before 1]."""
    COMBINE = "combine"
    """Neither input completed the slot, both together did, joinably [5]."""
    PARTIAL = "partial"
    """Part of the slot is lost to both inputs; published is what there is [7]."""
    GAP = "gap"
    """All of the slot is lost to both inputs: a gap that keeps its place [7]."""
    END = "end"
    """No slot: the programme ended with the one before, which the entry repeats [after 7]."""


CHANGES = frozenset({Reason.FAILOVER, Reason.SWITCHOVER, Reason.FAILBACK})
"""The reasons that always come with a change of the active input."""
