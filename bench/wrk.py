"""Load from wrk, on the load core."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.cores import Cores, cpu_seconds
from bench.http import UnexpectedAnswer

CONNECTIONS = 32

_REPORT = """
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'SUMMARY {"requests":%d,"microseconds":%d,"bytes":%d,"failed":%d,"p50":%d,"p99":%d}\\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""
_PATHS = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
local at = 0
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at])
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What to ask for: one path, or many in turn."""

    port: int
    paths: Sequence[str]
    headers: Mapping[str, str]
    connections: int = CONNECTIONS


def measure(load: Load, *, pid: int, seconds: float, cores: Cores) -> dict[str, float]:
    """Put load on a server for some seconds; ``pid`` is the process whose CPU time counts.

    Raises:
        UnexpectedAnswer: a request failed, or was answered with an error.
    """
    with tempfile.TemporaryDirectory(prefix="wrk-") as directory:
        command = _command(load, seconds=seconds, directory=Path(directory), cores=cores)
        before = cpu_seconds(pid)
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        used = cpu_seconds(pid) - before
    if finished.returncode:
        raise UnexpectedAnswer(f"wrk: {finished.stdout}{finished.stderr}")
    return values_of(finished.stdout, cpu_used_seconds=used)


def values_of(output: str, *, cpu_used_seconds: float) -> dict[str, float]:
    """The values of a run from what wrk printed.

    Raises:
        UnexpectedAnswer: a request failed, or nothing was reported.
    """
    lines = [line for line in output.splitlines() if line.startswith("SUMMARY ")]
    if not lines:
        raise UnexpectedAnswer(f"wrk reported nothing: {output}")
    summary = json.loads(lines[-1].removeprefix("SUMMARY "))
    if summary["failed"] or not summary["requests"]:
        raise UnexpectedAnswer(f"requests failed: {summary}")
    duration_seconds = summary["microseconds"] / 1e6
    return {
        "requests": summary["requests"],
        "requests_per_second": summary["requests"] / duration_seconds,
        "mebibytes_per_second": summary["bytes"] / duration_seconds / (1 << 20),
        "cpu_microseconds_per_request": cpu_used_seconds * 1e6 / summary["requests"],
        "busy_fraction": cpu_used_seconds / duration_seconds,
        "latency_p50_microseconds": summary["p50"],
        "latency_p99_microseconds": summary["p99"],
    }


def _command(load: Load, *, seconds: float, directory: Path, cores: Cores) -> list[str]:
    script = directory / "script.lua"
    text = _REPORT
    if len(load.paths) > 1:
        paths = directory / "paths"
        paths.write_text("\n".join(load.paths) + "\n")
        text += _PATHS % paths
    script.write_text(text)
    headers = [part for name, value in load.headers.items() for part in ("-H", f"{name}: {value}")]
    url = f"http://127.0.0.1:{load.port}{load.paths[0]}"
    size = [f"-c{load.connections}", f"-d{max(1, round(seconds))}s"]
    return ["taskset", "-c", str(cores.load), "wrk", "-t1", *size, *headers, "-s", str(script), url]
