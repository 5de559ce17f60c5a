"""The smoke test of an installation: what it pushes, with which key, and what it says when nobody answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.ports import free_ports
from support.signing import READER, WRITER, write_keys
from understudy_controller.smoke_test.__main__ import main
from understudy_controller.smoke_test.control_api import first_writing_key
from understudy_controller.smoke_test.errors import SmokeTestFailed
from understudy_controller.smoke_test.http import Address
from understudy_controller.smoke_test.push import segments

PACKET_BYTES = 188


def test_its_media_is_some_whole_segments_of_mpeg_ts_that_differ() -> None:
    media = segments()
    assert len(set(media)) == len(media) == 4
    for one in media:
        assert len(one) % PACKET_BYTES == 0
        assert set(one[::PACKET_BYTES]) == {0x47}


def test_it_signs_with_the_first_key_that_may_write(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", READER, WRITER)
    assert first_writing_key(tmp_path / "keys").access_key_id == WRITER.access_key_id


@pytest.mark.parametrize("keys", [[], [READER]])
def test_without_a_key_that_may_write_it_says_so(tmp_path: Path, keys: list[object]) -> None:
    write_keys(tmp_path / "keys", *keys)  # type: ignore[arg-type]
    with pytest.raises(SmokeTestFailed, match="no key that may write"):
        first_writing_key(tmp_path / "keys")


def test_a_file_of_keys_that_is_none_is_no_crash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "keys").write_text(json.dumps({"keys": "none"}))
    assert main(arguments("http://127.0.0.1:1", tmp_path / "keys")) == 1
    assert capsys.readouterr().err.startswith("failed: ")


def test_a_control_api_that_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    assert main(arguments(f"http://127.0.0.1:{port}")) == 1
    said = capsys.readouterr().err
    assert f"http://127.0.0.1:{port}/origin_endpoints/smoke-test got no answer" in said
    assert "is that service ready?" in said


@pytest.mark.parametrize("text", ["egress:80", "ftp://egress", "http://", ""])
def test_an_address_is_a_url_of_http(text: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        Address.parse(text)


def arguments(api_url: str, keys: Path | None = None) -> list[str]:
    """A command line with one address for everything."""
    signed = ["--access-keys-file", str(keys)] if keys else []
    return ["--api-url", api_url, "--ingest-url", api_url, "--egress-url", api_url, *signed]
