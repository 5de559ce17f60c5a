from __future__ import annotations

import json
import multiprocessing
import stat
from pathlib import Path

import pytest

from understudy_local.data_directory import DataDirectory, write_json
from understudy_local.errors import DataDirectoryUnusable, StackNotRunning, StackRunsAlready


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory(tmp_path / "data")
    directory.create()
    return directory


def test_credentials_are_made_once_and_kept(directory: DataDirectory) -> None:
    assert directory.credentials() == DataDirectory(directory.path).credentials()


def test_each_directory_has_credentials_of_its_own(directory: DataDirectory, tmp_path: Path) -> None:
    other = DataDirectory(tmp_path / "other")
    other.create()
    assert other.credentials().secret_access_key != directory.credentials().secret_access_key


def test_only_their_owner_can_read_the_credentials(directory: DataDirectory) -> None:
    directory.credentials()
    assert stat.S_IMODE((directory.path / "credentials.json").stat().st_mode) == 0o600


def test_a_second_stack_on_a_directory_is_told_who_has_it(directory: DataDirectory) -> None:
    with (
        directory.locked(),
        pytest.raises(StackRunsAlready, match=rf"process {multiprocessing.current_process().pid}"),
        DataDirectory(directory.path).locked(),
    ):
        pytest.fail("two stacks work on one directory")


def test_a_directory_can_be_used_again_once_its_stack_has_ended(directory: DataDirectory) -> None:
    for _ in range(2):
        with directory.locked():
            directory.require_running()
    with pytest.raises(StackNotRunning):
        directory.require_running()


def test_a_command_on_a_directory_that_never_was_says_that_no_stack_runs(tmp_path: Path) -> None:
    with pytest.raises(StackNotRunning, match="understudy up"):
        DataDirectory(tmp_path / "nowhere").require_running()


def test_a_directory_that_cannot_be_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirectoryUnusable, match="--data-dir"):
        DataDirectory(tmp_path / "file").create()


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    write_json(path, {"a": 1})
    with path.open() as reader:  # whoever has the old file open reads the old file
        write_json(path, {"b": 2})
        assert json.load(reader) == {"a": 1}
    assert json.loads(path.read_text()) == {"b": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["stack.json"]


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "of somebody else.log").touch()
    with pytest.raises(DataDirectoryUnusable, match="other things"):
        DataDirectory(tmp_path).create()
    assert sorted(tmp_path.rglob("*")) == [logs, logs / "of somebody else.log"]


def test_a_directory_of_ours_is_taken_again(directory: DataDirectory) -> None:
    DataDirectory(directory.path).create()
