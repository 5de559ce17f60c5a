"""Random schedules of two encoders: what is told of them agrees with itself, with the entries, and with a successor."""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from support.synthetic import CHANNEL, EPOCH, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.entry_events import entry_events
from understudy_domain.event import Event, EventKind
from understudy_domain.facts import SegmentArrived
from understudy_domain.fold import ChannelFold
from understudy_domain.ticks import from_seconds

SEGMENTS = 60
SEEDS = range(60)
ENDPOINTS = {"short": (2, 0), "long": (6, 0), "delayed": (4, 5)}
END = EPOCH + from_seconds(SEGMENTS * 2 + 60)


def schedule(seed: int) -> list[Message]:
    """Inputs that come and go, late and lossy, of which one may change its tables or end."""
    rng = random.Random(f"events {seed}")
    messages = [configured(name, seconds=seconds, delay_seconds=delay) for name, (seconds, delay) in ENDPOINTS.items()]
    for input_id in (1, 2):
        lost, late = set[int](), dict[int, float]()
        for _ in range(rng.randint(0, 4)):
            at, length = rng.randrange(4, SEGMENTS), rng.choice([1, 2, 3, 6, 10])
            numbers = range(at, min(at + length, SEGMENTS))
            if rng.random() < 0.6:
                lost.update(numbers)
            else:
                late |= {number: rng.uniform(0.1, 9.0) for number in numbers}
        encoder = SyntheticEncoder(
            input_id,
            lag_seconds=rng.choice([0.3, 0.4, 1.5, 3.0]),
            lost=lost,
            late=late,
            ended_after=rng.choice([None, None, None, 30, SEGMENTS - 1]),
        )
        begin = rng.choice([0, 0, 0, 5])
        turn = rng.choice([SEGMENTS, SEGMENTS, 25])
        messages += encoder.messages(range(begin, turn))
        encoder.layout, encoder.ended_after = "other tables", None
        messages += encoder.messages(range(turn, SEGMENTS))
    return sorted(messages, key=lambda message: message.instant)


@dataclass
class Teller:
    """A fold and what is told of it, as the decision loop tells."""

    fold: ChannelFold = field(default_factory=lambda: ChannelFold(ChannelState(CHANNEL)))
    last: dict[str, ProgramEntry] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def apply(self, log: list[Message], position: int) -> None:
        message = log[position]
        self.keep(
            self.fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=position + 1)
        )

    def keep(self, entries: list[ProgramEntry]) -> None:
        for entry in entries:
            self.events += entry_events(entry, before=self.last.get(entry.origin_endpoint))
            self.last[entry.origin_endpoint] = entry
        self.events += self.fold.take_events()


def told(log: list[Message]) -> tuple[list[Event], list[ProgramEntry]]:
    """All events and entries of an undisturbed run."""
    teller, entries = Teller(), list[ProgramEntry]()
    for position, message in enumerate(log):
        made = teller.fold.apply(
            message.fact, input_id=message.input_id, instant=message.instant, sequence=position + 1
        )
        entries += made
        teller.keep(made)
    made = teller.fold.pass_time(END)
    teller.keep(made)
    return teller.events, entries + made


