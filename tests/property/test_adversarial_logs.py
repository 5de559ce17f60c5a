"""Logs of encoders that misbehave in every way at once: what must hold of every programme all the same.

Pieces of any length, restarts on the same or other bytes, names reused or never again, renditions that come apart,
marked filler, ENDLIST, late and changing multivariant playlists, endpoints that come and change, stamps that run
backwards. The same log is read by controllers that die at any moment: their entries have to be the same to the byte.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from support.endings import slots_of
from support.synthetic import CHANNEL, EPOCH, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import MultivariantArrived, PlaylistArrived, SegmentArrived, SourceVariant, Tick
from understudy_domain.fold import ChannelFold
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

SEEDS = range(30)
FAULTS_SECONDS = 80.0
HEALTHY_SECONDS = 50.0
LENGTHS = {
    "regular": (2.0,),
    "ntsc": (2.002,),
    "key frames": (1.0, 1.5, 2.0, 2.5, 3.0),
    "spliced": (2.0, 2.0, 2.0, 2.0, 0.3, 1.1),
    "wild": (0.1, 0.7, 2.0, 5.0, 10.0),
}
DELAYS = (0, 0, 2, 10, 120)
SNAPSHOT_BYTES_MAX = 400_000
HOLD_SECONDS = 45.0
"""Three slots of the longest endpoint here, or pieces of the longest kind, with tolerance and lag."""


@dataclass(frozen=True)
class Scenario:
    """A log in order, and what the programme it makes may be held to."""

    log: list[Message]
    endpoints: dict[str, int]
    """Names, and the greatest delay that each ever has, seconds."""


def scenario(seed: int) -> Scenario:
    """The log of a seed: one input at least is healthy from ``FAULTS_SECONDS`` on."""
    rng = random.Random(seed)
    playlists = rng.choice([("c.m3u8",), ("v0.m3u8", "v1.m3u8"), ("f/a/p.m3u8", "f/b/p.m3u8", "f/c/p.m3u8")])
    lengths = LENGTHS[rng.choice(sorted(LENGTHS))]
    healthy = rng.choice([1, 2])
    messages = [Message(EPOCH + from_seconds(rng.uniform(0.0, 130.0)), None, Tick()) for _ in range(20)]
    for input_id in (1, 2):
        messages += multivariants(rng, input_id, playlists)
        messages += input_messages(rng, input_id, playlists, lengths, healthy=input_id == healthy)
    endpoints = {}
    for name in ("a", "b", "c")[: rng.randint(1, 3)]:
        at, delays = rng.choice([-1.0, rng.uniform(0.0, FAULTS_SECONDS)]), []
        for revision in range(1, rng.randint(2, 4)):
            delays.append(rng.choice(DELAYS))
            seconds = rng.choice([1, 2, 4, 6, 8])
            messages.append(
                configured(name, seconds=seconds, delay_seconds=delays[-1], revision=revision, at_seconds=at)
            )
            at += rng.uniform(0.0, 20.0)
        endpoints[name] = max(delays)
    log = sorted(messages, key=lambda message: message.instant)
    back = [rng.choice([0, 0, 0, from_seconds(rng.uniform(0.0, 2.0))]) if seed % 3 == 0 else 0 for _ in log]
    return Scenario([replace(one, instant=one.instant - by) for one, by in zip(log, back, strict=True)], endpoints)


def multivariants(rng: random.Random, input_id: int, playlists: tuple[str, ...]) -> list[Message]:
    """None, one at once or late, or one that changes."""
    found = []
    for at in rng.choice([(), (0.0,), (20.0,), (0.0, rng.uniform(1.0, 60.0))]):
        variants = tuple(SourceVariant(path, 1_000_000 * rng.randint(1, 5)) for path in playlists)
        found.append(Message(EPOCH + from_seconds(at), input_id, MultivariantArrived("m.m3u8", variants)))
    return found


def input_messages(
    rng: random.Random, input_id: int, playlists: tuple[str, ...], lengths: tuple[float, ...], *, healthy: bool
) -> list[Message]:
    """One life after the other, the last one long enough to be healthy for a while."""
    found: list[Message] = []
    cuts = sorted(rng.uniform(5.0, FAULTS_SECONDS - 10.0) for _ in range(rng.choice([0, 0, 1, 3])))
    begin = rng.choice([0.0, 0.0, rng.uniform(0.0, 20.0)])
    for life, end in enumerate([*cuts, FAULTS_SECONDS + HEALTHY_SECONDS]):
        found += life_messages(rng, input_id, playlists, lengths, begin=begin, end=end, life=life, healthy=healthy)
        begin = end + rng.choice([0.4, 1.0, 3.0, 10.0])
    return found


def life_messages(
    rng: random.Random,
    input_id: int,
    playlists: tuple[str, ...],
    lengths: tuple[float, ...],
    *,
    begin: float,
    end: float,
    life: int,
    healthy: bool,
) -> list[Message]:
    """An encoder from its start to its end, with faults up to the time at which it is to be healthy."""
    found: list[Message] = []
    media = rng.choice(
        [0.0, -begin, rng.uniform(0.0, 95_000.0), (2**33 - EPOCH % 2**33) / TICKS_PER_SECOND - begin - 9]
    )
    dates, content = (
        rng.choice([0.0, 0.0, None, 3.0, 3600.0]),
        rng.choice(["same", f"{input_id}", f"{input_id}.{life}"]),
    )
    lag, stamp, ends = rng.choice([0.3, 0.8, 4.0]), rng.choice(["", "", "ab"]), rng.random() < 0.3
    fault, until, at, number = "", begin, begin, 0
    while at < end:
        length = rng.choice(lengths)
        if at >= until:
            fault, until = rng.choice(["", "", "lost", "late", "rendition", "filler", "bunch"]), at + rng.uniform(1, 15)
        good = healthy and at >= FAULTS_SECONDS - 15.0
        kind = "" if good else fault
        encoder = SyntheticEncoder(
            input_id,
            lag_seconds=lag,
            date_offset_seconds=dates,
            media_offset_seconds=media,
            phase_seconds=at - 2.0 * number,
            playlists=playlists,
            content=content,
            short={number: length},
            late={number: length - 2.0 + {"late": rng.uniform(0, 8), "bunch": until - at}.get(kind, 0.0)},
            lost={number} if kind == "lost" else set(),
            lost_of_playlist={rng.choice(playlists): {number}} if kind == "rendition" else {},
            ended_after=number if ends and at + length >= end and not good else None,
        )
        made = encoder.messages([number])
        found += [
            named(message, f"{stamp}{number % 26:x}" if stamp else "", filler=kind == "filler") for message in made
        ]
        at, number = at + length, number + 1
    return found


def named(message: Message, stamp: str, *, filler: bool) -> Message:
    """The same fact under another name, marked as filler or not."""
    fact = message.fact
    if isinstance(fact, SegmentArrived):
        return replace(message, fact=replace(fact, path=f"{fact.path}{stamp}"))
    if isinstance(fact, PlaylistArrived):
        lines = tuple(replace(line, path=f"{line.path}{stamp}", gap=filler) for line in fact.lines)
        return replace(message, fact=replace(fact, lines=lines))
    return message


Entries = dict[str, list[ProgramEntry]]


def keep(entries: Entries, made: list[ProgramEntry]) -> None:
    """Append to each endpoint's programme."""
    for entry in made:
        entries.setdefault(entry.origin_endpoint, []).append(entry)


