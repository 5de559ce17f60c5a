"""The compiled core decides what the interpreted one decides, and passes the tests that the domain has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.compiled_core import ROOT, compiled_core, environment

SEEDS = (
    *range(150),
    30061, 501227, 502198, 906651, 1001926, 1001986, 1002005, 2001064, 2001171, 2001262, 2001282, 2001376, 2001756,
    2001808, 2001937, 2001993, 2002073, 2002824, 2003130, 2003706, 2005271, 2005748, 3001039,
)  # fmt: skip
"""The usual schedules, and those that broke a promise once (``tests/simulation``)."""

OF_THE_DOMAIN = (
    "tests/unit/decision", "tests/unit/events", "tests/unit/explain", "tests/unit/program", "tests/unit/records",
    "tests/property/test_adversarial_logs.py", "tests/property/test_state_machine.py",
)  # fmt: skip
"""They look at the core from outside: none of them reaches into a module of it to change it."""


@pytest.fixture
def folder() -> Path:
    return compiled_core()


def _decided(folder: Path | None) -> list[str]:
    command = [sys.executable, "-m", "support.decided", *map(str, SEEDS)]
    run = subprocess.run(
        command, cwd=ROOT / "tests", env=environment(folder), check=True, capture_output=True, text=True
    )
    return run.stdout.splitlines()


def test_what_is_decided_is_the_same_byte_for_byte(folder: Path) -> None:
    interpreted, compiled = _decided(None), _decided(folder)
    assert Path(interpreted[0]).suffix == ".py"
    assert Path(compiled[0]).suffix == ".so"
    assert Path(compiled[0]).is_relative_to(folder)
    assert len(interpreted) == len(SEEDS) + 1
    assert interpreted[1:] == compiled[1:]


def test_the_domains_tests_pass(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *OF_THE_DOMAIN]
    run = subprocess.run(command, cwd=ROOT, env=environment(folder), check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]


def test_the_compiled_classes_are_what_dataclasses_are(folder: Path) -> None:
    code = """
import dataclasses, typing
from understudy_domain import codec
from understudy_domain.facts import SegmentArrived, Tick
from understudy_domain.lag import Lag
from understudy_domain.media import Track
from understudy_domain.timeline import InputState

assert Lag() == Lag() and Lag(value=1) != Lag() and Lag().__eq__(5) is NotImplemented
assert Lag().samples is not Lag().samples
assert repr(Lag()) == "Lag(value=None, samples=[], counted=0, updated_at=0, last_arrival=None)"
try:
    hash(Lag())
except TypeError:
    pass
else:
    raise AssertionError("what may change has no hash")
assert Tick() == Tick() and hash(Tick()) == hash(Tick())
assert dataclasses.replace(Lag(counted=3), value=2) == Lag(value=2, counted=3)
assert str(typing.get_type_hints(InputState)["pieces"]) == "dict[str, list[understudy_domain.piece.Piece]]"
assert codec.kinds()["arrival.segment"] is SegmentArrived
assert not hasattr(Lag(), "__dict__")
"""
    subprocess.run([sys.executable, "-c", code], env=environment(folder), check=True)


def test_a_traceback_names_the_lines_of_the_source(folder: Path) -> None:
    code = """
import traceback
from understudy_domain.session import Session
session = Session(1, None, 0, 0, 0)
try:
    session._forget_first("unknown")
except KeyError as err:
    frame = traceback.extract_tb(err.__traceback__)[-1]
    print(frame.filename, frame.lineno)
"""
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=environment(folder), check=True, capture_output=True, text=True)
    lines = (ROOT / "libs/understudy_domain/session.py").read_text().splitlines()
    filename, number = run.stdout.split()
    assert filename == "understudy_domain/session.py"
    assert lines[int(number) - 1].strip() == "gone = self.recent[playlist].pop(0)"