@functools.cache
def told_of(seed: int) -> tuple[list[Event], list[ProgramEntry]]:
    """The same of a schedule: several tests look at it."""
    return told(schedule(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_inputs_are_lost_and_recover_in_turn(seed: int) -> None:
    log = schedule(seed)
    events, _ = told_of(seed)
    for input_id in (1, 2):
        mine = [event for event in events if event.input_id == input_id]
        expected = [EventKind.INPUT_LOST, EventKind.INPUT_RECOVERED] * len(mine)
        assert [event.kind for event in mine] == expected[: len(mine)]
        assert all(earlier.instant <= later.instant for earlier, later in pairwise(mine))
        delivers = any(message.input_id == input_id and isinstance(message.fact, SegmentArrived) for message in log)
        assert bool(mine) == delivers, "in the end it has fallen silent"
        assert not mine or mine[-1].kind is EventKind.INPUT_LOST


@pytest.mark.parametrize("seed", SEEDS)
def test_there_is_a_failover_where_the_active_input_changes_and_nowhere_else(seed: int) -> None:
    events, entries = told_of(seed)
    for name in ENDPOINTS:
        mine = [entry for entry in entries if entry.origin_endpoint == endpoint_guid(name)]
        changed = [one.media_sequence for before, one in pairwise(mine) if one.active_input != before.active_input]
        about = [event for event in events if event.origin_endpoint == endpoint_guid(name)]
        assert [event.media_sequence for event in about if event.kind is EventKind.FAILOVER] == changed
        started = [event for event in about if event.kind is EventKind.PROGRAMME_STARTED]
        assert len(started) == bool(mine)


@pytest.mark.parametrize("seed", SEEDS)
def test_holds_begin_and_end_in_turn_and_grades_change_with_each_event(seed: int) -> None:
    events, _ = told_of(seed)
    for name in ENDPOINTS:
        holds = [event for event in events if event.kind in (EventKind.HOLD, EventKind.HOLD_ENDED)]
        mine = [event for event in holds if event.origin_endpoint == endpoint_guid(name)]
        expected = [EventKind.HOLD, EventKind.HOLD_ENDED] * len(mine)
        assert [event.kind for event in mine] == expected[: len(mine)]
        assert all((later.duration or 0) == later.instant - earlier.instant for earlier, later in pairwise(mine[:2]))
    grades = [event.grade for event in events if event.kind in (EventKind.INPUTS_MATCH, EventKind.INPUTS_MISMATCH)]
    assert all(earlier is not later for earlier, later in pairwise(grades))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_event_has_an_id_of_its_own(seed: int) -> None:
    events, _ = told_of(seed)
    assert len({event.id for event in events}) == len(events)


@pytest.mark.parametrize("seed", SEEDS[::4])
def test_a_successor_on_a_snapshot_from_any_moment_tells_what_is_left_to_tell(seed: int) -> None:
    """The successors' entries stand as well, so what is told from one snapshot to the next is told by one of them."""
    log = schedule(seed)
    events, _ = told_of(seed)
    rng = random.Random(seed)
    teller = Teller()
    for position in range(len(log)):
        teller.apply(log, position)
        if rng.random() < 0.2:
            state = codec.decode_as(ChannelState, codec.encode(teller.fold.state))
            teller = Teller(ChannelFold(state, standing=teller.last), teller.last, teller.events)
            teller.keep(teller.fold.resume())
    teller.keep(teller.fold.pass_time(END))
    assert teller.events == events


@pytest.mark.parametrize("seed", SEEDS[::4])
def test_a_successor_that_begins_earlier_tells_the_same_again_and_nothing_else(seed: int) -> None:
    """It dies at any moment, with entries that stand and are newer than the snapshot: what is told twice has one id.

    All but the end of a hold, which only the one that made its entry can tell, is told by the successor alone.
    """
    log = schedule(seed)
    events, _ = told_of(seed)
    rng = random.Random(seed)
    teller, snapshot, at = Teller(), codec.encode(ChannelState(CHANNEL)), 0
    position = 0
    while position < len(log):
        teller.apply(log, position)
        position += 1
        chance = rng.random()
        if chance < 0.05:
            snapshot, at = codec.encode(teller.fold.state), position
        elif chance < 0.08:
            state = codec.decode_as(ChannelState, snapshot)
            teller = Teller(ChannelFold(state, standing=teller.last), teller.last, teller.events)
            teller.keep(teller.fold.resume())
            position = at
    teller.keep(teller.fold.pass_time(END))
    by_id = {event.id: event for event in teller.events}
    assert by_id == {event.id: event for event in events}
