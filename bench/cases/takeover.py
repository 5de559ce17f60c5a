"""A controller is killed while its channels are on the air: how long until each of them is decided for again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Sequence
from statistics import median

from bench import on_air
from bench.broadcast import RENDITIONS, SEGMENT_SECONDS
from bench.context import Case, Context
from bench.cores import cpu_seconds
from bench.http import UnexpectedAnswer
from bench.installation import Access, Installation, Service, running_installation
from bench.on_air import Decided
from bench.result import Figure, Result, Run, at_most
from understudy_domain import codec, keys, ticks
from understudy_domain.ownership import Lease
from understudy_runtime import clock
from understudy_runtime.errors import NotFound
from understudy_runtime.kv import KeyValue

_SIBLING, _RESTART = "a sibling takes over", "the same is started again"
_BEFORE_SECONDS = on_air.WARM_UP_SECONDS + 10
"""When the controller is killed, after the beginning: each channel has a snapshot by then."""
_AFTER_SECONDS = 12
_GOAL_SECONDS = 5.0
_IN_TIME_MILLISECONDS = 100.0
_SETTLE_SECONDS = 30.0


def _measure(context: Context) -> Result:
    every = len(RENDITIONS)
    variants = [(count, every, _SIBLING) for count in (100, 300, 600, 1000)]
    variants += [(1000, every, _RESTART), (1000, 1, _SIBLING)]
    if context.is_quick:
        variants = [(100, every, _SIBLING), (100, every, _RESTART)]
    runs = []
    for number, (count, renditions, how) in enumerate(variants):
        on_air.say(f"{count} channels, {how}: preparing")
        with (
            running_installation(context.directory / str(number), cores=context.cores) as installation,
            contextlib.ExitStack() as controllers,
        ):
            doomed = controllers.enter_context(installation.service("controller"))
            sibling = controllers.enter_context(installation.service("controller")) if how == _SIBLING else None
            runs.append(asyncio.run(_kill(installation, doomed, sibling, controllers, count, renditions=renditions)))
    in_time = [
        count
        for (count, renditions, how), run in zip(variants, runs, strict=True)
        if (renditions, how) == (every, _SIBLING) and _is_in_time(run)
    ]
    most = f"most channels of {every} renditions that a sibling decides for again within {_GOAL_SECONDS:g} s"
    figures = [figure for run in runs for figure in _figures(run)]
    figures.append(Figure(f"{most}, half of them orphans", max(in_time, default=0), ""))
    return Result(CASE.name, CASE.title, tuple(figures), tuple(runs))


def _is_in_time(run: Run) -> bool:
    return not run.values["orphans_left"] and run.values["decided_again_last_seconds"] <= _GOAL_SECONDS


async def _kill(
    installation: Installation,
    doomed: Service,
    sibling: Service | None,
    controllers: contextlib.ExitStack,
    count: int,
    *,
    renditions: int,
) -> Run:
    """``sibling``: who is to take over; None: the same is started again."""
    how = _RESTART if sibling is None else _SIBLING
    async with installation.access() as access:
        await _settle(access, replicas=1 if sibling is None else 2)
        channels = await on_air.create_channels(access, count)
        segments = (_BEFORE_SECONDS + _AFTER_SECONDS) // SEGMENT_SECONDS
        broadcast = on_air.broadcast_of(
            channels, shards=access.settings.shards, segments=segments, renditions=renditions
        )
        owners: dict[int, str] = {}
        killed_at = 0
        values: dict[str, float] = {"channels": count}

        async def kill() -> None:
            nonlocal killed_at
            await asyncio.sleep(on_air.until(broadcast, _BEFORE_SECONDS))
            owners.update(await _owners(access))
            on_air.say(f"{count} channels, {how}: killing their controller")
            os.kill(doomed.pid, signal.SIGKILL)
            killed_at = clock.now_ticks()
            used = cpu_seconds(sibling.pid) if sibling is not None else 0.0
            heir = sibling or controllers.enter_context(installation.service("controller", ready=False))
            await asyncio.sleep(on_air.until(broadcast, _BEFORE_SECONDS + _GOAL_SECONDS))
            values["cpu_seconds"] = cpu_seconds(heir.pid) - used
            values["resident_bytes"] = on_air.resident_bytes(heir.pid)

        caught_up = await on_air.on_air(access, broadcast, during=kill)
        after = await _owners(access)
        moved = {shard for shard, replica in owners.items() if after.get(shard) != replica}
        found = await on_air.decided(access)
    values |= {"caught_up": caught_up, "shards_moved": len(moved)}
    orphans = {guid for guid in channels if keys.shard_of(guid, shards=access.settings.shards) in moved}
    each = "one rendition" if renditions == 1 else f"{renditions} renditions"
    return Run(f"{count} channels of {each}, {how}", 0, values | _pause(found, orphans, killed_at))


async def _settle(access: Access, *, replicas: int) -> None:
    """Wait until so many replicas have equal shares."""
    give_up_at = clock.monotonic() + _SETTLE_SECONDS
    while True:
        owners = await _owners(access)
        shares = sorted(Counter(owners.values()).values())
        if shares == [access.settings.shards // replicas] * replicas:
            return
        if clock.monotonic() > give_up_at:
            raise TimeoutError(f"the controllers do not share the channels evenly: {shares}")
        await asyncio.sleep(0.1)


async def _owners(access: Access) -> dict[int, str]:
    leases = KeyValue(access.bus, keys.LEASES_BUCKET)
    found = {}
    for shard in range(access.settings.shards):
        with contextlib.suppress(NotFound):
            value = (await leases.get(keys.lease_key(shard))).value
            if value is not None:
                found[shard] = codec.decode_as(Lease, value).replica
    return found


def _pause(found: Sequence[Decided], orphans: set[str], killed_at: int) -> dict[str, float]:
    """What the death of their controller was to the channels, in seconds after it."""
    again: dict[str, float] = {}
    overdue = [0.0]
    in_time_after = 0.0
    for one in found:
        if one.channel in orphans and one.appended_at > killed_at:
            after = ticks.to_seconds(one.appended_at - killed_at)
            again[one.channel] = min(again.get(one.channel, after), after)
            overdue.append(one.milliseconds / 1e3)
            if one.milliseconds > _IN_TIME_MILLISECONDS:
                in_time_after = max(in_time_after, after)
    if not again:
        raise UnexpectedAnswer(f"none of {len(orphans)} channels was decided for again")
    return {
        "orphans": len(orphans),
        "orphans_left": len(orphans) - len(again),
        "decided_again_median_seconds": median(again.values()),
        "decided_again_last_seconds": max(again.values()),
        "most_overdue_seconds": max(overdue),
        "in_time_again_after_seconds": in_time_after,
    }


def _figures(run: Run) -> list[Figure]:
    values = run.values
    figures = (
        Figure("channels that changed hands", values["orphans"], ""),
        Figure("of these never decided again", values["orphans_left"], "", at_most(0)),
        Figure("decided again, half of them within", values["decided_again_median_seconds"], "s"),
        Figure("decided again, all within", values["decided_again_last_seconds"], "s", at_most(_GOAL_SECONDS)),
        Figure("the most overdue decision was late by", values["most_overdue_seconds"], "s"),
        Figure("none later than 100 ms any more after", values["in_time_again_after_seconds"], "s"),
        Figure("CPU time of who took over, from the kill until 5 s after it", values["cpu_seconds"], "s"),
        Figure("memory of who took over, 5 s after it", values["resident_bytes"] / 2**20, "MiB"),
    )
    return [Figure(f"{run.subject}: {one.name}", one.value, one.unit, one.goal) for one in figures]


CASE = Case(
    "takeover",
    "a controller is killed while its channels are on the air; from then until decisions flow again",
    _measure,
    frozenset({"taskset"}),
)
