"""Records are the same values and the same bytes whichever library parses and writes their JSON."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support import record_samples
from understudy_domain import codec, json_text
from understudy_domain.errors import MalformedRecord

_WHOLE = st.integers(-(2**63), 2**64 - 1)
_JSON = st.recursive(
    st.none() | st.booleans() | _WHOLE | st.text(),
    lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    max_leaves=20,
)


@given(_JSON)
def test_both_write_the_same_bytes_and_read_them_as_the_same_value(value: Any) -> None:
    written = json_text.written(value)
    assert written == json_text._write_by_library(value) == orjson.dumps(value)
    assert json_text.parsed(written) == json_text._parse_by_library(written) == value


def test_the_runtime_hands_the_quicker_library_in() -> None:
    import understudy_runtime  # noqa: F401

    assert (json_text._parse, json_text._write) == (orjson.loads, orjson.dumps)


@pytest.mark.parametrize(("name", "payload"), list(record_samples.payloads()))
def test_every_record_is_read_and_written_alike(name: str, payload: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    value = codec.decode(payload)
    monkeypatch.setattr(json_text, "_parse", json_text._parse_by_library)
    monkeypatch.setattr(json_text, "_write", json_text._write_by_library)
    assert codec.decode(payload) == value, name
    assert codec.encode(value) + b"\n" == payload


@pytest.mark.parametrize(
    "payload",
    [
        b'{"path": "\\ud800"}',
        b'{"a": NaN}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": 1, "a": 2}',
    ],
)
def test_what_only_one_of_them_reads_is_read_as_ever(payload: bytes) -> None:
    assert json.dumps(json_text.parsed(payload)) == json.dumps(json.loads(payload))


@pytest.mark.parametrize("payload", [b"", b"{", b'{"a": 1} b', b"\xff\xfe\x00", b'{"type": "lease"}' * 2])
def test_what_is_no_json_is_no_record(payload: bytes) -> None:
    with pytest.raises(MalformedRecord, match="not JSON"):
        codec.decode(payload)


def test_what_the_quicker_one_cannot_write_is_written_all_the_same() -> None:
    assert json_text.written({"a": 2**70}) == b'{"a":1180591620717411303424}'
