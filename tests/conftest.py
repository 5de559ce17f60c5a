"""The real servers that tests share, started when first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import hypothesis
import pytest
from pydantic import SecretStr

from support.nats_server import NatsServer, running_nats_server
from support.object_store import S3Server, running_s3_server
from understudy_runtime.settings import CommonSettings

# Python 3.11 makes an event loop for whoever asks for one, unless it was told that there is none. The first
# asynchronous test asks, and nobody closes that loop: a warning, hence an error, in some later test.
asyncio.set_event_loop(None)

# How long an example takes says more of the machine than of the code; where costs matter they are counted.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def shared_nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """One nats-server for the session. Tests that kill theirs take ``nats_server``."""
    with running_nats_server(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server of one test's own: an empty store, free to be killed."""
    with running_nats_server(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One S3 server for the session: it takes a second or two to start, and object keys are never reused."""
    with running_s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def nats_settings(nats_server: NatsServer) -> CommonSettings:
    """Settings that point at this test's own nats-server."""
    return CommonSettings(nats_url=nats_server.url)


@pytest.fixture
def settings(nats_server: NatsServer, s3_server: S3Server) -> CommonSettings:
    """Settings that point at this test's own nats-server and at the session's S3 server."""
    return _settings_of(nats_server, s3_server)


@pytest.fixture(scope="session")
def shared_settings(shared_nats_server: NatsServer, s3_server: S3Server) -> CommonSettings:
    """Settings that point at the session's servers, which no test takes away."""
    return _settings_of(shared_nats_server, s3_server)


def _settings_of(nats_server: NatsServer, s3_server: S3Server) -> CommonSettings:
    return CommonSettings(
        nats_url=nats_server.url,
        s3_endpoint_url=s3_server.url,
        s3_bucket=s3_server.bucket,
        s3_region=s3_server.region,
        s3_access_key_id=s3_server.access_key_id,
        s3_secret_access_key=SecretStr(s3_server.secret_access_key),
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first: all processes would wait for one that began last.

    Of several processes each takes the next file, in this order; see ``takes`` in pyproject.toml.
    """
    items.sort(key=_seconds, reverse=True)


def _seconds(item: pytest.Item) -> float:
    mark = item.get_closest_marker("takes")
    return float(mark.kwargs["seconds"]) if mark is not None else 0.0
