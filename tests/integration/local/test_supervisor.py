"""The supervisor on small real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from understudy_local.errors import PartFailed
from understudy_local.part import Part, always
from understudy_local.supervisor import Supervisor, Watcher

SLEEP = "import time; time.sleep(60)"
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


class Heard:
    """What the supervisor told."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.changes = 0

    def watcher(self) -> Watcher:
        def changed() -> None:
            self.changes += 1

        return Watcher(say=self.said.append, changed=changed)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def supervisor(heard: Heard) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(heard.watcher())
    yield supervisor
    await supervisor.stop()


def python(tmp_path: Path, code: str, *, name: str = "part", stop_seconds: float = 5.0) -> Part:
    return Part(
        name=name,
        command=always(sys.executable, "-c", code),
        log=tmp_path / f"{name}.log",
        stop_seconds=stop_seconds,
    )


async def eventually(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.02)


def exists(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def nothing(part: Part, seconds: float) -> None:
    """Nobody is told."""


async def test_starts_again_what_was_killed_and_says_so(supervisor: Supervisor, heard: Heard, tmp_path: Path) -> None:
    await supervisor.start([python(tmp_path, SLEEP)], ready=nothing)
    before = supervisor.pids()["part"]
    os.kill(before, signal.SIGKILL)
    await eventually(lambda: supervisor.pids().get("part", before) != before)
    await eventually(lambda: heard.changes == 1)
    assert heard.said == ["part was ended by SIGKILL, starting it again"]


async def test_a_part_that_ends_while_starting_is_an_error_with_its_last_words(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    async def never() -> bool:
        return False

    part = Part(
        name="part",
        command=always(sys.executable, "-c", "print('no such bucket'); raise SystemExit(3)"),
        log=tmp_path / "part.log",
        is_ready=never,
    )
    with pytest.raises(PartFailed, match=r"part ended with status 3 while it was started(.|\n)*no such bucket"):
        await supervisor.start([part], ready=nothing)


async def test_a_part_that_is_not_ready_in_time_is_ended(supervisor: Supervisor, tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    part = Part(
        name="part",
        command=always(sys.executable, "-c", SLEEP),
        log=tmp_path / "part.log",
        is_ready=never,
        ready_seconds=0.3,
    )
    with pytest.raises(PartFailed, match=r"not ready after 0\.3 s"):
        await supervisor.start([part], ready=nothing)
    assert supervisor.pids() == {}


async def test_one_that_fails_to_start_does_not_leave_the_others_behind(supervisor: Supervisor, tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    failing = Part(
        name="failing",
        command=always(sys.executable, "-c", "raise SystemExit(1)"),
        log=tmp_path / "failing.log",
        is_ready=never,
    )
    with pytest.raises(PartFailed):
        await supervisor.start([python(tmp_path, SLEEP, name="other"), failing], ready=nothing)
    await supervisor.stop()
    assert supervisor.pids() == {}


async def test_kills_what_does_not_end_when_asked(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.start([python(tmp_path, STUBBORN, stop_seconds=0.3)], ready=nothing)
    await eventually(lambda: "ready" in (tmp_path / "part.log").read_text())
    pid = supervisor.pids()["part"]
    await supervisor.stop()
    assert not exists(pid)


async def test_starts_nothing_again_once_it_was_stopped(supervisor: Supervisor, heard: Heard, tmp_path: Path) -> None:
    await supervisor.start([python(tmp_path, SLEEP)], ready=nothing)
    await supervisor.stop()
    assert supervisor.pids() == {}
    assert heard.said == []


async def test_a_part_is_in_a_session_of_its_own(supervisor: Supervisor, tmp_path: Path) -> None:
    await supervisor.start([python(tmp_path, SLEEP)], ready=nothing)
    pid = supervisor.pids()["part"]
    assert os.getsid(pid) == pid != os.getsid(0)


async def test_no_part_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
from pathlib import Path
from understudy_local.part import Part, Running, always
async def main():
    command = (sys.executable, "-c", {SLEEP!r})
    part = Part(name="part", command=always(*command), log=Path({str(tmp_path / "part.log")!r}))
    print((await Running.start(part, command)).pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    child = int(await process.stdout.readline())
    await eventually(lambda: b"time.sleep" in Path(f"/proc/{child}/cmdline").read_bytes())
    process.kill()
    await process.wait()
    await eventually(lambda: not exists(child))


async def test_what_could_not_be_started_again_is_tried_until_it_can(
    supervisor: Supervisor, heard: Heard, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    await supervisor.start([python(folder, SLEEP)], ready=nothing)
    first = supervisor.pids()["part"]
    (folder / "part.log").unlink()
    folder.rmdir()
    folder.touch()  # a file where the folder was: no log can be opened
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: any("could not be started" in line for line in heard.said))
    folder.unlink()
    await eventually(lambda: supervisor.pids().get("part", first) != first)


async def test_a_part_that_cannot_be_started_keeps_nothing_from_ending(
    supervisor: Supervisor, heard: Heard, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    await supervisor.start([python(tmp_path, SLEEP, name="other")], ready=nothing)
    await supervisor.start([python(folder, SLEEP)], ready=nothing)
    other = supervisor.pids()["other"]
    (folder / "part.log").unlink()
    folder.rmdir()
    folder.touch()
    os.kill(supervisor.pids()["part"], signal.SIGKILL)
    await eventually(lambda: any("could not be started" in line for line in heard.said))
    await supervisor.stop()
    assert not exists(other)
