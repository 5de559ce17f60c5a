"""How a controller's parts are opened and closed around requests. The bus is never reached here."""

from __future__ import annotations

import asyncio
import socket

import pytest
from prometheus_client import CollectorRegistry

from understudy_controller.api.errors import NotStarted
from understudy_controller.process import Process
from understudy_controller.settings import ControllerSettings
from understudy_domain.channel import IngestEndpoint
from understudy_runtime.health import Health


@pytest.fixture
def process(unused_port: int) -> Process:
    settings = ControllerSettings(nats_url=f"nats://127.0.0.1:{unused_port}", start_wait_seconds=0.05)
    return Process(settings, (), registry=CollectorRegistry(), health=Health())


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


async def test_a_request_before_the_bus_answers_is_told_so(process: Process) -> None:
    async with process.running():
        with pytest.raises(NotStarted, match="NATS"):
            await process.context()


async def test_a_process_that_waits_for_the_bus_ends_at_once(process: Process) -> None:
    async with asyncio.timeout(2):
        async with process.running():
            await asyncio.sleep(0)


async def test_a_request_to_a_process_that_does_not_run_is_refused(process: Process) -> None:
    with pytest.raises(NotStarted):
        await process.context()


def test_a_password_is_not_shown_by_accident() -> None:
    assert "secret" not in repr(IngestEndpoint(id="i", username="u", password="secret"))
