"""Services that are started before NATS lets them in: they answer probes, say why they wait, and go on later."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import httpx
import pytest

from support.control_process import Controller
from support.deadline import eventually
from support.egress_process import EgressProcess
from support.harvester_process import HarvesterProcess
from support.installation import IngestService
from support.nats_server import NatsServer, running_nats_server
from support.service_process import ServiceProcess
from understudy_runtime.settings import CommonSettings

CONFIG = 'authorization: {{ user: understudy, password: "{}" }}'
REFUSED = (
    "the server does not take the login (Authorization Violation); look at UNDERSTUDY_NATS_USER and UNDERSTUDY_NATS"
)
SECONDS = 60.0
"""Four processes load at once, on a machine that may be busy."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with running_nats_server(tmp_path_factory.mktemp("nats"), config=CONFIG.format("another")) as server:
        yield server


@pytest.fixture(scope="module")
def services(
    server: NatsServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, ServiceProcess | Controller]]:
    directory = tmp_path_factory.mktemp("services")
    login = {"nats_user": "understudy", "nats_password": "right"}
    settings = CommonSettings(nats_url=server.url, s3_endpoint_url="http://127.0.0.1:9")
    found: dict[str, ServiceProcess | Controller] = {
        kind.service: kind(directory, settings, hold_seconds="1", **login)
        for kind in (IngestService, EgressProcess, HarvesterProcess)
    }
    found["controller"] = Controller(directory, nats_url=server.url, start_wait_seconds="1", **login)
    with contextlib.ExitStack() as stack:
        for service in found.values():
            stack.callback(service.close)
            service.start()
        yield found


def readiness(service: ServiceProcess | Controller) -> tuple[int, str]:
    """Status and body of ``/readyz``."""
    try:
        with urllib.request.urlopen(f"{service.url}/readyz", timeout=SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as err:
        with err:
            return err.code, err.read().decode()
    except OSError:
        return 0, "it is still being loaded"


NAMES = ("ingest", "egress", "harvester", "controller")


@pytest.mark.parametrize("name", NAMES)
def test_a_service_that_waits_is_alive_and_says_why_it_is_not_ready(
    services: dict[str, ServiceProcess | Controller], name: str
) -> None:
    service = services[name]
    eventually(lambda: REFUSED in readiness(service)[1], within_seconds=SECONDS, what="the reason is told")
    status, body = readiness(service)
    assert status == 503
    assert json.loads(body)["ready"] is False
    assert httpx.get(f"{service.url}/healthz").status_code == 200
    assert REFUSED in service.log()
    assert "right" not in service.log() + body


@pytest.mark.parametrize(
    ("name", "path"), [("ingest", "/in/v2/a/b/1.ts"), ("egress", f"/out/v1/{'0' * 32}/index.m3u8")]
)
def test_a_request_that_comes_meanwhile_is_answered_503(
    services: dict[str, ServiceProcess | Controller], name: str, path: str
) -> None:
    method = "PUT" if name == "ingest" else "GET"
    answer = httpx.request(
        method, services[name].url + path, content=b"x" if method == "PUT" else None, timeout=SECONDS
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "has not reached NATS yet" in answer.text


def test_once_they_are_let_in_they_are_ready(
    services: dict[str, ServiceProcess | Controller], server: NatsServer
) -> None:
    server.reload(CONFIG.format("right"))
    for service in services.values():
        eventually(lambda: readiness(service)[0] == 200, within_seconds=SECONDS, what=f"ready\n{service.log()}")  # noqa: B023
    assert [service.stop() for service in services.values()] == [0, 0, 0, 0]
