"""Keeps the parts of a stack running: starts them, starts again what dies, ends them in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from understudy_local.errors import PartFailed
from understudy_local.part import Part, Running, tail_of

_POLL_SECONDS: Final = 0.05
_BACK_OFF_SECONDS: Final = (0.0, 0.5, 1.0, 2.0, 5.0)
_STEADY_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told what happens."""

    say: Callable[[str], None]
    """A line for the person at the terminal."""
    changed: Callable[[], None]
    """Some part runs under another pid now, or no more."""


class Keeper:
    """One part, kept running from ``start`` until ``stop``."""

    def __init__(self, part: Part, watcher: Watcher) -> None:
        self.part = part
        self._watcher = watcher
        self._running: Running | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return None if self._running is None or self._running.has_ended else self._running.pid

    @property
    def is_kept(self) -> bool:
        """Whether it is meant to run."""
        return self._task is not None

    async def start(self) -> float:
        """Start the part and wait until it is ready; from then on it is started again whenever it ends.

        Returns:
            How many seconds it took.

        Raises:
            PartFailed: it ended, or was not ready in time. Its process is gone.
        """
        began = time.monotonic()
        running = await self._launch()
        try:
            async with asyncio.timeout(self.part.ready_seconds):
                await self._ready(running)
        except TimeoutError as err:
            await self.stop()
            raise PartFailed(
                f"{self.part.name} was not ready after {self.part.ready_seconds:g} s. "
                f"The end of {self.part.log}:\n{tail_of(self.part.log)}"
            ) from err
        self.keep()
        return time.monotonic() - began

    def keep(self) -> None:
        """Have the part running from now on, without waiting until it does."""
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name=f"keep {self.part.name}")

    async def stop(self, *, seconds: float | None = None) -> None:
        """End the part and leave it ended; ``seconds`` replaces the part's own patience."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._running is not None:
            await self._running.stop(seconds=self.part.stop_seconds if seconds is None else seconds)
            self._running = None

    async def _launch(self) -> Running:
        command = await self.part.command()
        starting = asyncio.ensure_future(Running.start(self.part, command))
        try:
            self._running = await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._running = await starting  # a process that nobody knows of would never be ended
            raise
        return self._running

    async def _ready(self, running: Running) -> None:
        while not await self.part.is_ready():
            if running.has_ended:
                break
            await asyncio.sleep(_POLL_SECONDS)
        if running.has_ended:
            raise PartFailed(
                f"{self.part.name} {await running.ended()} while it was started. "
                f"The end of {self.part.log}:\n{tail_of(self.part.log)}"
            )

    async def _keep(self) -> None:
        failures = 0
        while True:
            if self._running is not None:
                began = time.monotonic()
                how = await self._running.ended()
                if time.monotonic() - began > _STEADY_SECONDS:
                    failures = 0
                await self._pause(how, failures)
                failures += 1
            try:
                await self._launch()
            except OSError as err:  # no memory, a full disk, a folder that is gone: it may be over in a moment
                self._running = None
                failures += 1
                await self._pause(f"could not be started ({err})", failures)
            else:
                self._watcher.changed()

    async def _pause(self, how: str, failures: int) -> None:
        """Say what happened, and wait the longer the more often it did in a row."""
        pause = _BACK_OFF_SECONDS[min(failures, len(_BACK_OFF_SECONDS) - 1)]
        again = "starting it again" if pause == 0 else f"starting it again in {pause:g} s"
        self._watcher.say(f"{self.part.name} {how}, {again}")
        await asyncio.sleep(pause)


class Supervisor:
    """All parts, started in the order they are given and ended in the reverse."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._groups: list[list[Keeper]] = []

    def pids(self) -> dict[str, int]:
        """The process ids of the parts that run, by name."""
        pids = {keeper.part.name: keeper.pid for group in self._groups for keeper in group}
        return {name: pid for name, pid in pids.items() if pid is not None}

    async def start(self, parts: Sequence[Part], *, ready: Callable[[Part, float], None]) -> None:
        """Start parts that do not need each other, and wait until all are ready.

        Raises:
            PartFailed: one is not.
        """
        group = [Keeper(part, self._watcher) for part in parts]
        self._groups.append(group)

        async def start(keeper: Keeper) -> None:
            seconds = await keeper.start()
            ready(keeper.part, seconds)

        tasks = [asyncio.create_task(start(keeper), name=f"start {keeper.part.name}") for keeper in group]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def add(self, part: Part) -> Keeper:
        """A part of its own group that the caller starts and stops as it likes, and that is ended with the others."""
        keeper = Keeper(part, self._watcher)
        self._groups.append([keeper])
        return keeper

    async def stop(self) -> None:
        """End everything, last group first, and start nothing again."""
        for group in reversed(self._groups):
            await asyncio.gather(*(keeper.stop() for keeper in group))
