"""One local stack for all end-to-end tests: every test has channels of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.control import Control
from support.stack import Stack, free_port_offset

_stacks: list[Stack] = []


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """`understudy up --no-demo`, ready; ended with SIGTERM, in time and leaving nothing behind."""
    running = Stack(tmp_path_factory.mktemp("stack") / "data", port_offset=free_port_offset())
    _stacks.append(running)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def control(stack: Stack) -> Control:
    """The control API of the stack."""
    return Control(stack)


@pytest.fixture(scope="session")
def encoder_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where FFmpegs write what they have to say."""
    return tmp_path_factory.mktemp("encoders")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Whatever fails, show what the stack has written about it."""
    report = yield
    if report.failed and report.when in ("setup", "call"):  # type: ignore[attr-defined]
        for running in _stacks:
            report.sections.append(("logs of the stack", running.describe()))  # type: ignore[attr-defined]
    return report
