"""One nats-server and one controller for all tests of the control API; every test uses ids of its own."""

from __future__ import annotations

import base64
import json
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
    directory = tmp_path_factory.mktemp("controller")
    webhooks = directory / "webhooks.yaml"
    secret = "whsec_" + base64.b64encode(b"x" * 32).decode()
    entry = {"name": "known", "url": "http://127.0.0.1:9/", "secrets": [secret], "channels": ["of no test"]}
    webhooks.write_text(json.dumps({"webhooks": [entry]}))
    with Controller(directory, nats_url=config_server.url, webhooks_file=str(webhooks)) as process:
        yield process


@pytest.fixture
def client(controller: Controller) -> Any:
    return controller.client()


@pytest.fixture
def new_id() -> Callable[[], str]:
    """Ids that no other test uses."""
    return lambda: f"t-{uuid.uuid4().hex[:12]}"
