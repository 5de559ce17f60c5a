"""The decision core by itself, in one thread: facts off the wire to entries onto it, beside the library's JSON alone.

The reference is what any program in Python must do that reads such facts and writes such entries: parse them, and
write them, with the standard library. So the figure to compare machines and versions by is a ratio.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.broadcast import Prepared, prepared_facts
from bench.context import Case, Context
from bench.on_air import ENDPOINT_SECONDS, say
from bench.result import Figure, Result, Run
from understudy_domain import codec, ticks
from understudy_domain.channel_state import ChannelState
from understudy_domain.facts import EndpointConfigured, Fact
from understudy_domain.fold import ChannelFold

_BEGIN = ticks.from_seconds(1_800_000_000)
_STEPS = (1, 100, 1000)
_FACTS_A_STEP = 20_000
_SEGMENTS_MIN, _SEGMENTS_MAX = 8, 60
"""The first five teach the core how long segments are: with fewer than these there is little to decide."""


@dataclass(frozen=True, slots=True)
class _Message:
    """Of one channel's log."""

    payload: bytes
    input_id: int | None
    instant: int


def _measure(context: Context) -> Result:
    runs = []
    for channels in _STEPS[:2] if context.is_quick else _STEPS:
        say(f"{channels} channels")
        segments = min(max(_FACTS_A_STEP // (channels * 20), _SEGMENTS_MIN), _SEGMENTS_MAX)
        log = _log(prepared_facts(_BEGIN, segments=segments))
        runs.append(Run(f"{channels} channels", 0, _decide(log, channels) | {"channels": channels}))
    figures = []
    for run in runs:
        for name, key, unit in (
            ("facts", "facts_per_second", "1/s"),
            ("decisions", "decisions_per_second", "1/s"),
            ("CPU time a fact", "microseconds_per_fact", "µs"),
            ("of which decoding facts", "decode_microseconds_per_fact", "µs"),
            ("the same with the library's JSON alone", "json_microseconds_per_fact", "µs"),
            ("times what the JSON alone takes", "times_json", ""),
        ):
            figures.append(Figure(f"{run.subject}: {name}", run.values[key], unit))
    return Result(CASE.name, CASE.title, tuple(figures), tuple(runs))


def _log(facts: Sequence[Prepared]) -> list[_Message]:
    """One channel's log, as it is on the wire."""
    log = []
    for number, seconds in enumerate(ENDPOINT_SECONDS):
        fact = EndpointConfigured(f"{number:032x}", ticks.from_seconds(seconds), 0, 1)
        log.append(_Message(codec.encode(fact), None, _BEGIN - ticks.TICKS_PER_SECOND))
    for one in facts:
        instant = _BEGIN + ticks.from_seconds(one.after_seconds)
        log.append(_Message(codec.encode(one.fact), one.input_id, instant))
    return log


def _decide(log: Sequence[_Message], channels: int) -> dict[str, float]:
    """Every channel is told the log, each message in turn, so that no channel stays in the processor's caches."""
    folds = [ChannelFold(ChannelState(f"{number:032x}")) for number in range(channels)]
    decisions = 0
    decoding = reference = deciding = 0.0
    for sequence, message in enumerate(log, start=1):
        payload = message.payload
        started = time.process_time()
        for _ in folds:
            codec.decode(payload)
        decoded = time.process_time()
        written: list[bytes] = []
        for fold in folds:
            fact = codec.decode(payload)
            assert isinstance(fact, Fact)
            entries = fold.apply(fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
            written += map(codec.encode, entries)
        decided = time.process_time()
        plain = [json.loads(one) for one in written]
        parsed = time.process_time()
        for _ in folds:
            json.loads(payload)
        for one in plain:
            json.dumps(one)
        decoding += decoded - started
        deciding += decided - decoded
        reference += time.process_time() - parsed
        decisions += len(written)
    facts = len(log) * channels
    return {
        "facts": facts,
        "decisions": decisions,
        "facts_per_second": facts / deciding,
        "decisions_per_second": decisions / deciding,
        "microseconds_per_fact": deciding * 1e6 / facts,
        "decode_microseconds_per_fact": decoding * 1e6 / facts,
        "json_microseconds_per_fact": reference * 1e6 / facts,
        "times_json": deciding / reference,
    }


CASE = Case(
    "core",
    "the decision core: two inputs of five renditions, endpoints of S_out 2 s and 6 s; codec included",
    _measure,
)
