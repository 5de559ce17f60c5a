"""An origin endpoint as the decision core carries it: its policy, and its last entry, from which all else follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import EndpointConfigured
from understudy_domain.grid import Grid
from understudy_domain.policy import Policy, PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND

ORDER_STANDS = 60 * TICKS_PER_SECOND
"""An order to switch over that could not be carried out for so long is off: nobody expects it any more."""


@dataclass(frozen=True, slots=True)
class Order:
    """An operator's order to switch over, while it stands."""

    input_id: int
    forced: bool
    sequence: int
    """Of its message in ARRIVALS: what says that an entry has settled it."""
    given_at: int
    """Instant, ticks."""
    withdrawn: bool = False
    """Another policy was set since, carried out or not. By the log alone, so that every successor has it the same."""


@dataclass(slots=True)
class EndpointState:
    """Policy and last entry. A successor needs no more to go on than what the PROGRAM log gives it."""

    origin_endpoint: str
    """Guid."""
    segment_duration: int
    """As configured, ticks."""
    time_delay: int
    """Ticks."""
    revision: int
    policy: Policy = field(default_factory=Policy)
    order: Order | None = None
    """The last one given, settled or not."""
    last: ProgramEntry | None = None
    passed: int | None = None
    """A slot up to which everything was passed over without an entry, since the last one."""
    first_media_sequence: int = 0
    """Of its first entry."""

    @classmethod
    def configured(cls, command: EndpointConfigured) -> EndpointState:
        """An endpoint as it comes to be."""
        endpoint = cls(command.origin_endpoint, 0, 0, command.revision)
        endpoint.configure(command)
        return endpoint

    def configure(self, command: EndpointConfigured) -> None:
        """Follow a revision of its configuration, from the next slot on. Another policy withdraws an earlier order."""
        self.segment_duration = command.segment_duration
        self.time_delay = command.time_delay
        self.revision = command.revision
        self.first_media_sequence = command.first_media_sequence
        before, self.policy = self.policy, Policy(command.policy, command.policy_input, command.hold_down)
        if self.order is not None and not self.policy.chooses_as(before):
            self.order = replace(self.order, withdrawn=True)

    @property
    def order_settled(self) -> int:
        """ARRIVALS sequence up to which orders are carried out or off."""
        return self.last.order_settled if self.last is not None else 0

    def standing_order(self, now: int) -> Order | None:
        """The order that is to be carried out, if any: none that is settled, withdrawn or void, or has run out."""
        order = self.order
        if order is None or order.sequence <= self.order_settled or now >= order.given_at + ORDER_STANDS:
            return None
        return None if order.withdrawn or self.policy.forbids(order.input_id) else order

    def settled_by(self, active_input: int, now: int) -> int:
        """``order_settled`` after an entry of ``active_input`` that was decided at ``now``."""
        order = self.order
        if order is None or order.sequence <= self.order_settled:
            return self.order_settled
        is_over = active_input == order.input_id or self.standing_order(now) is None
        return order.sequence if is_over else self.order_settled

    @property
    def is_alone_with(self) -> int | None:
        """The one input that counts: where redundancy is off and the endpoint has come to follow that input."""
        if self.policy.kind is not PolicyKind.OFF:
            return None
        follows = self.policy.input_id if self.last is None else self.last.active_input
        return follows if follows == self.policy.input_id else None

    @property
    def may_fail_over(self) -> bool:
        """Whether the rule may move it to another input."""
        is_pinned = self.policy.kind is PolicyKind.PINNED
        return not is_pinned or self.last is None or self.last.active_input != self.policy.input_id

    def slot_duration(self, grid: Grid) -> int:
        """S_out, ticks.

        Players hold the target duration for constant, so it is fixed at the endpoint's birth: a segment duration that
        is raised later is cut at the last piece boundary that keeps within it.
        """
        slot_duration = grid.slot_duration(self.segment_duration)
        if self.last is None:
            return slot_duration
        pieces_max = self.last.target_duration_seconds * TICKS_PER_SECOND // grid.segment_duration
        return min(slot_duration, max(pieces_max, 1) * grid.segment_duration)

    def target_duration_seconds(self, grid: Grid) -> int:
        """Fixed at the endpoint's birth: S_out + S_in / 2, rounded up."""
        if self.last is not None:
            return self.last.target_duration_seconds
        return -(-(self.slot_duration(grid) + grid.segment_duration // 2) // TICKS_PER_SECOND)

    def next_slot(self, grid: Grid) -> int | None:
        """The slot to decide next; None before the first. A new segment duration begins where the old one ended.

        That is the last entry's slot again until it is passed: the entry may hold the first part of it alone.
        """
        if self.last is None:
            return None
        slot_duration = self.slot_duration(grid)
        if self.last.slot_duration != slot_duration or self._is_of_another_grid(self.last, grid):
            slot = grid.slot_of(self.last.end, slot_duration=slot_duration)
        else:
            slot = self.last.slot
        return slot if self.passed is None else max(slot, self.passed)

    @staticmethod
    def _is_of_another_grid(entry: ProgramEntry, grid: Grid) -> bool:
        """Whether an entry's slot number counts from elsewhere: S_in has changed since."""
        return entry.anchor is not None and entry.anchor != grid.anchor

    def has_part_of(self, slot: int, grid: Grid) -> bool:
        """The last entry holds part of this slot, by step 7; what there is of the rest is still to come."""
        last = self.last
        if last is None or last.slot != slot or last.slot_duration != self.slot_duration(grid):
            return False
        if self._is_of_another_grid(last, grid):
            return False
        if last.ended:  # it says why the programme ended, not what the slot it repeats was published for
            whole_from = grid.start_of(slot + 1, slot_duration=last.slot_duration) - grid.segment_duration // 2
            return last.end < whole_from
        return last.reason is Reason.PARTIAL
