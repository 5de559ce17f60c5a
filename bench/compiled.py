"""The decision core as the images have it, compiled, where this machine can compile."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

from deploy.compiled.building import missing

from bench import REPOSITORY

FOLDER = REPOSITORY / "build" / "compiled"


@functools.cache
def compiled_core() -> Path | None:
    """The folder to put on Python's path, built if need be; None where nothing can be compiled."""
    if missing() is not None:
        return None
    command = [sys.executable, "-m", "deploy.compiled", "--into", str(FOLDER), "--if-changed"]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    return FOLDER


def environment(folder: Path | None) -> dict[str, str]:
    """Of a process that takes the core from a folder; interpreted, where there is none."""
    if folder is None:
        return dict(os.environ)
    before = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *([before] if before else [])])}


def how_it_runs() -> str:
    """For a report: ``compiled``, or ``interpreted`` and why."""
    return f"interpreted: {missing()}" if compiled_core() is None else "compiled"