def broadcast(log: list[Message]) -> tuple[Entries, ChannelFold]:
    """The log read by one controller that lives."""
    fold, entries = ChannelFold(ChannelState(CHANNEL)), Entries()
    for sequence, message in enumerate(log, start=1):
        keep(entries, fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence))
        assert fold.wake_at is None or fold.wake_at > fold.state.now, "a timer that fires for ever"
    keep(entries, fold.pass_time(EPOCH + from_seconds(400)))
    return entries, fold


@pytest.mark.parametrize("seed", SEEDS)
def test_every_programme_is_well_formed_and_goes_on_whatever_encoders_do(seed: int) -> None:
    plan = scenario(seed)
    entries, fold = broadcast(plan.log)
    assert len(codec.encode(fold.state)) < SNAPSHOT_BYTES_MAX
    assert fold.state.grid is not None
    for name, delay in plan.endpoints.items():
        shown = slots_of(entries[endpoint_guid(name)])
        assert [entry.media_sequence for entry in shown] == list(range(len(shown)))
        assert_pieces(shown)
        for before, entry in pairwise(shown):
            assert_follows(before, entry)
        for entry in shown:
            ahead = (entry.available_at - entry.as_of.instant) / TICKS_PER_SECOND
            assert -400 < ahead <= delay + 0.01
        assert_goes_on(shown, delay)


