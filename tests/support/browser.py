"""hls.js in a real browser, playing while a test goes on, and Debian's ffprobe doing the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

PLAYERS = Path(__file__).parents[1] / "e2e" / "players"
CHROMIUM = "/usr/bin/chromium"
FFPROBE = "/usr/bin/ffprobe"
INSTALL_SECONDS = 120


class MissingProgram(Exception):
    """A player cannot run on this machine: what it needs is not installed."""

    def skip(self) -> NoReturn:
        """Skip the test with the reason, or fail it where ``UNDERSTUDY_REQUIRE_ALL=1``."""
        if os.environ.get("UNDERSTUDY_REQUIRE_ALL") == "1":
            pytest.fail(str(self))
        pytest.skip(str(self))


def _require(program: str, *, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise MissingProgram(f"{program} is not there: apt-get install {package}")
    return found


def install_players() -> None:
    """Install hls.js and its driver from the lock file, unless that was done already.

    Raises:
        MissingProgram: Node.js or npm is not there, or the registry is not.
    """
    _require("node", package="nodejs")
    npm = _require("npm", package="npm")
    installed, lock = PLAYERS / "node_modules" / ".package-lock.json", PLAYERS / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    result = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"],
        cwd=PLAYERS,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        raise MissingProgram(f"npm ci failed: {result.stderr[-500:]}")
    installed.touch()


@dataclass(frozen=True, slots=True)
class PlayerReport:
    """What hls.js went through."""

    playing_since: float | None
    """Seconds since the epoch."""
    samples: list[dict[str, Any]]
    errors: list[dict[str, Any]]
    waits: list[dict[str, Any]]
    fragments: list[int]
    complaints: list[str]
    ended_at: float | None = None
    """When it had played to the end of what has one, seconds since the epoch."""
    duration_seconds: float | None = None
    """Of all there is to play, where that has an end."""

    def problems(self) -> list[str]:
        """Errors, stalls and jumps; empty when the playback was flawless from the first picture on."""
        if self.playing_since is None:
            return [f"never played; errors: {self.errors}; complaints: {self.complaints}"]
        began = self.playing_since
        found = [f"hls.js: {error}" for error in self.errors if error["at"] / 1000 >= began or error["fatal"]]
        found += [f"the player had to wait: {wait}" for wait in self.waits]
        found += [f"page: {complaint}" for complaint in self.complaints]
        played = [sample for sample in self.samples if sample["at"] / 1000 >= began]
        for before, after in zip(played, played[8:], strict=False):
            elapsed = (after["at"] - before["at"]) / 1000
            moved = after["position"] - before["position"]
            if not 0.6 * elapsed <= moved <= 1.4 * elapsed:
                found.append(f"in {elapsed:.1f} s the position moved {moved:.2f} s at {after}")
        found += [f"a hole in the buffer: {sample['ranges']}" for sample in played if len(sample["ranges"]) > 1][:3]
        return found


class BrowserPlayer:
    """hls.js in Debian's Chromium, driven by a Node process."""

    def __init__(self, url: str) -> None:
        chromium = _require(CHROMIUM, package="chromium")
        install_players()
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            ["node", "hls.mjs", url, chromium, self._profile.name],
            cwd=PLAYERS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_playing(self) -> None:
        """Until the first picture shows, or the page has given up on it."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "playing\n", "the player ended before it played"

    def finish(self) -> PlayerReport:
        """Stop playing; what happened."""
        try:
            output, said = self._process.communicate(timeout=30)
        finally:
            self.close()
        assert self._process.returncode == 0, f"the player ended with {self._process.returncode}: {said[-2000:]}"
        plain = json.loads(output.splitlines()[-1])
        since = plain["playingSince"]
        return PlayerReport(
            since and since / 1000,
            plain["samples"],
            plain["errors"],
            plain["waits"],
            plain["fragments"],
            plain["complaints"],
            plain["endedAt"] and plain["endedAt"] / 1000,
            plain["duration"],
        )

    def close(self) -> None:
        """End it if it runs, whatever its state."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._profile.cleanup()


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What ffprobe read."""

    problems: list[str]
    """Errors, and timestamps that do not go on; empty when there was none."""
    warnings: list[str]
    pictures: int
    """How many it read."""


class ProbePlayer:
    """Debian's ffprobe, reading a live URL packet by packet until it is stopped."""

    def __init__(self, url: str, *, directory: Path) -> None:
        ffprobe = _require(FFPROBE, package="ffmpeg")
        directory.mkdir(parents=True, exist_ok=True)
        self._packets_path = directory / "ffprobe-packets.txt"
        self._said_path = directory / "ffprobe.log"
        command = [ffprobe, "-hide_banner", "-loglevel", "level+warning", "-show_entries"]
        command += ["packet=codec_type,pts,duration", "-of", "compact=print_section=0", url]
        with self._packets_path.open("wb") as packets, self._said_path.open("wb") as said:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=packets, stderr=said)

    def finish(self) -> ProbeReport:
        """Stop reading; what was read."""
        assert self._process.poll() is None, f"ffprobe ended by itself: {self._said_path.read_text()}"
        self.close()
        return self._report(cut_short=True)

    def _report(self, *, cut_short: bool) -> ProbeReport:
        said = self._said_path.read_text().splitlines()
        problems = [f"ffprobe said: {line}" for line in said if "[warning]" not in line]
        pictures = 0
        last: dict[str, int] = {}
        lines = self._packets_path.read_text().splitlines()
        for line in lines[:-1] if cut_short else lines:
            fields = dict(field.partition("=")[::2] for field in line.split("|"))
            if "codec_type" not in fields:
                continue
            kind, pts, duration = fields["codec_type"], int(fields["pts"]), int(fields["duration"])
            pictures += kind == "video"
            step = pts - last.get(kind, pts - duration)
            # Sound may gap or overlap by less than a packet where two encoders' cuts meet.
            if step != duration if kind == "video" else not 0 < step < 2 * duration:
                problems.append(f"{kind} goes on {step} ticks after the packet before, not {duration}, at {pts}")
            last[kind] = pts
        return ProbeReport(problems, [line for line in said if "[warning]" in line], pictures)

    def read_to_the_end(self, *, within_seconds: float) -> ProbeReport:
        """Until it has ended by itself, where the playlist has an end; what was read.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        status = self._process.wait(timeout=within_seconds)
        report = self._report(cut_short=False)
        return report if status == 0 else replace(report, problems=[f"ended with {status}", *report.problems])

    def close(self) -> None:
        """End it if it runs."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=10)
