"""A service whose traces are off has not loaded what they need: it costs it neither time nor memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from support.deadline import eventually
from support.nats_server import NatsServer
from support.ports import free_ports

SERVICES = ("ingest", "controller", "egress")
PROGRAM = """
import runpy, sys, threading

def tell():
    sys.stdin.readline()
    print(*sys.modules, flush=True)

threading.Thread(target=tell, daemon=True).start()
runpy.run_module("understudy_" + sys.argv[1], run_name="__main__", alter_sys=False)
"""


@pytest.fixture
def running(shared_nats_server: NatsServer) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """The services, on NATS, each ready to say once what it has loaded."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    found = {}
    for service, port in ports.items():
        told = {
            "UNDERSTUDY_NATS_URL": shared_nats_server.url,
            "UNDERSTUDY_S3_ENDPOINT_URL": "http://127.0.0.1:9",
            "UNDERSTUDY_AUTHENTICATION": "none",
            "UNDERSTUDY_LISTEN_HOST": "127.0.0.1",
            "UNDERSTUDY_LISTEN_PORT": str(port),
            # What is set besides changes nothing.
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
            "OTEL_TRACES_SAMPLER": "nonsense",
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
        }
        found[service] = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, service],
            env=os.environ | told,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def is_connected(service: str) -> bool:
        try:
            metrics = httpx.get(f"http://127.0.0.1:{ports[service]}/metrics", timeout=5).text
        except httpx.TransportError:
            return False
        return f'understudy_bus_connected{{component="{service}"}} 1.0' in metrics

    try:
        eventually(lambda: all(map(is_connected, SERVICES)), within_seconds=60, what="all are on NATS")
        yield found
    finally:
        for process in found.values():
            process.kill()
            process.communicate()


def test_opentelemetry_is_not_loaded(running: dict[str, subprocess.Popen[str]]) -> None:
    for process in running.values():
        loaded = _ask(process)
        assert {"understudy_runtime", "nats"} <= loaded
        # What FastAPI itself loads is OpenTelemetry's interface alone.
        assert not loaded & {"opentelemetry.sdk", "opentelemetry.exporter", "google.protobuf", "requests"}


def _ask(process: subprocess.Popen[str]) -> set[str]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return set(process.stdout.readline().split())
