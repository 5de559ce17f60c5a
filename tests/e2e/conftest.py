"""One local stack for all end-to-end tests: every test has channels of its own in it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from typing_extensions import override
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from support.control import Control
from support.rehearsal import Rehearsal, Row, encode
from support.stack import Stack, free_port_offset
from support.worked_examples import EXAMPLES

_WITH_REHEARSAL = ("test_live_pairs.py", "test_worked_examples.py")
_stacks: list[Stack] = []
_SMALL_INDEX_PAGES = {"UNDERSTUDY_INDEX_PAGE_ENTRIES": "16", "UNDERSTUDY_RETENTION_INTERVAL_SECONDS": "3"}
"""Made within a run; entries and media are kept for an hour all the same."""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """`understudy up --no-demo`, ready; ended with SIGTERM, in time and leaving nothing behind."""
    running = Stack(
        tmp_path_factory.mktemp("stack") / "data", port_offset=free_port_offset(), environment=_SMALL_INDEX_PAGES
    )
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


@pytest.fixture(scope="session")
def rehearsal(
    request: pytest.FixtureRequest, stack: Stack, control: Control, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Future[dict[str, Row]]]:
    """The worked examples, being played: from when they are first asked for, in a minute.

    What is played waits for most of its time. The live pairs run beside it: nothing else does, and they only if both
    are run at all. Rows that this machine has spoilt, by a stall of its own, are played once more.
    """
    with ThreadPoolExecutor(1) as pool:
        if any("rows" in getattr(item, "fixturenames", ()) for item in request.session.items):
            media = encode(tmp_path_factory.mktemp("encoded"))
            yield pool.submit(_play, Rehearsal(stack, control, media))
        else:
            yield pool.submit(dict[str, Row])


def _play(rehearsal: Rehearsal) -> dict[str, Row]:
    played = rehearsal.play(EXAMPLES)
    disturbed = {
        fault: found
        for fault, row in played.items()
        if (found := row.misplaced() or (row.stalls() if row.disagreements() else []))
    }
    if not disturbed:
        return played
    print("played once more:", *(f"{fault}: {found}" for fault, found in disturbed.items()), sep="\n")
    return {**played, **rehearsal.play(disturbed)}


class _Files(LoadFileScheduling):  # type: ignore[misc]  # published without type information
    """Whole files, one after the other, to whichever process is free."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "rehearsal" if file.endswith(_WITH_REHEARSAL) else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """The files that share the rehearsal go to one process, or each of two would play it."""
    return _Files(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Whatever fails, show what the stack has written about it."""
    report = yield
    if report.failed and report.when in ("setup", "call"):  # type: ignore[attr-defined]
        for running in _stacks:
            report.sections.append(("logs of the stack", running.describe()))  # type: ignore[attr-defined]
    return report
