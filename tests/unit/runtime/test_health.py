"""Liveness, readiness and metrics routes."""

from __future__ import annotations

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from prometheus_client import CollectorRegistry

from understudy_runtime.health import Health, health_routes
from understudy_runtime.metrics import new_registry


def client(health: Health, registry: CollectorRegistry | None = None) -> AsyncClient:
    app = FastAPI()
    app.router.routes.extend(health_routes(health, registry or new_registry()))
    return AsyncClient(transport=ASGITransport(app), base_url="http://test")


async def test_a_service_without_conditions_is_ready() -> None:
    async with client(Health()) as http:
        assert (await http.get("/healthz")).status_code == 200
        answer = await http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {}}
    assert answer.headers["cache-control"] == "no-store"


async def test_what_is_missing_is_named() -> None:
    health = Health()
    health.add_check("bus", lambda: None)
    health.add_check("config", lambda: "not read yet")
    async with client(health) as http:
        answer = await http.get("/readyz")
        assert (await http.get("/healthz")).status_code == 200
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "checks": {"bus": "ok", "config": "not read yet"}}


async def test_a_service_that_is_about_to_end_is_not_ready() -> None:
    health = Health()
    assert health.drain(), "it was ready"
    async with client(health) as http:
        assert (await http.get("/readyz")).status_code == 503


def test_what_is_to_be_given_up_is_given_up_once_the_process_is_told_to_end() -> None:
    health = Health()
    given_up: list[str] = []
    health.on_drain(lambda: given_up.append("in time"))
    assert given_up == []
    health.drain()
    health.on_drain(lambda: given_up.append("late"))
    assert given_up == ["in time", "late"]


def test_a_service_that_was_never_ready_says_so_when_it_ends() -> None:
    health = Health()
    waits_for: list[str | None] = ["NATS"]
    health.add_check("bus", lambda: waits_for[-1])
    health.report()
    assert not health.drain()
    health = Health()
    health.add_check("bus", lambda: waits_for[-1])
    waits_for.append(None)
    health.report()
    waits_for.append("NATS")
    assert health.drain()


async def test_the_metrics_are_those_of_the_registry_given() -> None:
    async with client(Health()) as http:
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "process_cpu_seconds_total" in answer.text
