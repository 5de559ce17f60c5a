"""From the moment a slot can be decided to its entry in PROGRAM, with many channels on one controller core."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from bench import on_air
from bench.broadcast import FACTS_A_SEGMENT, SEGMENT_SECONDS, Broadcast
from bench.context import Case, Context
from bench.cores import cpu_seconds
from bench.installation import Installation, Service, running_installation
from bench.on_air import Decided
from bench.result import Figure, Result, Run, at_most
from bench.rounds import percentile
from understudy_domain import ticks
from understudy_domain.reason import Reason

_STEPS = (100, 300, 600, 1000)
_DYING = 10
"""One channel in so many loses its first input while it is being measured."""
_GOAL_MILLISECONDS = 50.0


def _measure(context: Context) -> Result:
    seconds = 8 if context.is_quick else 16
    runs = []
    for count in _STEPS[:2] if context.is_quick else _STEPS:
        directory = context.directory / str(count)
        with running_installation(directory, cores=context.cores) as installation:
            on_air.say(f"{count} channels: preparing")
            with installation.service("controller") as controller:
                runs.append(asyncio.run(_step(installation, controller, count, seconds=seconds)))
    figures = [figure for run in runs for figure in _figures(run)] + _growth(runs)
    endpoints = " s and ".join(map(str, on_air.ENDPOINT_SECONDS))
    note = f"two inputs of five renditions, S_in {SEGMENT_SECONDS} s; endpoints of S_out {endpoints} s; one channel in"
    notes = (f"{note} {_DYING} loses an input",)
    return Result(CASE.name, CASE.title, tuple(figures), tuple(runs), notes)


async def _step(installation: Installation, controller: Service, count: int, *, seconds: int) -> Run:
    async with installation.access() as access:
        empty = on_air.resident_bytes(controller.pid)
        channels = await on_air.create_channels(access, count)
        warm_up = on_air.WARM_UP_SECONDS
        broadcast = on_air.broadcast_of(
            channels,
            shards=access.settings.shards,
            segments=(warm_up + seconds) // SEGMENT_SECONDS,
            dies_at=(warm_up + seconds // 4) // SEGMENT_SECONDS,
            dying=_DYING,
        )
        values: dict[str, float] = {"channels": count, "seconds": seconds}

        async def watch() -> None:
            await asyncio.sleep(on_air.until(broadcast, warm_up))
            on_air.say(f"{count} channels: measuring for {seconds} s")
            pids = {"controller": controller.pid, "generator": os.getpid()}
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            busy = on_air.core_busy_seconds(installation.cores.load)
            await asyncio.sleep(on_air.until(broadcast, warm_up + seconds))
            for name, pid in pids.items():
                values[f"{name}_cpu_seconds"] = cpu_seconds(pid) - before[name]
            values["load_core_busy_seconds"] = on_air.core_busy_seconds(installation.cores.load) - busy
            values["resident_bytes_per_channel"] = (on_air.resident_bytes(controller.pid) - empty) / count
            on_air.say(f"{count} channels: waiting for what is still owed")

        caught_up = await on_air.on_air(access, broadcast, during=watch)
        found = await on_air.decided(access)
    values |= latencies(found, broadcast, begin_seconds=warm_up, seconds=seconds, caught_up=caught_up)
    values["generator_late_p99_milliseconds"] = percentile(broadcast.lateness_seconds, 99) * 1e3
    return Run(f"{count} channels", 0, values)


def latencies(
    found: Sequence[Decided], broadcast: Broadcast, *, begin_seconds: float, seconds: float, caught_up: bool
) -> dict[str, float]:
    """Of what could be decided while it was being measured, and by itself of what a deadline decided."""
    begin = broadcast.begin + ticks.from_seconds(begin_seconds)
    end = begin + ticks.from_seconds(seconds)
    inside = [one for one in found if begin <= one.decidable_at < end]
    appended = [one for one in found if begin <= one.appended_at < end]
    deadlines = [one.milliseconds for one in inside if one.reason is Reason.FAILOVER]
    keeps = [one.milliseconds for one in inside if one.reason is Reason.KEEP]
    owed = on_air.owed(len(broadcast.channels), seconds=seconds)
    values: dict[str, float] = {
        "decisions": len(inside),
        "decisions_owed": owed,
        "decisions_missing": max(0, owed - len(inside)) if not caught_up else 0,
        "decisions_per_second": len(appended) / seconds,
        "failovers": len(deadlines),
    }
    for name, milliseconds in (("keep", keeps), ("deadline", deadlines)):
        if milliseconds:  # a controller that is far behind may not have come to any
            values |= {f"{name}_p{percent}_milliseconds": percentile(milliseconds, percent) for percent in (50, 99)}
    return values


def _figures(run: Run) -> list[Figure]:
    values = run.values
    seconds, count = values["seconds"], values["channels"]
    facts = count * FACTS_A_SEGMENT * seconds / SEGMENT_SECONDS
    figures = [
        Figure(
            f"{what} to appended, p{percent}", values[key], "ms", at_most(_GOAL_MILLISECONDS) if percent == 99 else None
        )
        for what, name in (("complete", "keep"), ("deadline", "deadline"))
        for percent in (50, 99)
        if (key := f"{name}_p{percent}_milliseconds") in values
    ]
    figures += [
        Figure("owed and not decided when it was given up", values["decisions_missing"], "", at_most(0)),
        Figure("controller's core", 100 * values["controller_cpu_seconds"] / seconds, "%"),
        Figure("CPU time a fact, controller", _cpu_microseconds(run), "µs"),
        Figure("facts", facts / seconds, "1/s"),
        Figure("decisions", values["decisions_per_second"], "1/s"),
        Figure("decisions owed", values["decisions_owed"] / seconds, "1/s"),
        Figure("memory a channel", _memory_kibibytes(run), "KiB"),
        Figure("the other core (generator and NATS)", 100 * values["load_core_busy_seconds"] / seconds, "%"),
        Figure("facts written late, p99", values["generator_late_p99_milliseconds"], "ms"),
    ]
    return [Figure(f"{run.subject}: {one.name}", one.value, one.unit, one.goal) for one in figures]


def _growth(runs: Sequence[Run]) -> list[Figure]:
    """How many channels are decided for in time, and what of it grows with their number."""
    counts = [int(run.values["channels"]) for run in runs if _is_in_time(run)]
    least, most = runs[0], runs[-1]
    grows = f"{int(least.values['channels'])} to {int(most.values['channels'])} channels"
    return [
        Figure(f"most channels of which p99 is within {_GOAL_MILLISECONDS:g} ms", max(counts, default=0), ""),
        Figure(f"{grows}: CPU time a fact, times what it was", _cpu_microseconds(most) / _cpu_microseconds(least), ""),
        Figure(f"{grows}: memory a channel, times what it was", _memory_kibibytes(most) / _memory_kibibytes(least), ""),
    ]


def _is_in_time(run: Run) -> bool:
    latest = [run.values.get(f"{name}_p99_milliseconds") for name in ("keep", "deadline")]
    return not run.values["decisions_missing"] and all(one is not None and one <= _GOAL_MILLISECONDS for one in latest)


def _cpu_microseconds(run: Run) -> float:
    """A fact."""
    facts = run.values["channels"] * FACTS_A_SEGMENT * run.values["seconds"] / SEGMENT_SECONDS
    return 1e6 * run.values["controller_cpu_seconds"] / facts


def _memory_kibibytes(run: Run) -> float:
    """A channel."""
    return run.values["resident_bytes_per_channel"] / 1024


CASE = Case(
    "decisions",
    "a slot's last fact, or its deadline, to its entry in PROGRAM; one controller, by log time",
    _measure,
    frozenset({"taskset"}),
)
