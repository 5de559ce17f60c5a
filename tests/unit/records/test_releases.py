"""What every release has written is read for ever, and says the same; what this one writes changes by decision only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.newer_release import versions
from support.record_samples import RECORDS, enumerations, index_page, names, payloads, release
from understudy_domain import codec, keys
from understudy_domain.index_page import IndexPage

RELEASES = sorted(folder.name for folder in RECORDS.iterdir())
STORED = [path for path in sorted(RECORDS.rglob("*.json")) if path.name not in ("enumerations.json", "names.json")]
HERE = RECORDS / release()
KINDS = {name for name in versions() if not name.startswith("test.")}
DECIDE = "the written form changed: docs/records.md says what may be changed how; then `make records`"


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def is_within(stored: Any, now: Any) -> bool:
    """Whether all that was stored is there as it was; more may be beside it, in a row behind it."""
    if isinstance(stored, dict):
        return isinstance(now, dict) and all(key in now and is_within(one, now[key]) for key, one in stored.items())
    if isinstance(stored, list):
        known = isinstance(now, list) and len(now) >= len(stored)
        return known and all(is_within(one, other) for one, other in zip(stored, now, strict=False))
    return type(stored) is type(now) and bool(stored == now)


@pytest.mark.parametrize("path", STORED, ids=name_of)
def test_a_record_that_a_release_wrote_is_read_and_says_the_same(path: Path) -> None:
    stored = json.loads(path.read_bytes())
    now = json.loads(codec.encode(codec.decode(path.read_bytes())))
    assert stored.pop("version") <= now.pop("version")
    assert is_within(stored, now)


@pytest.mark.parametrize("version", RELEASES)
def test_an_index_page_that_a_release_wrote_is_read_and_says_the_same(version: str) -> None:
    page, now = IndexPage.parse((RECORDS / version / "index_page.bin").read_bytes()), index_page()
    assert page.key == now.key
    assert is_within(codec.to_plain(page.listing), codec.to_plain(now.listing))
    assert is_within(codec.to_plain(page.media), codec.to_plain(now.media))
    assert page.beginnings == (1,)


@pytest.mark.parametrize("version", RELEASES)
def test_what_a_release_named_keeps_its_name(version: str) -> None:
    stored = json.loads((RECORDS / version / "names.json").read_bytes())
    assert is_within(stored, names())
    assert keys.parse_index_page_key(stored["index page"]) == index_page().key


@pytest.mark.parametrize("version", RELEASES)
def test_no_value_of_an_enumeration_is_forgotten(version: str) -> None:
    stored = json.loads((RECORDS / version / "enumerations.json").read_bytes())
    now = enumerations()
    assert stored.keys() <= now.keys()
    assert [value for name, values in stored.items() for value in values if value not in now[name]] == []


def test_this_release_writes_what_is_filed_of_it() -> None:
    written = dict(payloads())
    filed = {path.name: path.read_bytes() for path in STORED if path.parent == HERE}
    assert {name for name in written.keys() | filed.keys() if written.get(name) != filed.get(name)} == set(), DECIDE


def test_this_release_knows_the_values_and_names_that_are_filed_of_it() -> None:
    assert json.loads((HERE / "enumerations.json").read_bytes()) == enumerations(), DECIDE
    assert json.loads((HERE / "names.json").read_bytes()) == names(), DECIDE


def test_every_kind_of_record_is_filed() -> None:
    assert {path.stem for path in STORED if path.parent == HERE} == KINDS


@pytest.mark.parametrize(
    ("stored", "now"),
    [
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": True}, {"a": 1}),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}),
        ([1, 2], [1]),
        ([1, 2], [2, 1]),
    ],
)
def test_what_is_lost_or_differs_is_noticed(stored: Any, now: Any) -> None:
    assert not is_within(stored, now)
    assert is_within(stored, stored)
