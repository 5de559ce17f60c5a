"""The decision core, compiled: built once and kept in ``build/compiled`` until its sources change."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from deploy.compiled.building import missing

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "compiled"


@functools.cache
def compiled_core() -> Path:
    """The folder that holds the compiled package; compiles it, a minute or so, where it is not there."""
    if (lack := missing()) is not None:
        if os.environ.get("UNDERSTUDY_REQUIRE_ALL") == "1":
            pytest.fail(lack)
        pytest.skip(lack)
    command = [sys.executable, "-m", "deploy.compiled", "--into", str(FOLDER), "--if-changed"]
    subprocess.run(command, cwd=ROOT, check=True)
    return FOLDER


def environment(folder: Path | None) -> dict[str, str]:
    """Of a process that is to load the domain from a folder, or interpreted as ever."""
    # The build is for the tests' own interpreter, and so are the packages of the source tree that are beside it.
    path = [str(folder)] if folder is not None else [str(ROOT / "libs")]
    before = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([*path, *([before] if before else [])])}
