"""What operators and policies want of a schedule's endpoints, and whether each move that comes of it was wanted."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from support.simulation.encoder import Delivery
from support.simulation.violation import require
from support.synthetic import EPOCH, Message
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import EndpointConfigured, SwitchoverOrdered
from understudy_domain.policy import Policy, PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

WISHES_SHARE = 0.3
"""Of all schedules, that hold policies other than sticky, or orders."""
ORDER_STANDS = 60 * TICKS_PER_SECOND
LATE_MAX = from_seconds(1)
SLACK = from_seconds(0.15)


@dataclass(slots=True)
class Wishes:
    """What is wanted of one endpoint."""

    policy: Policy = field(default_factory=Policy)
    """From the start; it stays the same when numbers change."""
    orders: list[tuple[int, int, bool]] = field(default_factory=list)
    """(instant, input, forced)."""
    pinned_at: int | None = None
    """From when on it is pinned instead, to the policy's input."""

    @property
    def are_none(self) -> bool:
        """The rule alone decides."""
        return self.policy.kind is PolicyKind.STICKY and not self.orders and self.pinned_at is None

    def policies_at(self, instant: int) -> Policy:
        """What is in force for what is decided at an instant."""
        if self.pinned_at is not None and instant >= self.pinned_at:
            return replace(self.policy, kind=PolicyKind.PINNED)
        return self.policy


def wishes_of(seed: int, endpoints: Sequence[str]) -> dict[str, Wishes]:
    """By endpoint guid; drawn apart from everything else, so that a schedule is the same with and without them."""
    rng = random.Random(f"wishes {seed}")
    if rng.random() >= WISHES_SHARE:
        return {guid: Wishes() for guid in endpoints}
    return {guid: _wishes(rng) for guid in endpoints}


def _wishes(rng: random.Random) -> Wishes:
    kinds = [PolicyKind.STICKY, PolicyKind.PREFERRED, PolicyKind.PREFERRED, PolicyKind.PINNED, PolicyKind.OFF]
    kind = rng.choice(kinds)
    input_id = 1 if kind is PolicyKind.OFF else rng.choice([1, 2])
    wishes = Wishes(Policy(kind, input_id, from_seconds(rng.choice([0, 3, 8, 15]))))
    for _ in range(rng.choice([0, 0, 1, 2])):
        at = EPOCH + from_seconds(rng.uniform(2, 45))
        wishes.orders.append((at, rng.choice([1, 2]), rng.random() < 0.5))
    if kind is not PolicyKind.OFF and rng.random() < 0.15:
        wishes.pinned_at = EPOCH + from_seconds(rng.uniform(5, 40))
    return wishes


def command_messages(guid: str, wishes: Wishes, configured: Sequence[Message]) -> list[Message]:
    """The endpoint's commands with its policy in them, and its orders; ``configured`` in order of revisions."""
    if wishes.pinned_at is not None:
        wishes.pinned_at = max(wishes.pinned_at, configured[0].instant + 1)
    found = []
    for message in configured:
        assert isinstance(message.fact, EndpointConfigured)
        found.append(replace(message, fact=_with_policy(message.fact, wishes.policies_at(message.instant))))
    if wishes.pinned_at is not None:
        found = _with_pinning(found, wishes)
    for at, input_id, forced in wishes.orders:
        found.append(Message(at, None, SwitchoverOrdered(guid, input_id, forced)))
    return found


def _with_policy(fact: EndpointConfigured, policy: Policy) -> EndpointConfigured:
    return replace(fact, policy=policy.kind, policy_input=policy.input_id, hold_down=policy.hold_down)


def _with_pinning(configured: Sequence[Message], wishes: Wishes) -> list[Message]:
    """One more revision, between the others, which are numbered anew."""
    assert wishes.pinned_at is not None
    before = [message for message in configured if message.instant < wishes.pinned_at]
    last = before[-1].fact
    assert isinstance(last, EndpointConfigured)
    pinning = Message(wishes.pinned_at, None, _with_policy(last, wishes.policies_at(wishes.pinned_at)))
    found = []
    for revision, message in enumerate([*before, pinning, *configured[len(before) :]], start=1):
        assert isinstance(message.fact, EndpointConfigured)
        found.append(replace(message, fact=replace(message.fact, revision=revision)))
    return found


