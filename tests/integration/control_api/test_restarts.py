"""The configuration outlives controllers and NATS servers, and a client hardly sees either go."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.control_process import Controller
from support.deadline import eventually
from support.nats_server import NatsServer
from support.relay import Relay

pytestmark = pytest.mark.takes(seconds=25)


@pytest.fixture
def own_controller(nats_server: NatsServer, tmp_path: Path) -> Iterator[Controller]:
    """A controller and a nats-server that this test may kill."""
    with Controller(tmp_path, nats_url=nats_server.url, start_wait_seconds="3") as process:
        yield process


@pytest.mark.compatibility("ListChannels.nextToken")
def test_channels_and_page_tokens_outlive_every_process(own_controller: Controller, nats_server: NatsServer) -> None:
    made = [own_controller.json("POST", "/channels", {"id": f"c{number}"})[1] for number in range(5)]
    _, first = own_controller.json("GET", "/channels?maxResults=2")
    own_controller.stop(kill=True)
    nats_server.restart()
    own_controller.start()
    _, second = own_controller.json("GET", f"/channels?maxResults=2&nextToken={first['nextToken']}")
    _, third = own_controller.json("GET", f"/channels?maxResults=2&nextToken={second['nextToken']}")
    assert first["channels"] + second["channels"] + third["channels"] == made
    assert "nextToken" not in third


def test_a_request_during_a_restart_waits_and_succeeds(own_controller: Controller) -> None:
    own_controller.json("POST", "/channels", {"id": "c"})
    own_controller.stop(kill=True)
    statuses: list[int] = []
    asking = threading.Thread(target=lambda: statuses.append(own_controller.json("GET", "/channels/c")[0]))
    asking.start()
    own_controller.start()
    asking.join(timeout=60)
    assert statuses == [200]


def test_a_controller_ends_cleanly_on_sigterm(own_controller: Controller) -> None:
    assert own_controller.stop() == 0


def test_without_nats_a_client_is_told_to_try_again_and_then_succeeds(
    own_controller: Controller, nats_server: NatsServer
) -> None:
    own_controller.json("POST", "/channels", {"id": "c"})
    nats_server.kill()
    for method, path, body in (("GET", "/channels/c", None), ("POST", "/channels", {"id": "d"})):
        payload = None if body is None else json.dumps(body).encode()
        status, headers, _ = own_controller.request(method, path, payload)
        assert (status, headers["x-amzn-errortype"]) == (503, "ServiceUnavailableException")
        assert headers["retry-after"]
    assert own_controller.request("GET", "/healthz")[0] == 200
    nats_server.start()
    eventually(
        lambda: own_controller.json("GET", "/channels/c")[0] == 200, within_seconds=30, what="the controller recovers"
    )
    assert own_controller.json("POST", "/channels", {"id": "d"})[0] == 200


def test_a_create_whose_acknowledgement_comes_late_is_answered_as_done(nats_server: NatsServer, tmp_path: Path) -> None:
    with (
        Relay(nats_server.port) as relay,
        Controller(tmp_path, nats_url=f"nats://127.0.0.1:{relay.port}") as controller,
        ThreadPoolExecutor(1) as client,
    ):
        relay.hold()
        answer = client.submit(controller.json, "POST", "/channels", {"id": "c"})
        # It has waited for the acknowledgement in vain when it asks how far the configuration has got.
        eventually(
            lambda: b"STREAM.INFO.KV_CONFIG" in relay.said.partition(b"$KV.CONFIG.channel.c ")[2],
            within_seconds=30,
            what="the controller asks what became of it",
            poll_seconds=0.02,
        )
        relay.release()
        assert answer.result()[0] == 200, answer.result()
        assert controller.json("GET", "/channels/c") == answer.result()


def test_a_controller_that_starts_without_nats_says_what_it_waits_for(
    own_controller: Controller, nats_server: NatsServer
) -> None:
    own_controller.stop()
    nats_server.kill()
    own_controller.start()
    status, _, body = own_controller.request("GET", "/readyz")
    assert (status, json.loads(body)["checks"]["configuration"]) == (503, "waiting for NATS")
    began = time.monotonic()
    status, answer = own_controller.json("GET", "/channels")
    assert status == 503
    assert "NATS" in answer["message"]
    assert time.monotonic() - began < 10
    assert own_controller.stop() == 0
