"""`understudy up` as a user runs it: every program of the system is real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from support import plain_http
from support.deadline import eventually
from support.stack import Stack, free_port_offset

pytestmark = pytest.mark.takes(seconds=45)

SERVICES = ("ingest", "controller", "egress", "harvester")
PROCESSES = {*SERVICES, "nats", "s3"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("shared") / "data", port_offset=free_port_offset())
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def mortal_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Not started yet."""
    stack = Stack(tmp_path_factory.mktemp("mortal") / "data", port_offset=free_port_offset())
    yield stack
    if stack.is_running:
        stack.stop()


@pytest.fixture
def own_stack(mortal_stack: Stack) -> Stack:
    """A running stack that the test may end: the next test has it started again, if need be."""
    if not mortal_stack.is_running:
        mortal_stack.start()
    return mortal_stack


def understudy(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "understudy_local", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def control_api(stack: Stack) -> Any:
    credentials = stack.credentials
    return boto3.client(
        "mediapackage",
        endpoint_url=stack.api_url,
        region_name=credentials.region,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
    )


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_the_description_names_every_url_the_credentials_and_every_process(stack: Stack) -> None:
    described = json.loads((stack.data_directory / "stack.json").read_text())
    assert described.keys() == {
        *("api_url", "ingest_url", "egress_url", "harvester_url", "nats_url", "s3_url"),
        *("credentials", "authentication", "processes"),
    }
    assert described["credentials"].keys() == {"access_key_id", "secret_access_key", "region"}
    assert described["processes"].keys() == PROCESSES
    assert all(is_running(pid) for pid in described["processes"].values())


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("service", SERVICES)
def test_every_service_answers_for_its_health(stack: Stack, service: str, path: str) -> None:
    assert httpx.get(stack.service_url(service) + path).status_code == httpx.codes.OK


def test_access_logs_are_in_the_data_directory(stack: Stack) -> None:
    client = control_api(stack)
    channel = client.create_channel(Id="logged")
    endpoint = client.create_origin_endpoint(Id="logged-hls", ChannelId="logged", HlsPackage={})
    client.configure_logs(Id="logged", IngressAccessLogs={}, EgressAccessLogs={})

    def lines(service: str) -> list[str]:
        path = stack.data_directory / "logs" / f"{service}-access.log"
        return path.read_text().splitlines() if path.exists() else []

    def asked() -> bool:
        httpx.get(endpoint["Url"])
        httpx.put(channel["HlsIngest"]["IngestEndpoints"][0]["Url"] + ".m3u8", content=b"")
        return bool(lines("ingest") and lines("egress"))

    eventually(asked, within_seconds=10, what="both services have written a line", poll_seconds=0.5)
    assert json.loads(lines("egress")[0])["endpointId"] == "logged-hls"
    assert json.loads(lines("ingest")[0])["channelId"] == "logged"


def test_resources_are_declared_and_exported_by_command(stack: Stack, tmp_path: Path) -> None:
    file, exported = tmp_path / "declared.yaml", tmp_path / "exported.yaml"
    file.write_text(
        "channels: [{id: declared}]\noriginEndpoints: [{id: declared-hls, channelId: declared, hlsPackage: {}}]\n"
    )
    assert understudy("declare", file, "--check", "--data-dir", tmp_path / "none").returncode == 0
    assert "no stack runs on" in understudy("declare", file, "--data-dir", tmp_path / "none").stderr
    made = understudy("declare", file, "--data-dir", stack.data_directory)
    assert made.stdout == "created channel declared\ncreated origin endpoint declared-hls\n", made
    assert control_api(stack).describe_origin_endpoint(Id="declared-hls")["ChannelId"] == "declared"
    assert understudy("declare", exported, "--export", "--data-dir", stack.data_directory).returncode == 0
    again = understudy("declare", exported, "--data-dir", stack.data_directory)
    assert (again.returncode, again.stderr) == (0, ""), again
    file.write_text("channels: []\n")
    pruned = understudy("declare", file, "--prune", "--data-dir", stack.data_directory)
    assert "deleted channel declared\n" in pruned.stdout, pruned


def test_a_second_stack_on_the_same_directory_ends_with_a_clear_error(stack: Stack) -> None:
    ended = understudy("up", "--no-demo", "--data-dir", stack.data_directory, "--port-offset", free_port_offset())
    assert ended.returncode == 1
    assert "a stack runs on" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_taken_port_ends_the_start_with_a_clear_error(stack: Stack, tmp_path: Path) -> None:
    offset = port_of(stack.api_url) - 7070
    ended = understudy("up", "--no-demo", "--data-dir", tmp_path / "other", "--port-offset", offset)
    assert ended.returncode == 1
    assert f"port {port_of(stack.ingest_url)}, meant for ingest, cannot be used" in ended.stderr
    assert "--port-offset" in ended.stderr


def test_demo_commands_say_that_a_stack_without_demo_has_none(stack: Stack) -> None:
    ended = understudy("demo", "stop", "1", "--data-dir", stack.data_directory)
    assert ended.returncode == 1
    assert "runs no demo" in ended.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_comes_back_without_refusing_a_connection(stack: Stack, service: str) -> None:
    refused: list[Exception] = []
    done = threading.Event()

    def knock() -> None:
        while not done.is_set():
            try:
                plain_http.get(f"{stack.service_url(service)}/healthz", timeout=20)
            except httpx.ConnectError as err:
                refused.append(err)
            except httpx.TransportError:
                pass  # the killed process took an open request with it
            time.sleep(0.01)

    knocking = threading.Thread(target=knock)
    knocking.start()
    try:
        old_pid = stack.kill(service)
        stack.wait_until_restarted(service, old_pid=old_pid)
    finally:
        done.set()
        knocking.join()
    assert refused == []
    assert f"{service} was ended by SIGKILL, starting it again" in stack.output_path.read_text()


@pytest.mark.parametrize("store", ["nats", "s3"])
def test_a_killed_store_comes_back_and_the_services_with_it(stack: Stack, store: str) -> None:
    old_pid = stack.kill(store)
    eventually(lambda: stack.processes().get(store, old_pid) != old_pid, within_seconds=60, what=f"{store} again")

    def answers() -> bool:
        return bool(control_api(stack).list_channels()["ResponseMetadata"]["HTTPStatusCode"] == httpx.codes.OK)

    eventually(
        lambda: plain_http.get(f"{stack.ingest_url}/readyz").status_code == httpx.codes.OK and answers(),
        within_seconds=60,
        what="ingest and the control API ready again",
    )


def test_two_stacks_run_side_by_side(stack: Stack, own_stack: Stack) -> None:
    control_api(own_stack).create_channel(Id="beside")
    assert "beside" not in [channel["Id"] for channel in control_api(stack).list_channels()["Channels"]]


def supervisor_of(stack: Stack) -> int:
    return int((stack.data_directory / "lock").read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_process_group_ends_everything_and_what_was_stored_is_there_again(
    own_stack: Stack, number: signal.Signals
) -> None:
    created = control_api(own_stack).create_channel(Id=f"kept-{number.name}")
    pids = own_stack.processes()
    supervisor = supervisor_of(own_stack)
    os.killpg(supervisor, number)
    os.killpg(supervisor, number)  # an impatient second Ctrl-C
    assert own_stack.stop() < 20
    assert not [pid for pid in pids.values() if is_running(pid)]
    assert not (own_stack.data_directory / "stack.json").exists()
    assert "starting it again" not in own_stack.output_path.read_text()
    own_stack.start()
    assert control_api(own_stack).describe_channel(Id=f"kept-{number.name}")["Arn"] == created["Arn"]


def test_a_killed_supervisor_leaves_nothing_behind_and_the_next_one_starts(own_stack: Stack) -> None:
    pids = own_stack.processes()
    os.kill(supervisor_of(own_stack), signal.SIGKILL)
    eventually(lambda: not any(map(is_running, pids.values())), within_seconds=30, what="all processes gone")
    own_stack.stop()  # nothing is left to stop, but its own process is to be collected
    (own_stack.data_directory / "stack.json").unlink()  # so that start() waits for the new one
    own_stack.start()
    assert httpx.get(f"{own_stack.api_url}/readyz").status_code == httpx.codes.OK


def test_a_part_that_dies_while_starting_ends_the_start_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken/understudy_egress"
    broken.mkdir(parents=True)
    (broken / "__init__.py").touch()
    (broken / "__main__.py").write_text("raise SystemExit('there is no disk left')")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    ended = understudy("up", "--no-demo", "--data-dir", tmp_path / "data", "--port-offset", free_port_offset())
    assert ended.returncode == 1
    assert "egress ended with status 1 while it was started" in ended.stderr
    assert "there is no disk left" in ended.stderr
    assert not (tmp_path / "data/stack.json").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), ("keys: [", "neither YAML nor JSON"), ("keys: []", "no key that may write")],
)
def test_access_keys_that_cannot_be_used_end_the_start_with_a_clear_error(
    tmp_path: Path, content: str | None, said: str
) -> None:
    keys = tmp_path / "keys.yaml"
    if content is not None:
        keys.write_text(content)
    done = understudy("up", "--data-dir", tmp_path / "data", "--access-keys", keys)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
