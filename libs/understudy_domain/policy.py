"""Policies: how an origin endpoint chooses between its inputs, besides the rule (failover rule, Policies)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from understudy_domain.ticks import TICKS_PER_SECOND

HOLD_DOWN_DEFAULT = 60 * TICKS_PER_SECOND


class PolicyKind(StrEnum):
    """Who may move an origin endpoint from one input to the other."""

    STICKY = "sticky"
    """The rule alone: no way back for its own sake."""
    PREFERRED = "preferred"
    """Besides: back to the preferred input, once that has been complete and on time for the hold-down."""
    PINNED = "pinned"
    """Nothing: an operator's choice. What the input lacks is taken from the other one where the rule allows it."""
    OFF = "off"
    """No redundancy: input 1 as it comes."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy with its numbers."""

    kind: PolicyKind = PolicyKind.STICKY
    input_id: int = 1
    """The input that is preferred or pinned; what wins a tie for the first one."""
    hold_down: int = HOLD_DOWN_DEFAULT
    """For how long the preferred input has to have been complete and on time before a failback, ticks."""

    @property
    def binds(self) -> bool:
        """It leaves its endpoint one input to follow: an order to follow the other one is void."""
        return self.kind in (PolicyKind.PINNED, PolicyKind.OFF)

    def forbids(self, input_id: int) -> bool:
        """Whether an order to follow this input would be against it."""
        return self.binds and input_id != self.input_id

    def chooses_as(self, other: Policy) -> bool:
        """Whether both say the same but for their numbers: an order given under one stands under the other."""
        return (self.kind, self.input_id) == (other.kind, other.input_id)
