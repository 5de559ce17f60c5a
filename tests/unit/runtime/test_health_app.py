"""What services answer outside their own paths."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from httpx import ASGITransport, AsyncClient

from understudy_egress import app as egress
from understudy_egress.settings import EgressSettings
from understudy_harvester import app as harvester
from understudy_harvester.settings import HarvesterSettings
from understudy_ingest import app as ingest
from understudy_ingest.settings import IngestSettings
from understudy_runtime.health import Health
from understudy_runtime.metrics import App


def _ingest() -> App:
    return ingest.create_app(IngestSettings())


def _egress() -> App:
    return egress.create_app(egress.ProcessContext.of(EgressSettings()))


def _harvester() -> App:
    return harvester.create_app(HarvesterSettings(), health=Health())


@pytest.fixture(params=[_ingest, _egress, _harvester], ids=["ingest", "egress", "harvester"])
def http(request: pytest.FixtureRequest) -> AsyncClient:
    make: Callable[[], App] = request.param
    return AsyncClient(transport=ASGITransport(make()), base_url="http://test")


@pytest.mark.parametrize("path", ["/", "/nothing", "/docs", "/redoc", "/openapi.json", "/outside/v1/x.m3u8"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_path_that_is_none_is_answered_in_our_form_and_kept_by_no_cache(
    http: AsyncClient, method: str, path: str
) -> None:
    answer = await http.request(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    if method == "GET":
        assert answer.json() == {"code": "unknown", "message": "nothing is served under this path"}


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
async def test_a_method_that_is_none_is_told_which_there_are(http: AsyncClient, method: str) -> None:
    answer = await http.request(method, "/healthz")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["code"] == "method_not_allowed"
    assert answer.headers["cache-control"] == "no-store"


async def test_probes_may_ask_for_the_head_alone(http: AsyncClient) -> None:
    answer = await http.head("/healthz")
    assert (answer.status_code, answer.content) == (200, b"")
