"""A service that is told to end while it starts ends at once, and with 0: while it is loaded, and while it waits."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.deadline import eventually
from support.ports import free_ports

SERVICES = ("ingest", "controller", "egress", "harvester")
END_SECONDS = 5.0
_SIGTERM_BIT = 1 << (signal.SIGTERM - 1)


@contextlib.contextmanager
def starting(service: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A service whose NATS is not there."""
    port, nowhere = free_ports(2)
    environment = {
        **os.environ,
        "UNDERSTUDY_LISTEN_PORT": str(port),
        "UNDERSTUDY_NATS_URL": f"nats://127.0.0.1:{nowhere}",
        "UNDERSTUDY_AUTHENTICATION": "none",
        "UNDERSTUDY_DRAIN_DELAY_SECONDS": "30",  # for those who send requests: nobody does before it was ready
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"understudy_{service}"], stdout=output, stderr=output, env=environment
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def handles_sigterm(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process has a handler: the first one of a container is not ended by SIGTERM otherwise."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & _SIGTERM_BIT)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_being_loaded_ends_upon_sigterm(service: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with starting(service, log) as process:
        eventually(lambda: handles_sigterm(process), within_seconds=20, what="it handles SIGTERM", poll_seconds=0.002)
        assert log.read_text() == "", "it has come further than this test wants"
        process.terminate()
        assert process.wait(END_SECONDS) == 0
        assert log.read_text() == ""


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_waits_for_nats_ends_upon_sigterm_even_twice(service: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with starting(service, log) as process:
        eventually(lambda: "NATS" in log.read_text(), within_seconds=30, what="it waits", poll_seconds=0.05)
        process.terminate()
        time.sleep(0.05)
        process.terminate()
        assert process.wait(END_SECONDS) == 0
        assert "Traceback" not in log.read_text()
