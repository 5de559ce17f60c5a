"""A thousand channels on the air on one controller core, without anybody who looks and with fifty consoles open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from bench import on_air
from bench.broadcast import SEGMENT_SECONDS
from bench.cases.decisions import latencies
from bench.context import Case, Context
from bench.cores import cpu_seconds
from bench.installation import Installation, Service, running_installation
from bench.result import Figure, Result, Run, at_most

_CHANNELS = 1000
_CONSOLES = 50
_GOAL_MILLISECONDS = 50.0


def _measure(context: Context) -> Result:
    seconds, count = (8, 100) if context.is_quick else (16, _CHANNELS)
    runs = []
    for number, consoles in enumerate((0, _CONSOLES)):
        on_air.say(f"{count} channels, {consoles} consoles: preparing")
        with (
            running_installation(context.directory / str(number), cores=context.cores) as installation,
            installation.service("controller") as controller,
        ):
            runs.append(asyncio.run(_step(installation, controller, count, consoles, seconds=seconds)))
    note = "channels of one rendition, S_in 2 s, two endpoints; half of the consoles show all channels, half one each"
    return Result(CASE.name, CASE.title, _figures(*runs), tuple(runs), (note,))


async def _step(installation: Installation, controller: Service, count: int, consoles: int, *, seconds: int) -> Run:
    async with installation.access() as access:
        channels = await on_air.create_channels(access, count)
        warm_up = on_air.WARM_UP_SECONDS
        broadcast = on_air.broadcast_of(
            channels,
            shards=access.settings.shards,
            segments=(warm_up + seconds) // SEGMENT_SECONDS,
            dies_at=(warm_up + seconds // 4) // SEGMENT_SECONDS,
            dying=10,
            renditions=1,
        )
        values: dict[str, float] = {"channels": count, "consoles": consoles, "seconds": seconds}
        pages = [_Page(controller.port, _path(number, count)) for number in range(consoles)]

        async def watch() -> None:
            await asyncio.sleep(on_air.until(broadcast, warm_up - 4))
            opened = [asyncio.create_task(page.read()) for page in pages]
            await asyncio.sleep(on_air.until(broadcast, warm_up))
            on_air.say(f"{count} channels, {consoles} consoles: measuring for {seconds} s")
            before, read = cpu_seconds(controller.pid), sum(page.bytes_read for page in pages)
            await asyncio.sleep(on_air.until(broadcast, warm_up + seconds))
            values["controller_cpu_seconds"] = cpu_seconds(controller.pid) - before
            values["bytes_per_second"] = (sum(page.bytes_read for page in pages) - read) / seconds
            values["consoles_live"] = sum(
                page.bytes_read > 0 and not task.done() for page, task in zip(pages, opened, strict=True)
            )
            for task in opened:
                task.cancel()
            await asyncio.gather(*opened, return_exceptions=True)

        caught_up = await on_air.on_air(access, broadcast, during=watch)
        found = await on_air.decided(access)
    values |= latencies(found, broadcast, begin_seconds=warm_up, seconds=seconds, caught_up=caught_up)
    return Run(f"{consoles} consoles", 0, values)


def _path(number: int, count: int) -> str:
    if number % 2 == 0:
        return "/console/feed/overview"
    return f"/console/feed/channels/bench-{number * (count // _CONSOLES) % count}"


class _Page:
    """A console that reads all that it is sent, and draws nothing."""

    def __init__(self, port: int, path: str) -> None:
        self._port = port
        self._path = path
        self.bytes_read = 0

    async def read(self) -> None:
        """Until it is ended, by either side."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            while chunk := await reader.read(65_536):
                self.bytes_read += len(chunk)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _figures(*runs: Run) -> tuple[Figure, ...]:
    figures = []
    for run in runs:
        values = run.values
        found = [
            Figure("controller's core", 100 * values["controller_cpu_seconds"] / values["seconds"], "%"),
            Figure("owed and not decided when it was given up", values["decisions_missing"], "", at_most(0)),
        ]
        found += [
            Figure(f"{what} to appended, p99", values[key], "ms", at_most(_GOAL_MILLISECONDS))
            for what, key in (("complete", "keep_p99_milliseconds"), ("deadline", "deadline_p99_milliseconds"))
            if key in values
        ]
        if values["consoles"]:
            found += [
                Figure("of which live all the time", values["consoles_live"], ""),
                Figure("sent to all of them", values["bytes_per_second"] / 1024, "KiB/s"),
            ]
        figures += [Figure(f"{run.subject}: {one.name}", one.value, one.unit, one.goal) for one in found]
    figures.append(_difference(runs))
    return tuple(figures)


def _difference(runs: Sequence[Run]) -> Figure:
    without, with_them = (run.values["controller_cpu_seconds"] / run.values["seconds"] for run in runs)
    return Figure("what a console costs of a core", 100 * (with_them - without) / _CONSOLES, "%")


CASE = Case(
    "consoles",
    "a thousand channels on one controller, with nobody who looks and with fifty consoles",
    _measure,
    frozenset({"taskset"}),
)
