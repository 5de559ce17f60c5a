"""Each module brings in what it needs and no more: what a service does not use costs it no start-up time."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIBRARIES = ("boto3", "botocore", "fastapi", "nats", "obstore", "prometheus_client", "pydantic", "starlette", "uvicorn")

NEEDS = {
    "clock": (),
    "config_store": ("nats", "pydantic"),
    "errors": (),
    "harvest_jobs": ("nats", "pydantic"),
    "health": ("prometheus_client", "starlette"),
    "jetstream": ("nats", "pydantic"),
    "kv": ("nats", "pydantic"),
    "logging": (),
    "messages": (),
    "metrics": ("prometheus_client",),
    "objectkeys": ("obstore", "pydantic"),
    "objectstore": ("obstore", "pydantic"),
    "s3": ("obstore", "pydantic"),
    "server": ("pydantic", "uvicorn"),
    "settings": ("pydantic",),
}


@pytest.mark.parametrize("module", NEEDS)
def test_a_module_imports_only_its_own_libraries(module: str) -> None:
    program = f"import sys, understudy_runtime.{module}; print(*[x for x in {LIBRARIES} if x in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert set(shown.split()) == set(NEEDS[module])
