"""The file of declared resources and its secrets, followed: what is taken when, and that nothing is read twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from understudy_controller.declare import files
from understudy_controller.declare.declaration import Pair
from understudy_controller.declare.files import DeclaredFiles, Read

TEXT = """
channels:
  - id: news
    hlsIngest:
      ingestEndpoints:
        - {username: a, passwordFile: one}
        - {}
"""


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Looking:
    def __init__(self, path: Path) -> None:
        self._clock = Clock()
        self._files = DeclaredFiles(path, monotonic=self._clock)

    def __call__(self) -> Read | None:
        """A second later."""
        self._clock.seconds += 1.0
        return self._files.look()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a file that was written long ago, and its secret."""
    for name, text in (("declared.yaml", TEXT), ("one", "first\n")):
        (tmp_path / name).write_text(text)
        os.utime(tmp_path / name, (0, 0))
    return tmp_path / "declared.yaml"


def password_of(read: Read | None) -> str:
    assert read is not None
    assert read.declaration is not None, read.invalid
    (pair, _) = read.declaration.channels["news"].pairs
    assert isinstance(pair, Pair)
    return pair.password


def test_what_has_long_been_there_is_taken_at_once(path: Path) -> None:
    assert password_of(Looking(path)()) == "first"


def test_what_has_not_changed_is_not_parsed_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Looking(path)
    first = look()
    monkeypatch.delattr(files, "parse_declaration")
    assert look() is first
    assert look() is first


def test_a_secret_that_changes_is_taken_once_it_is_steady(path: Path) -> None:
    look = Looking(path)
    first = look()
    for half in ("s", "sec", "second"):
        (path.parent / "one").write_text(half)
        assert look() is None, "it may be half of it"
    second = look()
    assert password_of(second) == "second"
    assert first is not None
    assert second is not None
    assert first.digest != second.digest


def test_half_of_a_file_is_never_taken(path: Path) -> None:
    look = Looking(path)
    look()
    whole = TEXT + "  - {id: sport, description: other}\n"
    for end in range(len(whole)):
        path.write_text(whole[:end])
        assert look() is None
    path.write_text(whole)
    assert look() is None
    read = look()
    assert read is not None
    assert read.declaration is not None
    assert set(read.declaration.channels) == {"news", "sport"}


def test_the_secrets_of_a_new_file_have_to_be_steady_too(path: Path) -> None:
    look = Looking(path)
    look()
    (path.parent / "two").write_text("half")
    path.write_text(TEXT.replace("one", "two"))
    assert look() is None
    assert look() is None, "it was not known before that the secret is part of it"
    (path.parent / "two").write_text("half-and-half")
    assert look() is None
    assert password_of(look()) == "half-and-half"


def test_a_file_that_is_too_large_or_missing_is_told(path: Path) -> None:
    look = Looking(path)
    path.write_text("#" * (1 << 20) + "\n")
    look()
    read = look()
    assert "larger than 1048576 bytes" in str(read and read.invalid)
    path.unlink()
    assert look() is None
    read = look()
    assert "the file is missing" in str(read and read.invalid)
