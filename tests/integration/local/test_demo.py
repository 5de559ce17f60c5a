"""`understudy up --demo` and `understudy demo …` as a newcomer tries them."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.deadline import eventually
from support.stack import free_port_offset

pytestmark = pytest.mark.takes(seconds=35)


class DemoStack:
    """A running demo and what it printed."""

    def __init__(self, data_directory: Path, output: Path) -> None:
        self.data_directory = data_directory
        self._output = output

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def demo(self, *words: object) -> str:
        return self.command("demo", *words)

    def command(self, *words: object) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "understudy_local", *map(str, words), "--data-dir", self.data_directory],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def status(self) -> Any:
        return json.loads(self.demo("status", "--json"))

    def active_input(self, origin_endpoint_id: str) -> int:
        """1 or 2; 0 before the first decision."""
        found = self.status()["origin_endpoints"].get(origin_endpoint_id)
        return 0 if found is None else int(found["active_input"])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoStack]:
    folder = tmp_path_factory.mktemp("demo")
    running = DemoStack(folder / "data", folder / "printed")
    words = ("up", "--data-dir", running.data_directory, "--port-offset", free_port_offset())
    with (folder / "printed").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "understudy_local", *map(str, words)],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        eventually(lambda: "Ctrl-C ends it." in running.printed, within_seconds=60, what="the demo is up")
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def plays(url: str) -> bool:
    return httpx.get(url).status_code == httpx.codes.OK


def test_the_printed_playback_urls_play(running: DemoStack) -> None:
    urls = re.findall(r"demo-(?:short|delayed) +(http\S+\.m3u8)", running.printed)
    assert len(urls) == 2
    for url in urls:
        eventually(functools.partial(plays, url), within_seconds=40, what=url)


def test_the_printed_line_for_the_aws_command_works(running: DemoStack) -> None:
    line = re.search(r"AWS_ACCESS_KEY_ID=(?:.*\\\n)?.*list-channels", running.printed)
    assert line is not None
    answered = subprocess.run(line[0], shell=True, capture_output=True, text=True, check=False, timeout=60)
    assert answered.returncode == 0, answered.stderr
    assert [channel["Id"] for channel in json.loads(answered.stdout)["Channels"]] == ["demo"]


def test_an_operator_switches_over_by_hand_without_a_seam(running: DemoStack) -> None:
    before = eventually(lambda: running.active_input("demo-short"), within_seconds=40, what="a first decision")

    def answered() -> Any:
        """Refused while too little is known of the inputs to promise anything."""
        try:
            return json.loads(running.command("switchover", "demo-short", "--json"))
        except AssertionError as err:
            assert "Too few pieces" in str(err), err  # noqa: PT017 - it is tried again
            return None

    outcome = eventually(answered, within_seconds=40, what="the order is taken")["outcomes"][0]
    assert (outcome["input"], outcome["followed"], outcome["discontinuity"]) == (3 - before, True, False)
    status = running.status()["origin_endpoints"]["demo-short"]
    assert (status["active_input"], status["reason"]) == (3 - before, "switchover")
    told = running.command("explain", "demo-short", "--sequence", outcome["media_sequence"])
    assert "an operator ordered it at" in told
    playlist = httpx.get(next(iter(re.findall(r"demo-short +(http\S+\.m3u8)", running.printed))))
    listed = httpx.get(str(playlist.url.join("index_v1.m3u8"))).text
    assert "EXTINF" in listed
    assert "EXT-X-DISCONTINUITY\n" not in listed
    assert "sticky" in running.command("policy", "demo-short")


def test_an_encoder_that_is_stopped_stays_away_and_the_show_goes_on(running: DemoStack) -> None:
    first = eventually(lambda: running.active_input("demo-short"), within_seconds=40, what="a first decision")
    assert json.loads(running.demo("stop", first, "--json")) == {"encoder": first, "runs": False}
    assert running.status()["encoders"][str(first)] == {"running": False, "pid": None}
    eventually(lambda: running.active_input("demo-short") == 3 - first, within_seconds=30, what="the other input")
    assert running.status()["origin_endpoints"]["demo-short"]["reason"] == "failover"
    assert running.status()["encoders"][str(first)]["running"] is False
    assert json.loads(running.demo("start", first, "--json")) == {"encoder": first, "runs": True}
    assert running.status()["encoders"][str(first)]["running"] is True
    assert running.active_input("demo-short") == 3 - first


def test_an_encoder_that_dies_by_itself_is_started_again(running: DemoStack) -> None:
    before = running.status()["encoders"]["1"]["pid"]
    os.kill(before, signal.SIGKILL)
    eventually(
        lambda: running.status()["encoders"]["1"]["pid"] not in (None, before),
        within_seconds=20,
        what="another process",
    )
    assert "encoder 1 was ended by SIGKILL, starting it again" in running.printed
