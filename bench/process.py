"""Processes that this run has started, ended by their pid."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from support.deadline import eventually

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[int]:
    """A program that is ready; its pid. It is ended afterwards, whatever happens."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, pass_fds=pass_fds
        )

    def ready() -> bool:
        assert process.poll() is None, f"{command[0]} ended with {process.returncode}:\n{log.read_text()[-2000:]}"
        return is_ready()

    try:
        eventually(ready, within_seconds=_START_SECONDS, what=f"{' '.join(command)} is ready", poll_seconds=0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
