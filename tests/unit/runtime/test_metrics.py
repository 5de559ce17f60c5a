"""HTTP requests counted and timed by a pure ASGI middleware."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from understudy_runtime.exposition import exposition
from understudy_runtime.metrics import (
    ROUTE,
    HttpMetrics,
    HttpMetricsMiddleware,
    Message,
    Receive,
    Scope,
    Send,
    new_registry,
)


class Route:
    path = "/thing/{id}"


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def call(app: Any, registry: CollectorRegistry, **scope: Any) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pass

    middleware = HttpMetricsMiddleware(app, metrics=HttpMetrics(registry, service="test"))
    await middleware({"type": "http", "method": "GET", **scope}, receive, send)


def counted(registry: CollectorRegistry, route: str, status: str, method: str = "GET") -> float | None:
    labels = {"component": "test", "route": route, "method": method, "status": status}
    return registry.get_sample_value("understudy_http_requests_total", labels)


async def test_a_request_is_counted_under_its_route() -> None:
    registry = CollectorRegistry()
    await call(answer, registry, route=Route())
    assert counted(registry, "/thing/{id}", "204") == 1
    labels = {"component": "test", "route": "/thing/{id}"}
    assert registry.get_sample_value("understudy_http_request_seconds_count", labels) == 1


async def test_an_application_may_name_the_route_itself() -> None:
    registry = CollectorRegistry()
    await call(answer, registry, **{ROUTE: "segment"})
    assert counted(registry, "segment", "204") == 1


async def test_a_path_or_method_that_anybody_can_invent_makes_no_label() -> None:
    registry = CollectorRegistry()
    await call(answer, registry, path="/secret", method="BREW")
    assert counted(registry, "unmatched", "204", "other") == 1


async def test_an_application_that_fails_is_counted_as_500() -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    registry = CollectorRegistry()
    with pytest.raises(RuntimeError):
        await call(fail, registry)
    assert counted(registry, "unmatched", "500") == 1


async def test_a_request_that_is_given_up_is_counted_as_499() -> None:
    async def forever(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    registry = CollectorRegistry()
    task = asyncio.ensure_future(call(forever, registry))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert counted(registry, "unmatched", "499") == 1


async def test_two_registries_in_one_process_do_not_meet() -> None:
    first, second = new_registry(), new_registry()
    HttpMetrics(first, service="a").observe("r", "GET", 200, 0.1)
    HttpMetrics(second, service="b")
    assert b'understudy_http_requests_total{component="a",method="GET",route="r",status="200"} 1.0' in await exposition(
        first
    )
    assert b"understudy_http_requests_total{" not in await exposition(second)
    assert b"process_cpu_seconds_total" in await exposition(first)
