"""One encoder and one parser for every record: what they keep, what they fill in, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import pytest

from understudy_domain import codec
from understudy_domain.errors import MalformedRecord, NewerRecord
from understudy_domain.plain import row


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    note: str | None = None


@codec.record("test.whole")
@dataclass(frozen=True, slots=True)
class Whole:
    name: str
    colour: Colour
    parts: tuple[Part, ...]
    weight: float
    nothing: int | None
    names: tuple[str, ...] = ("a",)
    by_name: Mapping[str, Part] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    list_of_parts: list[Part] = field(default_factory=list)
    maybe: Part | None = None
    colours: tuple[Colour, ...] | None = None
    is_good: bool = True
    level: int = 7


FULL = Whole(
    name="né",
    colour=Colour.BLUE,
    parts=(Part(1), Part(2, "two")),
    weight=1.5,
    nothing=3,
    names=("x", "y"),
    by_name={"one": Part(1)},
    tags={"k": "v"},
    list_of_parts=[Part(4)],
    maybe=Part(5, "five"),
    colours=(Colour.RED,),
    is_good=False,
    level=0,
)
LEAST = {"type": "test.whole", "version": 1, "name": "n", "colour": "red", "parts": [], "weight": 1}


def test_a_record_comes_back_as_it_was() -> None:
    assert codec.decode(codec.encode(FULL)) == FULL


def test_equal_records_are_equal_bytes_with_fields_as_declared_and_absent_ones_left_out() -> None:
    value = Whole("n", Colour.RED, (Part(1),), 2.0, None)
    assert codec.encode(value).decode() == (
        '{"type":"test.whole","version":1,"name":"n","colour":"red","parts":[{"number":1}],"weight":2.0,'
        '"names":["a"],"by_name":{},"tags":{},"list_of_parts":[],"is_good":true,"level":7}'
    )


def test_absent_fields_get_their_defaults_and_unknown_ones_are_ignored() -> None:
    value = codec.decode_as(Whole, json.dumps(LEAST | {"of_a_newer_writer": [1]}).encode())
    assert value == Whole("n", Colour.RED, (), 1.0, None)
    assert isinstance(value.weight, float)


def test_two_records_do_not_share_a_default() -> None:
    payload = json.dumps(LEAST).encode()
    first, second = codec.decode_as(Whole, payload), codec.decode_as(Whole, payload)
    assert first.list_of_parts is not second.list_of_parts


@pytest.mark.parametrize(
    "change",
    [
        {"name": 1},
        {"name": None},
        {"colour": "green"},
        {"colour": []},
        {"parts": {}},
        {"parts": [1]},
        {"parts": [{"number": True}]},
        {"parts": [{}]},
        {"weight": "1"},
        {"weight": True},
        {"nothing": "1"},
        {"names": [1]},
        {"tags": {"k": 1}},
        {"tags": []},
        {"by_name": {"one": []}},
        {"maybe": 3},
        {"colours": ["green"]},
        {"is_good": 1},
        {"is_good": None},
        {"level": 1.0},
        {"version": 2},
        {"version": "1"},
        {"type": "unheard of"},
        {"type": []},
    ],
    ids=str,
)
def test_a_field_of_a_wrong_type_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedRecord):
        codec.decode(json.dumps(LEAST | change).encode())


@pytest.mark.parametrize("name", ["name", "colour", "parts", "weight"])
def test_a_required_field_must_be_there(name: str) -> None:
    with pytest.raises(MalformedRecord, match=f"Whole lacks {name}"):
        codec.decode(json.dumps({key: value for key, value in LEAST.items() if key != name}).encode())


@pytest.mark.parametrize("payload", [b"", b"{", b"{}x", b"[]", b"1", b"\xff", b"[" * 100_000], ids=repr)
def test_what_is_no_object_of_json_is_refused(payload: bytes) -> None:
    with pytest.raises(MalformedRecord):
        codec.decode(payload)


@pytest.mark.parametrize("text", ["\n {} \n", "\ufeff{}"], ids=repr)
def test_space_and_a_byte_order_mark_around_a_record_do_no_harm(text: str) -> None:
    payload = text.replace("{}", json.dumps(LEAST)).encode()
    assert codec.decode_as(Whole, payload).name == "n"


def test_another_encoding_of_unicode_is_read() -> None:
    assert codec.decode_as(Whole, json.dumps(LEAST).encode("utf-16")).name == "n"


def test_a_type_that_records_cannot_hold_is_found_when_it_is_first_used() -> None:
    @dataclass
    class Odd:
        anything: set[int]

    with pytest.raises(TypeError, match="records cannot hold"):
        codec.to_plain(Odd({1}))


# --- rows -------------------------------------------------------------------------------------------------------------


@row
@dataclass(slots=True)
class Cell:
    name: str
    parts: tuple[Part, ...]
    weight: int | None = None
    best: Part | None = None
    tags: list[str] = field(default_factory=list)


@codec.record("test.table")
@dataclass(slots=True)
class Table:
    cells: dict[str, list[Cell]]
    part: Part


TABLE = Table({"a": [Cell("x", (Part(1), Part(2, "two")), 3, Part(4)), Cell("y", ())]}, Part(5))


def read_cells(*cells: Any) -> list[Cell]:
    table = {"type": "test.table", "version": 1, "cells": {"a": list(cells)}, "part": {"number": 5}}
    return codec.decode_as(Table, json.dumps(table).encode()).cells["a"]


def test_a_row_is_written_as_its_values_in_order_with_all_that_it_holds_and_comes_back_as_it_was() -> None:
    payload = codec.encode(TABLE)
    cells = [["x", [[1, None], [2, "two"]], 3, [4, None], []], ["y", [], None, None, []]]
    assert json.loads(payload) == {
        "type": "test.table",
        "version": 1,
        "cells": {"a": cells},
        "part": {"number": 5},  # the same class outside of a row
    }
    assert codec.decode(payload) == TABLE


def test_a_row_of_another_release_is_read_as_far_as_both_know_it() -> None:
    assert read_cells(["x", []], ["y", [], 1, None, ["t"], "of later on"]) == [
        Cell("x", ()),
        Cell("y", (), 1, None, ["t"]),
    ]


@pytest.mark.parametrize("cell", [["x"], {"name": "x", "parts": []}, [1, []], ["x", [1]], ["x", [{"number": 1}]]])
def test_a_row_that_lacks_what_it_needs_or_holds_another_type_is_refused(cell: object) -> None:
    with pytest.raises(MalformedRecord):
        read_cells(cell)


@codec.record("test.read_ahead", version=1, reads=2)
@dataclass(frozen=True, slots=True)
class ReadAhead:
    name: str


def test_a_version_is_read_before_it_is_written() -> None:
    assert codec.encode(ReadAhead("n")) == b'{"type":"test.read_ahead","version":1,"name":"n"}'
    assert codec.decode(b'{"type":"test.read_ahead","version":2,"name":"n"}') == ReadAhead("n")
    with pytest.raises(NewerRecord, match="version 3 is newer"):
        codec.decode(b'{"type":"test.read_ahead","version":3,"name":"n"}')


@pytest.mark.parametrize(
    ("payload", "is_newer"),
    [
        (b'{"type":"test.whole","version":2}', True),
        (b'{"type":"test.of_a_release_to_come","version":1}', True),
        (b'{"type":"test.of_a_release_to_come"}', False),
        (b'{"type":"test.whole","version":"2"}', False),
        (b'{"type":"test.whole","version":1}', False),
        (b"{}", False),
    ],
)
def test_a_record_of_a_newer_release_is_told_from_a_damaged_one(payload: bytes, is_newer: bool) -> None:
    with pytest.raises(MalformedRecord) as caught:
        codec.decode(payload)
    assert isinstance(caught.value, NewerRecord) is is_newer


NEWER_FIELDS = {
    "whole": 1,
    "parts": [{"number": 1, "shade": "dark"}, {"number": 2}],
    "maybe": {"number": 5, "deep": {"er": [1]}},
}


def test_who_writes_a_record_again_keeps_what_only_a_newer_release_knows_of_it() -> None:
    stored = json.dumps(LEAST | NEWER_FIELDS).encode()
    value = codec.decode_as(Whole, stored)
    again = codec.encode(replace(value, name="other"), unknown=codec.unknown_in(stored))
    found = json.loads(again)
    assert found["name"] == "other"
    assert {name: found[name] for name in NEWER_FIELDS} == NEWER_FIELDS
    assert codec.decode(again) == replace(value, name="other")


def test_what_has_gone_takes_with_it_what_was_unknown_of_it() -> None:
    stored = json.dumps(LEAST | NEWER_FIELDS).encode()
    without = replace(codec.decode_as(Whole, stored), maybe=None, parts=())
    found = json.loads(codec.encode(without, unknown=codec.unknown_in(stored)))
    assert "maybe" not in found
    assert found["parts"] == []
    assert found["whole"] == 1


def test_a_record_of_this_release_has_nothing_unknown() -> None:
    assert not codec.unknown_in(codec.encode(FULL))
