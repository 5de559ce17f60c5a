"""One program of the stack: how it is started, when it is ready, how it ends. Data; the supervisor acts on it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_TETHER: Final = Path(__file__).with_name("tether.py")
_TAIL_LINES: Final = 12
_TAIL_BYTES: Final = 8_192


async def _at_once() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A program to be kept running."""

    name: str
    command: Callable[[], Awaitable[Sequence[str]]]
    """Asked for before each start; may wait for the right moment. The first word is an absolute path."""
    log: Path
    """Where its output goes, appended."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """In addition to this process's own."""
    directory: Path | None = None
    """Its working directory; None is this process's own."""
    inherited: Sequence[int] = ()
    """File descriptors that it is given under the same numbers."""
    is_ready: Callable[[], Awaitable[bool]] = _at_once
    """Asked again and again after a start, until it says so."""
    ready_seconds: float = 60.0
    """How long a start may take."""
    stop_seconds: float = 5.0
    """How long it may take to end after SIGTERM before it is killed; 0 kills at once."""


def always(*command: str) -> Callable[[], Awaitable[Sequence[str]]]:
    """A command that is the same at every start."""

    async def same() -> Sequence[str]:
        return command

    return same


class Running:
    """A part that was started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, part: Part, command: Sequence[str]) -> Running:
        """Start it, in a session of its own (a Ctrl-C in the terminal is the supervisor's alone), tied to our life."""
        part.log.parent.mkdir(parents=True, exist_ok=True)
        with part.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **part.environment},
                cwd=part.directory,
                pass_fds=part.inherited,
                start_new_session=True,
            )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it is no more."""
        return self._process.returncode is not None

    async def ended(self) -> str:
        """Wait until it ends; says how, for people."""
        code = await self._process.wait()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"

    async def stop(self, *, seconds: float) -> None:
        """Ask it to end, and kill it and what it started when it does not within ``seconds``."""
        if self.has_ended:
            return
        if seconds > 0:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), seconds)
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


def tail_of(log: Path) -> str:
    """The last lines of a log, indented, for a message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:]) or "    (it said nothing)"
