"""The decision core by itself: facts off the wire to entries onto it, in one thread."""

from __future__ import annotations

import time

from bench.context import Case, Context
from bench.result import Figure, Result, Run
from bench.rounds import median_of
from support.synthetic import CHANNEL, SyntheticEncoder, configured
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.facts import Fact
from understudy_domain.fold import ChannelFold

_ENDPOINTS = {"two": 2.0, "six": 6.0}


def _measure(context: Context) -> Result:
    segments = 300 if context.is_quick else 900
    messages = [configured(name, seconds=seconds) for name, seconds in _ENDPOINTS.items()]
    for number, lag_seconds in ((1, 0.3), (2, 0.5)):
        messages += SyntheticEncoder(number, lag_seconds=lag_seconds).messages(range(segments))
    messages.sort(key=lambda message: message.instant)
    wire = [(codec.encode(message.fact), message.input_id, message.instant) for message in messages]
    runs = []
    for number in range(context.rounds):
        fold = ChannelFold(ChannelState(CHANNEL))
        decisions = 0
        started = time.process_time()
        for payload, _, _ in wire:
            codec.decode(payload)
        decoding = time.process_time() - started
        started = time.process_time()
        for sequence, (payload, input_id, instant) in enumerate(wire, start=1):
            fact = codec.decode(payload)
            assert isinstance(fact, Fact)
            for entry in fold.apply(fact, input_id=input_id, instant=instant, sequence=sequence):
                codec.encode(entry)
                decisions += 1
        took = time.process_time() - started
        values = {
            "facts": len(wire),
            "decisions": decisions,
            "facts_per_second": len(wire) / took,
            "decisions_per_second": decisions / took,
            "microseconds_per_fact": took * 1e6 / len(wire),
            "decode_microseconds_per_fact": decoding * 1e6 / len(wire),
        }
        runs.append(Run("core", number, values))
    figures = (
        Figure("facts", median_of(runs, "core", "facts_per_second"), "1/s"),
        Figure("decisions", median_of(runs, "core", "decisions_per_second"), "1/s"),
        Figure("CPU time a fact", median_of(runs, "core", "microseconds_per_fact"), "µs"),
        Figure("of which decoding", median_of(runs, "core", "decode_microseconds_per_fact"), "µs"),
    )
    return Result(CASE.name, CASE.title, figures, tuple(runs))


CASE = Case(
    "core", "the decision core: two inputs of S_in 2 s, endpoints of S_out 2 s and 6 s, codec included", _measure
)
