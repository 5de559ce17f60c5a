"""The file of access keys: what it may say, and that it is read again when it changes."""

from __future__ import annotations

import asyncio
import logging
import os
import traceback
from pathlib import Path

import pytest

from support.signing import READER, WRITER, write_keys
from understudy_controller.authentication.keys import AccessKeys, access_keys_of
from understudy_controller.settings import ControllerSettings
from understudy_runtime.access_keys import AccessKeysUnusable, read_access_keys

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def keys_of(path: Path, clock: Clock) -> AccessKeys:
    return AccessKeys(path, monotonic=clock, sleep=clock.sleep)


def look(keys: AccessKeys, clock: Clock, *, times: int = 1) -> None:
    """Once a second."""
    for _ in range(times):
        clock.seconds += 1.0
        keys.look()


def test_keys_are_read_from_yaml_and_from_json(tmp_path: Path) -> None:
    yaml, json = tmp_path / "keys.yaml", tmp_path / "keys.json"
    yaml.write_text(
        f"keys:\n- access_key_id: AKIA1\n  secret_access_key: {SECRET}\n  name: terraform\n"
        f"- {{access_key_id: AKIA2, secret_access_key: {SECRET}, read_only: true}}\n"
    )
    write_keys(json, WRITER, READER)
    found = read_access_keys(yaml)
    assert [(key.access_key_id, key.name, key.read_only) for key in found.values()] == [
        ("AKIA1", "terraform", False),
        ("AKIA2", "", True),
    ]
    assert found["AKIA1"].secret_access_key.get_secret_value() == SECRET
    assert set(read_access_keys(json)) == {WRITER.access_key_id, READER.access_key_id}


