"""A tracer whose spans stay in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.collected_spans import Collected
from understudy_runtime.tracing import Tracer


@pytest.fixture
def collected() -> Collected:
    """What the tracer exports: once it is closed, all of it."""
    return Collected()


@pytest.fixture
def tracer(collected: Collected) -> Iterator[Tracer]:
    """Closed at the end, if it was not before."""
    tracer = collected.tracer()
    yield tracer
    tracer.close()
