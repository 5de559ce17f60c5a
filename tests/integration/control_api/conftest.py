"""One nats-server and one controller for each test module; every test uses ids of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.control_process import Controller, NatsServer


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture(scope="module")
def controller(nats: NatsServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    directory: Path = tmp_path_factory.mktemp("controller")
    with Controller(directory, nats_url=nats.url) as process:
        yield process


@pytest.fixture
def client(controller: Controller) -> Any:
    return controller.client()


@pytest.fixture
def new_id() -> Callable[[], str]:
    """Ids that no other test uses."""
    return lambda: f"t-{uuid.uuid4().hex[:12]}"