def test_a_key_shows_its_secret_in_no_repr(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, WRITER)
    assert WRITER.secret not in f"{read_access_keys(path)!r} {read_access_keys(path)[WRITER.access_key_id]}"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "keys"),
        (SECRET, "keys"),
        ("keys: 7", "keys"),
        (f"keys: [{{access_key_id: a b, secret_access_key: {SECRET}}}]", "keys.0.access_key_id"),
        (f"keys: [{{access_key_id: 7, secret_access_key: {SECRET}}}]", "keys.0.access_key_id"),
        ("keys: [{access_key_id: a, secret_access_key: short}]", "keys.0.secret_access_key"),
        ("keys: [{access_key_id: a}]", "keys.0.secret_access_key"),
        (f"keys: [{{access_key_id: a, secret_access_key: {SECRET}, readonly: true}}]", "keys.0.readonly"),
        (f"keys: [{{access_key_id: a, secret_access_key: {SECRET}, read_only: 'yes'}}]", "keys.0.read_only"),
        (f"keys:\n- access_key_id: a\n  secret_access_key: '{SECRET}\n", "line 4"),
        (f"keys: [&a {{access_key_id: a, secret_access_key: {SECRET}}}, *a]", "more than once"),
        ("\x00", "neither YAML nor JSON"),
        ("a: 2020-99-99", "neither YAML nor JSON"),
        (
            f"keys: [{{access_key_id: a, secret_access_key: !!bool {SECRET}}}]",
            "line 1: neither YAML nor JSON: not to be read: a tag",
        ),
        (f"keys: [{{access_key_id: a,\n secret_access_key: !!timestamp {SECRET}}}]", "line 2: neither YAML nor JSON"),
        ("keys: !!int ''", "line 1: neither YAML nor JSON"),
        ("- " * 100_000, "nested without end"),
        ("[" * 100_000, "nested without end"),
        ("\ud800".encode("utf-16-le", "surrogatepass").decode("latin-1"), "neither YAML nor JSON"),
        ("!!python/object:os.system {}", "neither YAML nor JSON"),
    ],
)
def test_a_file_that_says_something_else_is_refused_by_field_and_without_its_values(
    tmp_path: Path, text: str, named: str
) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text)
    with pytest.raises(AccessKeysUnusable, match=named) as caught:
        read_access_keys(path)
    assert str(path) in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_keys_are_read_again_when_the_file_changes(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", Clock()
    write_keys(path, WRITER)
    keys = keys_of(path, clock)
    write_keys(path, READER)
    look(keys, clock)
    assert keys.get(READER.access_key_id) is None, "it may be half of what is being written"
    look(keys, clock)
    assert keys.get(READER.access_key_id) is not None
    assert keys.get(WRITER.access_key_id) is None


def test_a_file_that_is_being_written_gives_no_key_more_than_it_is_to_have(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.yaml", Clock()
    write_keys(path, WRITER)
    keys = keys_of(path, clock)
    whole = (
        f"keys:\n- access_key_id: reads\n  secret_access_key: {SECRET}\n  read_only: true\n"
        f"- access_key_id: writes\n  secret_access_key: {SECRET}\n"
    )
    for end in range(1, len(whole)):
        path.write_text(whole[:end])
        look(keys, clock)
        assert keys.get("reads") is None, whole[:end]
        assert keys.get(WRITER.access_key_id) is not None
    path.write_text(whole)
    look(keys, clock, times=2)
    reads = keys.get("reads")
    assert reads is not None
    assert reads.read_only
    assert len(keys) == 2
    assert keys.failures_total == 0


def test_a_file_that_is_being_written_at_start_is_waited_for(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", Clock()
    whole = f"keys: [{{access_key_id: reads, secret_access_key: {SECRET}, "
    path.write_text(whole + "}]")

    def write_on(seconds: float) -> None:
        clock.sleep(seconds)
        path.write_text(whole + "read_only: true}]")

    found = AccessKeys(path, monotonic=clock, sleep=write_on).get("reads")
    assert found is not None
    assert found.read_only

    def write_always(seconds: float) -> None:
        clock.sleep(seconds)
        path.write_text(whole + f"name: '{clock.seconds}'}}]")

    with pytest.raises(AccessKeysUnusable, match="keeps changing"):
        AccessKeys(path, monotonic=clock, sleep=write_always)
    os.utime(path, (0, 0))
    before = clock.seconds
    assert len(keys_of(path, clock)) == 1
    assert clock.seconds == before, "a file that has long been there is not waited for"


async def test_keys_are_followed_while_nobody_asks(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    write_keys(path, WRITER)
    os.utime(path, (0, 0))
    keys = AccessKeys(path)
    async with keys.followed(), asyncio.timeout(10):
        write_keys(path, READER)
        while keys.get(READER.access_key_id) is None:  # noqa: ASYNC110  # nothing tells
            await asyncio.sleep(0.05)
    assert keys.get(WRITER.access_key_id) is None


def test_a_slip_while_keys_are_changed_locks_nobody_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, clock = tmp_path / "keys.json", Clock()
    write_keys(path, WRITER)
    keys = keys_of(path, clock)
    for count, text in enumerate(("", f"keys: [{SECRET}", f"keys: [{SECRET}]", f"!!bool {SECRET}"), start=1):
        path.write_text(text)
        look(keys, clock, times=4)
        assert keys.get(WRITER.access_key_id) is not None
        assert keys.failures_total == count, "each content is told once"
    path.unlink()
    look(keys, clock, times=2)
    assert keys.get(WRITER.access_key_id) is not None
    assert SECRET not in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 5
    write_keys(path, READER)
    look(keys, clock, times=2)
    assert keys.get(WRITER.access_key_id) is None
    path.write_text("keys: []")
    look(keys, clock, times=2)
    assert len(keys) == 0, "to take all keys away is no slip"


def test_signatures_without_a_key_to_check_them_end_the_service_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AccessKeysUnusable, match=r"UNDERSTUDY_ACCESS_KEYS_FILE.*UNDERSTUDY_AUTHENTICATION=none"):
        access_keys_of(ControllerSettings())
    path = tmp_path / "keys.json"
    with pytest.raises(AccessKeysUnusable, match=r"keys\.json: the file is missing"):
        access_keys_of(ControllerSettings(access_keys_file=path))
    path.write_text("keys: []")
    with pytest.raises(AccessKeysUnusable, match="has no key"):
        access_keys_of(ControllerSettings(access_keys_file=path))
    assert access_keys_of(ControllerSettings(authentication="none")) is None
