"""Debian's Prometheus: its promtool, and a server that scrapes a running stack."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from support.browser import MissingProgram
from support.deadline import eventually
from support.ports import free_ports

START_SECONDS = 20
STOP_SECONDS = 10


def promtool(*arguments: str, text: str | None = None) -> str:
    """What promtool says, of nothing but success.

    Raises:
        AssertionError: it found something.
    """
    done = subprocess.run(
        [_program("promtool"), *arguments], input=text, capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


class Prometheus:
    """A server that scrapes every second. Made by ``running_prometheus``."""

    def __init__(self, url: str) -> None:
        self.url = url

    def is_scraping(self, count: int) -> bool:
        """Whether so many targets answer."""
        return [one["value"][1] for one in self.query("up")].count("1") == count

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query.

        Raises:
            AssertionError: the expression does not parse, or cannot be evaluated.
        """
        answer = httpx.post(f"{self.url}/api/v1/query", data={"query": expression}, timeout=10).json()
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        found = answer["data"]["result"]
        assert isinstance(found, list), f"{expression}: no series"
        return found

    def alerts(self, *, channel: str) -> dict[str, str]:
        """The alerts that are pending or firing of a channel, and those of no channel, by name."""
        answer = httpx.get(f"{self.url}/api/v1/alerts", timeout=10).json()
        return {
            one["labels"]["alertname"]: one["state"]
            for one in answer["data"]["alerts"]
            if one["labels"].get("channel", channel) == channel
        }


@contextmanager
def running_prometheus(
    directory: Path, targets: Mapping[str, str], *, rule_files: Sequence[Path] = ()
) -> Iterator[Prometheus]:
    """A Prometheus with its data in ``directory`` that scrapes ``targets``: URLs by the name of their service.

    Raises:
        MissingProgram: there is none on this machine.
    """
    configuration = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in rule_files],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [url.removeprefix("http://")]}]}
            for name, url in targets.items()
        ],
    }
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration))
    server = Prometheus(f"http://127.0.0.1:{free_ports(1)[0]}")
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                _program("prometheus"),
                f"--config.file={path}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={server.url.removeprefix('http://')}",
                "--log.level=warn",
            ],
            stdout=log,
            stderr=log,
        )
    try:

        def is_ready() -> bool:
            assert process.poll() is None, (directory / "prometheus.log").read_text()
            try:
                return httpx.get(f"{server.url}/-/ready", timeout=2).status_code == httpx.codes.OK
            except httpx.HTTPError:
                return False

        eventually(is_ready, within_seconds=START_SECONDS, what="Prometheus")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise MissingProgram(f"{name} is not there: apt-get install prometheus")
    return found
