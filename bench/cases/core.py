"""The decision core by itself, in one thread: facts off the wire to entries onto it, beside the library's JSON alone.

It is measured as it is and compiled, as images have it, in turns, each in a process of its own.

The reference is what any program in Python must do that reads such facts and writes such entries: parse them, and
write them, with the standard library. So the figure to compare machines and versions by is a ratio.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bench import REPOSITORY
from bench.broadcast import Prepared, prepared_facts
from bench.compiled import compiled_core, environment
from bench.context import Case, Context
from bench.on_air import ENDPOINT_SECONDS, say
from bench.result import Figure, Result, Run
from understudy_domain import codec, ticks
from understudy_domain.channel_state import ChannelState
from understudy_domain.facts import EndpointConfigured, Fact
from understudy_domain.fold import ChannelFold
from understudy_domain.fold import __file__ as core_file

_BEGIN = ticks.from_seconds(1_800_000_000)
_STEPS = (1, 100, 1000)
_FACTS_A_STEP = 20_000
_FIGURES = (
    ("facts", "facts_per_second", "1/s"),
    ("decisions", "decisions_per_second", "1/s"),
    ("CPU time a fact", "microseconds_per_fact", "µs"),
    ("of which decoding facts", "decode_microseconds_per_fact", "µs"),
    ("the same with the library's JSON alone", "json_microseconds_per_fact", "µs"),
    ("times what the JSON alone takes", "times_json", ""),
)
_SEGMENTS_MIN, _SEGMENTS_MAX = 8, 60
"""The first five teach the core how long segments are: with fewer than these there is little to decide."""


@dataclass(frozen=True, slots=True)
class _Message:
    """Of one channel's log."""

    payload: bytes
    input_id: int | None
    instant: int


def _measure(context: Context) -> Result:
    folder = compiled_core()
    runs, figures = [], []
    for channels in _STEPS[:2] if context.is_quick else _STEPS:
        taken = {}
        for how, where in {"interpreted": None, "compiled": folder}.items():
            if how == "compiled" and where is None:
                continue
            say(f"{channels} channels, {how}")
            values = taken[how] = _in_a_process(channels, where)
            subject = f"{channels} channels, {how}"
            runs.append(Run(subject, 0, values | {"channels": channels}))
            figures += [Figure(f"{subject}: {name}", values[key], unit) for name, key, unit in _FIGURES]
        if len(taken) > 1:
            ratio = taken["compiled"]["microseconds_per_fact"] / taken["interpreted"]["microseconds_per_fact"]
            figures.append(Figure(f"{channels} channels: compiled, times interpreted", ratio, ""))
    return Result(CASE.name, CASE.title, tuple(figures), tuple(runs))


def _in_a_process(channels: int, folder: Path | None) -> dict[str, float]:
    command = [sys.executable, "-c", "from bench.cases.core import main; main()", str(channels)]
    run = subprocess.run(
        command, cwd=REPOSITORY, env=environment(folder), check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(run.stdout)
    assert found.pop("is_compiled") == (folder is not None)
    return cast("dict[str, float]", found)


def main() -> None:
    """Measure one step, as the core is that Python finds, and print what came of it."""
    channels = int(sys.argv[1])
    segments = min(max(_FACTS_A_STEP // (channels * 20), _SEGMENTS_MIN), _SEGMENTS_MAX)
    found = _decide(_log(prepared_facts(_BEGIN, segments=segments)), channels)
    print(json.dumps(found | {"is_compiled": not str(core_file).endswith(".py")}))


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
