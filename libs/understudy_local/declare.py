"""Declared resources on a running stack, or checked without one: the controller's own program does it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from understudy_local.data_directory import DataDirectory


def run(file: Path, *words: str, directory: DataDirectory | None) -> int:
    """Run it with these words besides the file; without a ``directory`` it needs no stack. Its exit status.

    Raises:
        StackNotRunning: a stack is needed, and none runs there.
    """
    environment = dict(os.environ)
    if directory is not None:
        directory.require_running()
        environment["UNDERSTUDY_NATS_URL"] = directory.read_stack()["nats_url"]
    command = [sys.executable, "-P", "-m", "understudy_controller.declare", str(file), *words]
    return subprocess.run(command, env=environment, check=False).returncode
