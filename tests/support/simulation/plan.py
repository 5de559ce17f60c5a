"""From a seed to a schedule: two encoders, a few origin endpoints, what goes wrong, and how the controllers fare.

Three kinds, because promises differ: ``one`` (joinable inputs, one of them fails), ``both`` (joinable, both fail) and
``lives`` (restarts, unaligned encoders, wrong clocks, ended playlists …), each with calm or troubled controllers.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from support.simulation.encoder import Delivery, Life, ScriptedEncoder
from support.simulation.faults import add_faults
from support.simulation.lengths import other_lengths
from support.simulation.lives import hard_lives
from support.simulation.renditions import renditions_come_and_go
from support.simulation.wishes import Wishes, command_messages, wishes_of
from support.synthetic import EPOCH, Message, configured, endpoint_guid
from understudy_domain.failover import JITTER_ALLOWANCE
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

SOUND_AT_FIRST = 6
"""Contents that every encoder of a joinable pair delivers before anything fails: the proof has to be made once."""
SOUND_AT_LAST = 6
"""Contents after the last fault: time to come back."""
RENDITIONS = (("high",), ("high",), ("high", "low"), ("high", "audio"))


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """One origin endpoint."""

    name: str
    seconds: int
    delay_seconds: int
    window_seconds: int
    date_interval_seconds: int
    created_at_seconds: float = -1.0
    changes: tuple[tuple[float, int, int], ...] = ()
    """(seconds since the broadcast began, segment duration, delay) of each later configuration."""

    @property
    def first_media_sequence(self) -> int:
        """What its programme begins with: those with a delay have a number of their own."""
        return 1_800_000_000 if self.delay_seconds else 0

    @property
    def guid(self) -> str:
        """Its guid."""
        return endpoint_guid(self.name)

    @property
    def is_plain(self) -> bool:
        """It was there from the start and never changed."""
        return not self.changes and self.created_at_seconds < 0

    def slot_duration(self, segment_duration: int) -> int:
        """S_out by the published rule, ticks."""
        pieces = -(-(self.seconds * TICKS_PER_SECOND - segment_duration // 50) // segment_duration)
        return max(pieces, 1) * segment_duration

    def tolerance(self, segment_duration: int) -> int:
        """Ticks."""
        return max(self.slot_duration(segment_duration) // 2, JITTER_ALLOWANCE)


@dataclass(slots=True)
class Plan:
    """A schedule, complete: running it asks no more random numbers than the controllers' troubles."""

    seed: int
    kind: str
    segments: int
    segment_duration: int
    endpoints: list[EndpointPlan]
    encoders: list[ScriptedEncoder]
    troubled: bool
    """Controllers are killed, overtaken and slow."""
    failing: int | None = None
    """The input that fails, where only one does."""
    notes: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    register: dict[str, Delivery] = field(default_factory=dict)
    wishes: dict[str, Wishes] = field(default_factory=dict)
    """By endpoint guid."""

    def is_plain(self, endpoint: EndpointPlan) -> bool:
        """It was there from the start, never changed, and nobody wants anything of it: the rule alone decides."""
        return endpoint.is_plain and self.wishes[endpoint.guid].are_none

    @property
    def joinable(self) -> bool:
        """The inputs can stand for one another throughout."""
        return self.kind != "lives"

    def lag(self, input_id: int) -> int:
        """The input's true lag, ticks."""
        return self.encoders[input_id - 1].lag

    @property
    def skew(self) -> int:
        """Ticks."""
        return abs(self.lag(1) - self.lag(2))

    @property
    def jitter(self) -> int:
        """How far from its lag a segment may arrive that is on time, ticks."""
        return max(one.jitter for one in self.encoders)

    @property
    def longest(self) -> int:
        """The longest segment duration of any encoder's life, ticks."""
        return max([self.segment_duration, *(life.length for one in self.encoders for life in one.lives)])

    @property
    def end(self) -> int:
        """When the last content ends, ticks since the epoch."""
        return EPOCH + self.segments * self.segment_duration


def plan_of(seed: int) -> Plan:
    """The schedule of a seed."""
    rng = random.Random(f"schedule {seed}")
    kind, troubled = rng.choice(["one", "one", "both", "lives", "lives"]), rng.random() < 0.4
    segment_seconds = rng.choice([2.0, 2.0, 2.0, 2.002, 1.0])
    segments = rng.randint(18, 24)
    changeable = rng.random() < 0.25
    endpoints = _endpoints(rng, segment_seconds, changeable=changeable, late=changeable and not troubled)
    if any(one.slot_duration(from_seconds(segment_seconds)) > from_seconds(8.5) for one in endpoints):
        segments += 5
    plan = Plan(
        seed=seed,
        kind=kind,
        segments=segments,
        segment_duration=from_seconds(segment_seconds),
        endpoints=endpoints,
        encoders=_encoders(rng, segment_seconds, segments),
        troubled=troubled,
    )
    if kind == "lives":
        hard_lives(rng, plan)
    else:
        _joinable_faults(rng, plan)
    other_lengths(random.Random(f"lengths {seed}"), plan)
    renditions_come_and_go(random.Random(f"renditions {seed}"), plan)
    _write(plan, rng)
    return plan