class WishJudge:
    """Judges the moves of one endpoint that the rule alone would not have made."""

    def __init__(
        self, wishes: Wishes, register: Mapping[str, Delivery], *, lags: Mapping[int, int], jitter: int, regular: bool
    ) -> None:
        """``regular``: no input has more than one life, so that what each owes is known from the start."""
        self._wishes = wishes
        self._register = register
        self._lags = lags
        self._jitter = jitter
        self._regular = regular

    def judge(self, before: ProgramEntry, entry: ProgramEntry) -> None:
        """Take in an entry and its predecessor.

        Raises:
            Violation: it must not stand there.
        """
        told = f"{entry.media_sequence}: {entry.reason} to {entry.active_input}"
        policy = self._wishes.policies_at(entry.as_of.instant)
        require(entry.order_settled >= before.order_settled, "orders", f"{told}: an order is open again")
        moved = entry.active_input != before.active_input
        require(moved or entry.reason not in {Reason.SWITCHOVER, Reason.FAILBACK}, "I5", f"{told}, where it was")
        if entry.reason is Reason.SWITCHOVER:
            self._switchover(before, entry, policy, told)
        if entry.reason is Reason.FAILBACK:
            is_due = policy.kind is PolicyKind.PREFERRED and policy.input_id == entry.active_input
            require(is_due, "I6", f"{told} under {policy.kind} {policy.input_id}")
            if self._regular:
                self._was_well(entry, policy.hold_down, told)
        bound = policy.kind in {PolicyKind.PINNED, PolicyKind.OFF} and before.active_input == policy.input_id
        if bound:
            require(not moved, "pinned", f"{told} although it is {policy.kind} to {policy.input_id}")
        if bound and policy.kind is PolicyKind.OFF and not moved:
            inputs = {piece.input_id for one in entry.renditions for piece in one.pieces}
            require(inputs <= {policy.input_id}, "off", f"{told} with pieces of {sorted(inputs)}")

    def _switchover(self, before: ProgramEntry, entry: ProgramEntry, policy: Policy, told: str) -> None:
        now = entry.as_of.instant
        is_bound = policy.kind in {PolicyKind.PINNED, PolicyKind.OFF} and policy.input_id == entry.active_input
        orders = [
            forced
            for at, input_id, forced in self._wishes.orders
            if input_id == entry.active_input and at <= now < at + ORDER_STANDS and not policy.forbids(input_id)
        ]
        require(is_bound or bool(orders), "I5", f"{told}, which nobody wanted")
        if is_bound:
            return
        require(entry.order_settled > before.order_settled, "orders", f"{told}: the order is carried out and open")
        require(any(orders) or not entry.discontinuity, "orders", f"{told} with a seam that shows, not forced")

    def _was_well(self, entry: ProgramEntry, hold_down: int, told: str) -> None:
        """Everything that it owed during the hold-down had come, and in time."""
        lag, now = self._lags[entry.active_input], entry.as_of.instant
        first: dict[tuple[str, int], Delivery] = {}
        for one in self._register.values():
            known = first.get((one.playlist, one.number))
            if one.input_id == entry.active_input and (known is None or one.arrived_at < known.arrived_at):
                first[one.playlist, one.number] = one
        for one in first.values():
            due = one.end + lag
            owed = now - hold_down + LATE_MAX + 2 * SLACK < due < now - LATE_MAX - SLACK
            late = one.arrived_at > due + LATE_MAX + SLACK + self._jitter
            require(not (owed and late), "hold-down", f"{told}, which was late with {one.number}")


def judge_end(wishes: Wishes, entries: Sequence[ProgramEntry], *, well_since: int, reachable: bool) -> None:
    """A preferred input that was well for long enough before the end is followed at the end; so is a pinned one.

    Args:
        wishes: what was wanted.
        entries: the endpoint's programme.
        well_since: from when on both inputs delivered everything, instant.
        reachable: whether its lag lets it complete a slot by the slot's deadline.
    """
    if not entries or not reachable or wishes.orders:
        return
    last = entries[-1]
    policy = wishes.policies_at(last.as_of.instant)
    settled_by = well_since + policy.hold_down + 4 * last.slot_duration + from_seconds(3)
    if wishes.pinned_at is not None:
        settled_by = max(settled_by, wishes.pinned_at + 4 * last.slot_duration)
    if last.as_of.instant < settled_by or policy.kind is PolicyKind.STICKY:
        return
    seen = f"ends on {last.active_input}, {policy.kind} {policy.input_id}"
    require(last.active_input == policy.input_id, "wishes", seen)
