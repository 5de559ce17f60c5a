"""Lines to real files and a real pipe: rotated away, missing, and not read."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.deadline import eventually
from understudy_runtime.line_writer import LineWriter

SECONDS = 5.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def writer(path: Path) -> Iterator[LineWriter[int]]:
    writer = LineWriter[int](str(path), render=lambda number: b"%d\n" % number)
    writer.start()
    yield writer
    writer.close()


def _is_written(path: Path, *numbers: int) -> None:
    wanted = "".join(f"{number}\n" for number in numbers)
    eventually(
        lambda: path.exists() and path.read_text() == wanted, within_seconds=SECONDS, what=f"{path} holds {wanted!r}"
    )


def test_lines_are_there_within_a_second_and_none_is_left_at_the_end(writer: LineWriter[int], path: Path) -> None:
    writer.put(1, size=8)
    _is_written(path, 1)
    for number in range(2, 5_000):
        writer.put(number, size=8)
    writer.close()
    assert [int(line) for line in path.read_text().split()] == list(range(1, 5_000))
    assert (writer.written_total, writer.dropped_total) == (4_999, 0)


def test_a_file_that_was_rotated_away_is_begun_anew(writer: LineWriter[int], path: Path) -> None:
    writer.put(1, size=8)
    _is_written(path, 1)
    path.rename(path.with_suffix(".1"))
    writer.put(2, size=8)
    _is_written(path, 2)
    path.unlink()
    writer.put(3, size=8)
    _is_written(path, 3)
    assert path.with_suffix(".1").read_text() == "1\n"


def test_a_folder_that_is_not_there_costs_lines_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "later" / "access.log"
    writer = LineWriter[int](str(path), render=lambda number: b"%d\n" % number)
    writer.start()
    writer.put(1, size=8)
    eventually(lambda: writer.dropped_total == 1, within_seconds=SECONDS, what="a line is counted as dropped")
    path.parent.mkdir()
    writer.put(2, size=8)
    _is_written(path, 2)
    writer.close()


def test_a_line_that_cannot_be_made_costs_itself_and_no_other(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = LineWriter[int](str(path), render=lambda number: b"%d\n" % (6 // number))
    writer.start()
    for number in (1, 0, 2):
        writer.put(number, size=8)
    _is_written(path, 6, 3)
    writer.put(3, size=8)
    _is_written(path, 6, 3, 2)
    writer.close()
    assert (writer.written_total, writer.dropped_total) == (3, 1)
    assert "they cannot be made: ZeroDivisionError" in caplog.text


_TO_STDOUT = """
import sys
from understudy_runtime.line_writer import LineWriter
writer = LineWriter("stdout", render=lambda number: b"%06d" % number + b"x" * 1017 + b"\\n")
writer.start()
for number in range(40_000):
    writer.put(number, size=1024)
print(writer.dropped_total, file=sys.stderr, flush=True)
writer.close()
print(writer.dropped_total, writer.written_total, file=sys.stderr, flush=True)
"""


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_costs_lines() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _TO_STDOUT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        dropped = int(process.stderr.readline())
        assert 0 < dropped < 30_000
        # It ends by itself while the pipe is full, and what waited then is dropped, too.
        assert process.wait(20) == 0
        told, totals = process.stderr.read().splitlines()
        at_the_end, written = map(int, totals.split())
        assert at_the_end > dropped
        assert at_the_end + written == 40_000
        assert told == b"%d lines are lost at the end, stdout took them too slowly" % (at_the_end - dropped)