def _endpoints(rng: random.Random, segment_seconds: float, *, changeable: bool, late: bool) -> list[EndpointPlan]:
    sizes = [2, 4, 6, 12] if segment_seconds >= 2 else [1, 2, 4, 6]
    chosen = rng.sample([(size, delay) for size in sizes for delay in (0, 5, 10)], rng.choice([2, 2, 3]))
    found = []
    for seconds, delay in chosen:
        created = rng.uniform(4, 40) if late and rng.random() < 0.4 else -1.0
        changes: tuple[tuple[float, int, int], ...] = ()
        if changeable and rng.random() < 0.5:
            changes = ((max(created, 0) + rng.uniform(1, 30), rng.choice(sizes), rng.choice([0, 2, 7])),)
        window, interval = rng.choice([6, 12, 30]), rng.choice([0, 1, 10])
        found.append(EndpointPlan(f"{seconds}s+{delay}", seconds, delay, window, interval, created, changes))
    return found


def _encoders(rng: random.Random, segment_seconds: float, segments: int) -> list[ScriptedEncoder]:
    skew = rng.choice([0.0, 0.0, 0.1, 0.8, 1.7, 3.0, 4.0] if segment_seconds >= 2 else [0.0, 0.1, 0.8, 1.7])
    lags = [0.3, 0.3 + skew] if rng.random() < 0.5 else [0.3 + skew, 0.3]
    renditions = rng.choice(RENDITIONS)
    jitter = rng.choice([0.0, 0.0, 0.05, 0.15])
    first = rng.choice([0, 0, 2**33 // 90_000 // 10])
    # Timestamps may wrap in the middle of the broadcast.
    wraps = -EPOCH - from_seconds(rng.uniform(4, 40)) if rng.random() < 0.3 else 0
    # Without a usable date content has to show that two encoders correspond: while both send at the same moment, it is
    # chance who is compared with what, so those that are to be joinable are a little apart.
    offset = rng.choice([None, 0, 0, 0, 3600 * TICKS_PER_SECOND]) if not jitter else 0
    playlist_first, tells_less = rng.random() < 0.2, rng.random() < 0.6
    multivariant = len(renditions) > 1 or rng.random() < 0.5
    return [
        ScriptedEncoder(
            input_id=input_id,
            segment_duration=from_seconds(segment_seconds),
            frame_duration=3003 if segment_seconds == 2.002 else 3600,
            renditions=renditions,
            lives=[
                Life(
                    0,
                    segments,
                    numbering_from=first,
                    media_offset=wraps,
                    date_offset=offset if input_id == 1 or rng.random() < 0.5 else 0,
                )
            ],
            lag=from_seconds(lags[input_id - 1]),
            jitter=from_seconds(jitter),
            playlist_first=playlist_first,
            tells_less=tells_less,
            lists_what_never_came=rng.random() < 0.3,
            multivariant=multivariant,
            seed=rng.randrange(1 << 30),
        )
        for input_id in (1, 2)
    ]


def _joinable_faults(rng: random.Random, plan: Plan) -> None:
    span = (SOUND_AT_FIRST, plan.segments - SOUND_AT_LAST)
    if plan.kind == "one":
        plan.failing = rng.choice([1, 2])
        plan.notes += add_faults(rng, plan.encoders[plan.failing - 1], span, rng.randint(1, 3), forever=True)
    else:
        for encoder in plan.encoders:
            plan.notes += add_faults(rng, encoder, span, rng.randint(1, 3), forever=False)
        if rng.random() < 0.3:
            at, length = rng.randrange(*span), rng.randint(1, 4)
            for encoder in plan.encoders:
                encoder.lost |= set(range(at, min(at + length, span[1])))
            plan.notes.append(f"both lose {length} from {at} on")
    if any(_long_silence(encoder) for encoder in plan.encoders):
        # Who is silent for more than 2 S_in begins a new session: only a usable date shows at once where it belongs.
        for encoder in plan.encoders:
            encoder.lives[0].date_offset = 0
            encoder.tells_less = False


def _long_silence(encoder: ScriptedEncoder) -> bool:
    run = longest = 0
    for number in range(encoder.lives[0].last):
        run = 0 if any(encoder.delivers(number, stem) for stem in encoder.renditions) else run + 1
        longest = max(longest, run)
    return longest > 2


def _write(plan: Plan, rng: random.Random) -> None:
    plan.wishes = wishes_of(plan.seed, [endpoint.guid for endpoint in plan.endpoints])
    for endpoint in plan.endpoints:
        commands = []
        commands.append(
            configured(
                endpoint.name,
                seconds=endpoint.seconds,
                delay_seconds=endpoint.delay_seconds,
                at_seconds=endpoint.created_at_seconds,
                first_media_sequence=endpoint.first_media_sequence,
            )
        )
        for revision, (at, seconds, delay) in enumerate(endpoint.changes, start=2):
            commands.append(
                configured(
                    endpoint.name,
                    seconds=seconds,
                    delay_seconds=delay,
                    revision=revision,
                    at_seconds=at,
                    first_media_sequence=endpoint.first_media_sequence,
                )
            )
            plan.notes.append(f"{endpoint.name} is {seconds} s + {delay} s from {at:.1f} s on")
        wishes = plan.wishes[endpoint.guid]
        plan.messages += command_messages(endpoint.guid, wishes, commands)
        if not wishes.are_none:
            plan.notes.append(f"{endpoint.name}: {wishes}")
    for encoder in plan.encoders:
        plan.messages += encoder.messages(plan.register)
    plan.messages.sort(key=lambda message: message.instant)
