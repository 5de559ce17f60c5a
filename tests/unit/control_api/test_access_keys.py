"""The file of access keys: what it may say, and that it is read again when it changes."""

from __future__ import annotations

import logging
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
    keys = AccessKeys(path, monotonic=clock)
    write_keys(path, READER)
    assert keys.get(READER.access_key_id) is None, "it is looked once a second"
    clock.seconds = 1.0
    assert keys.get(READER.access_key_id) is not None
    assert keys.get(WRITER.access_key_id) is None


def test_a_slip_while_keys_are_changed_locks_nobody_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, clock = tmp_path / "keys.json", Clock()
    write_keys(path, WRITER)
    keys = AccessKeys(path, monotonic=clock)
    for second, text in enumerate(("", f"keys: [{SECRET}", f"keys: [{SECRET}]"), start=1):
        clock.seconds = float(second)
        path.write_text(text)
        assert keys.get(WRITER.access_key_id) is not None
        assert keys.get(WRITER.access_key_id) is not None
        assert keys.failures_total == second
    path.unlink()
    clock.seconds = 5.0
    assert keys.get(WRITER.access_key_id) is not None
    assert SECRET not in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 4
    write_keys(path, READER)
    clock.seconds = 6.0
    assert keys.get(WRITER.access_key_id) is None
    path.write_text("keys: []")
    clock.seconds = 7.0
    assert len(keys) == 0, "to take all keys away is no slip"


def test_signatures_without_a_key_to_check_them_end_the_service_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AccessKeysUnusable, match=r"UNDERSTUDY_ACCESS_KEYS_FILE.*UNDERSTUDY_AUTHENTICATION=none"):
        access_keys_of(ControllerSettings())
    path = tmp_path / "keys.json"
    with pytest.raises(AccessKeysUnusable, match=r"keys\.json cannot be read"):
        access_keys_of(ControllerSettings(access_keys_file=path))
    path.write_text("keys: []")
    with pytest.raises(AccessKeysUnusable, match="has no key"):
        access_keys_of(ControllerSettings(access_keys_file=path))
    assert access_keys_of(ControllerSettings(authentication="none")) is None
