"""Processes that are paused: connections stay, nothing answers."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from support.deadline import eventually


def pause(process: subprocess.Popen[bytes]) -> None:
    """SIGSTOP, and wait until its last thread has stopped: on a busy machine one may go on for a moment."""
    process.send_signal(signal.SIGSTOP)
    eventually(lambda: _has_stopped(process.pid), what="it is paused", poll_seconds=0.002)


def _has_stopped(pid: int) -> bool:
    states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state in "TZ" for state in states)
