"""Random schedules of two encoders in virtual time: what must hold whatever one of them does.

Seeds are printed by the test's own parameters; one seed is one schedule and replays exactly.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from itertools import pairwise

import pytest

from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.fold import ChannelFold
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND

SEGMENTS = 60
SEEDS = range(80)
TOLERANCE_SECONDS = {2: 1.0, 4: 2.0, 6: 3.0, 12: 6.0}


@dataclass(frozen=True)
class Schedule:
    """One input with faults of every kind, the other healthy, at a skew; several endpoints."""

    seed: int
    messages: list[Message]
    skew_seconds: float
    slower: int


def schedule(seed: int) -> Schedule:
    """The schedule of a seed."""
    rng = random.Random(seed)
    failing = rng.choice([1, 2])
    skew = rng.choice([0.0, 0.1, 0.8, 1.7, 3.0, 4.0])
    lags = {failing: 0.3, 3 - failing: 0.3 + skew} if rng.random() < 0.5 else {failing: 0.3 + skew, 3 - failing: 0.3}
    late, lost = dict[int, float](), set[int]()
    for _ in range(rng.randint(0, 5)):
        at, length = rng.randrange(6, SEGMENTS), rng.randint(1, 6)
        kind = rng.choice(["lost", "late", "bunch"])
        for number in range(at, min(at + length, SEGMENTS)):
            if kind == "lost":
                lost.add(number)
            elif kind == "late":
                late[number] = rng.uniform(0.1, 6.0)
            else:
                late[number] = 2.0 * (at + length - number)
    messages = [
        *(
            configured(f"{seconds}-{delay}", seconds=seconds, delay_seconds=delay)
            for seconds in TOLERANCE_SECONDS
            for delay in (0, 5, 10)
        ),
        *SyntheticEncoder(
            failing, lag_seconds=lags[failing], late=late, lost=lost, counter_seed=seed if seed % 3 else -1
        ).messages(range(SEGMENTS)),
        *SyntheticEncoder(3 - failing, lag_seconds=lags[3 - failing], counter_seed=-1).messages(range(SEGMENTS)),
    ]
    slower = max(lags, key=lambda input_id: lags[input_id])
    return Schedule(seed, messages, skew, slower)


def numbers(entries: list[ProgramEntry]) -> list[int]:
    """The segments shown, by number."""
    return [
        round((piece.timestamp - EPOCH) % 2**33 / TICKS_PER_SECOND / 2)
        for entry in entries
        for piece in entry.renditions[0].pieces
    ]


@functools.cache
def played(seed: int) -> Broadcast:
    """The schedule, to its end: several tests look at it."""
    return Broadcast(schedule(seed).messages).run(until_seconds=SEGMENTS * 2 + 40)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_failing_input_costs_a_viewer_nothing_but_a_bounded_wait(seed: int) -> None:
    run, plan = played(seed), schedule(seed)
    for seconds, tolerance in TOLERANCE_SECONDS.items():
        for delay in (0, 5, 10):
            shown = run.of(f"{seconds}-{delay}")
            found = numbers(shown)
            assert found == list(range(found[0], found[0] + len(found))), "everything once, in order"
            assert found[-1] >= SEGMENTS - 1 - seconds // 2, "to the end"
            assert not any(entry.discontinuity or entry.is_gap for entry in shown)
            assert {entry.reason for entry in shown} <= {Reason.START, Reason.KEEP, Reason.REPAIR, Reason.FAILOVER}
            assert [entry.media_sequence for entry in shown] == list(range(len(shown)))
            for before, entry in pairwise(shown):
                changed = entry.active_input != before.active_input
                assert changed == (entry.reason is Reason.FAILOVER), "the active input changes by failover alone"
            _assert_bounded_wait(shown, plan, tolerance=tolerance, delay=delay)


def _assert_bounded_wait(shown: list[ProgramEntry], plan: Schedule, *, tolerance: float, delay: int) -> None:
    """I11: at most max(tolerance, skew) later than usual, and not at all once the delay is at least that.

    Programme time is placed by the first arrival, so usual is the entry's end for the quicker input, a skew later for
    the other. The slots that were complete before the grid was settled are not judged.
    """
    bound = max(tolerance, plan.skew_seconds)
    for before, entry in pairwise(shown):
        if entry.as_of.instant <= shown[0].as_of.instant + TICKS_PER_SECOND:
            continue
        usual = plan.skew_seconds if before.active_input == plan.slower else 0.0
        published = max(entry.as_of.instant, entry.available_at)
        waited = (published - entry.end) / TICKS_PER_SECOND - delay - usual
        assert waited <= bound + 0.01
        if delay >= bound + usual:
            assert (published - entry.end) / TICKS_PER_SECOND - delay <= 0.01 + plan.skew_seconds


@pytest.mark.parametrize("seed", SEEDS[::3])
def test_a_longer_delay_never_leaves_where_a_shorter_one_stays(seed: int) -> None:
    run = played(seed)
    for seconds in TOLERANCE_SECONDS:
        first = [
            next((e.end for e in run.of(f"{seconds}-{d}") if e.reason is Reason.FAILOVER), None) for d in (0, 5, 10)
        ]
        starts = {run.of(f"{seconds}-{delay}")[0].active_input for delay in (0, 5, 10)}
        if len(starts) == 1:
            for shorter, longer in pairwise(first):
                assert longer is None or (shorter is not None and longer >= shorter)


@pytest.mark.parametrize("seed", SEEDS[::10])
def test_controllers_that_die_at_any_moment_change_no_entry(seed: int) -> None:
    plan = schedule(seed)
    whole = Broadcast(list(plan.messages)).run()
    log = sorted(plan.messages, key=lambda message: message.instant)
    rng = random.Random(seed)
    entries: dict[str, list[bytes]] = {}
    fold = ChannelFold(ChannelState("c" * 32))
    snapshot, at = codec.encode(fold.state), 0
    position = 0
    while position < len(log):
        message = log[position]
        position += 1
        made = fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=position)
        if rng.random() < 0.02 and made:
            made = made[: rng.randrange(len(made) + 1)]  # dies in the middle of appending
            _append(entries, made)
            fold, position = _take_over(snapshot, entries), at
            continue
        _append(entries, made)
        if rng.random() < 0.05:
            snapshot, at = codec.encode(fold.state), position
        elif rng.random() < 0.02:
            fold, position = _take_over(snapshot, entries), at
    assert entries == {guid: [codec.encode(entry) for entry in made] for guid, made in whole.entries.items()}


def _append(entries: dict[str, list[bytes]], made: list[ProgramEntry]) -> None:
    for entry in made:
        entries.setdefault(entry.origin_endpoint, []).append(codec.encode(entry))


def _take_over(snapshot: bytes, entries: dict[str, list[bytes]]) -> ChannelFold:
    """A successor: the last snapshot, and what stands in PROGRAM."""
    standing = {guid: codec.decode_as(ProgramEntry, made[-1]) for guid, made in entries.items()}
    fold = ChannelFold(codec.decode_as(ChannelState, snapshot), standing=standing)
    _append(entries, fold.resume())
    return fold


@dataclass(frozen=True)
class DoubleFaults:
    """Both inputs lose and delay segments, a few of them both the same."""

    messages: list[Message]
    lost: dict[int, set[int]]
    late: dict[int, dict[int, float]]

    def is_owed(self, number: int, *, tolerance: float) -> bool:
        """Whether some input delivers it by its due time + tolerance (less what the lag may be off)."""
        return any(
            number not in self.lost[one] and self.late[one].get(number, 0.0) <= tolerance - 0.3 for one in (1, 2)
        )


def double_faults(seed: int) -> DoubleFaults:
    """The schedule of a seed."""
    rng = random.Random(1_000_000 + seed)
    skew = rng.choice([0.0, 0.4, 0.9, 2.5])
    lost: dict[int, set[int]] = {1: set(), 2: set()}
    late: dict[int, dict[int, float]] = {1: {}, 2: {}}
    for one in (1, 2):
        for number in range(10, SEGMENTS - 8):
            chance = rng.random()
            if chance < 0.06:
                lost[one].add(number)
            elif chance < 0.14:
                late[one][number] = rng.uniform(0.05, 5.0)
    messages = [
        *(
            configured(f"{seconds}-{delay}", seconds=seconds, delay_seconds=delay)
            for seconds in TOLERANCE_SECONDS
            for delay in (0, 5, 10)
        ),
        *SyntheticEncoder(1, lost=lost[1], late=late[1]).messages(range(SEGMENTS)),
        *SyntheticEncoder(2, lost=lost[2], late=late[2], lag_seconds=0.3 + skew).messages(range(SEGMENTS)),
    ]
    return DoubleFaults(messages, lost, late)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_joinable_inputs_lose_nothing_that_either_delivers_in_time(seed: int) -> None:
    """I8, and what goes with it: no content twice or out of order, borrowing only in every rendition."""
    plan = double_faults(seed)
    run = Broadcast(plan.messages).run(until_seconds=SEGMENTS * 2 + 40)
    for seconds, tolerance in TOLERANCE_SECONDS.items():
        for delay in (0, 5, 10):
            shown = run.of(f"{seconds}-{delay}")
            found = numbers(shown)
            assert found == sorted(set(found)), "once, and in order"
            span = range(found[0], SEGMENTS - 1 - seconds // 2)
            missing = [number for number in span if number not in found]
            owed = [number for number in missing if plan.is_owed(number, tolerance=tolerance)]
            assert not owed, (seconds, delay, owed)
            if not missing:
                assert not any(entry.discontinuity or entry.is_gap for entry in shown)
                assert Reason.PARTIAL not in {entry.reason for entry in shown}, "slots stay whole"
