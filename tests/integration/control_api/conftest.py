"""One nats-server and one controller for all tests of the control API; every test uses ids of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.control_process import Controller
from support.nats_server import NatsServer, running_nats_server


@pytest.fixture(scope="session")
def config_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """The nats-server behind ``controller``: nobody else writes to its CONFIG."""
    with running_nats_server(tmp_path_factory.mktemp("config")) as server:
        yield server


@pytest.fixture(scope="session")
def controller(config_server: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    with Controller(tmp_path_factory.mktemp("controller"), nats_url=config_server.url) as process:
        yield process


@pytest.fixture
def client(controller: Controller) -> Any:
    return controller.client()


@pytest.fixture
def new_id() -> Callable[[], str]:
    """Ids that no other test uses."""
    return lambda: f"t-{uuid.uuid4().hex[:12]}"