def assert_pieces(shown: list[ProgramEntry]) -> None:
    """Nothing twice, nothing longer than announced unless a single piece is, one input unless both were joined."""
    keys = [piece.object_key for entry in shown for one in entry.renditions for piece in one.pieces]
    assert len(keys) == len(set(keys))
    for entry in shown:
        assert entry.end > entry.start
        inputs = {piece.input_id for one in entry.renditions for piece in one.pieces}
        assert len(inputs) <= 1 or entry.reason in (Reason.REPAIR, Reason.COMBINE)
        for one in entry.renditions:
            assert len(one.pieces) <= 1 or one.duration <= entry.target_duration_seconds * TICKS_PER_SECOND


def assert_follows(before: ProgramEntry, entry: ProgramEntry) -> None:
    """Numbers, times and the active input of an entry follow from the one before it."""
    assert entry.discontinuity_sequence == before.discontinuity_sequence + before.discontinuity
    assert entry.available_at >= before.available_at
    assert entry.as_of.instant >= before.as_of.instant
    if entry.active_input != before.active_input:
        assert entry.reason in (Reason.FAILOVER, Reason.COMBINE)
    if not entry.discontinuity:
        expected = before.program_date_time + before.end - before.start
        assert abs(entry.program_date_time - expected) <= entry.slot_duration


def assert_goes_on(shown: list[ProgramEntry], delay: int) -> None:
    """Once the faults are over, media comes, and nothing but the delay holds it back."""
    begin, end = EPOCH + from_seconds(FAULTS_SECONDS), EPOCH + from_seconds(FAULTS_SECONDS + HEALTHY_SECONDS)
    decided = [entry.as_of.instant for entry in shown if not entry.is_gap and begin < entry.as_of.instant < end]
    longest = max(after - before for before, after in pairwise([begin, *decided, end]))
    assert longest <= from_seconds(HOLD_SECONDS + delay)


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_controllers_that_die_at_any_moment_make_the_same_of_a_hostile_log(seed: int) -> None:
    plan, rng = scenario(seed), random.Random(seed)
    whole, _ = broadcast(plan.log)
    entries, fold = Entries(), ChannelFold(ChannelState(CHANNEL))
    snapshot, snapshot_at, position = codec.encode(fold.state), 0, 0
    deaths = 12
    while position < len(plan.log):
        message = plan.log[position]
        position += 1
        made = fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=position)
        chance = rng.random()
        dies = deaths > 0 and chance < 0.05
        keep(entries, made[: rng.randrange(len(made) + 1)] if dies else made)
        if dies:
            deaths -= 1
            standing = {guid: programme[-1] for guid, programme in entries.items()}
            fold, position = ChannelFold(codec.decode_as(ChannelState, snapshot), standing=standing), snapshot_at
            keep(entries, fold.resume())
        elif chance < 0.1:
            snapshot, snapshot_at = codec.encode(fold.state), position
    keep(entries, fold.pass_time(EPOCH + from_seconds(400)))
    assert {guid: [codec.encode(one) for one in made] for guid, made in entries.items()} == {
        guid: [codec.encode(one) for one in made] for guid, made in whole.items()
    }
