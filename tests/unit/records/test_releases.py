"""What every release has written is read for ever, and says the same; what this one writes changes by decision only."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from support.newer_release import versions
from support.record_samples import RECORDS, described, enumerations, index_page, names, payloads, release
from understudy_domain import codec, keys
from understudy_domain.index_page import IndexPage

RELEASES = sorted((folder.name for folder in RECORDS.iterdir()), key=lambda name: [*map(int, re.findall(r"\d+", name))])
STORED = [path for path in sorted(RECORDS.rglob("*.json")) if path.name not in described()]
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


def test_this_release_says_of_its_records_what_is_filed_of_it() -> None:
    assert {name: json.loads((HERE / name).read_bytes()) for name in described()} == described(), DECIDE


def written_too_soon(now: dict[str, dict[str, int]], before: dict[str, dict[str, int]]) -> set[str]:
    """Kinds of which a release writes a version that the one before it does not read."""
    return {name for name, one in now.items() if name in before and one["writes"] > before[name]["reads"]}


def test_what_this_release_writes_the_one_before_reads() -> None:
    at = RELEASES.index(release())
    for before in RELEASES[max(at - 1, 0) : at]:
        stored = json.loads((RECORDS / before / "versions.json").read_bytes())
        assert written_too_soon(described()["versions.json"], stored) == set(), DECIDE


def test_a_version_is_read_one_release_before_it_is_written() -> None:
    first, second = {"writes": 1, "reads": 1}, {"writes": 1, "reads": 2}
    third = {"writes": 2, "reads": 2}
    assert not written_too_soon({"a": second, "new": third}, {"a": first})
    assert not written_too_soon({"a": third}, {"a": second})
    assert written_too_soon({"a": third}, {"a": first}) == {"a"}


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
