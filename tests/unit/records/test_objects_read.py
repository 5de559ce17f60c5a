"""What is read of a record are objects like those that their classes make."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest

from understudy_domain import plain
from understudy_domain.errors import MalformedRecord


@dataclasses.dataclass(frozen=True, slots=True)
class _Frozen:
    one: int
    other: str | None = None
    parts: tuple[int, ...] = ()

    @property
    def twice(self) -> int:
        return 2 * self.one


@plain.row
@dataclasses.dataclass(slots=True)
class _Row:
    one: int
    held: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class _Checked:
    one: int

    def __post_init__(self) -> None:
        if self.one < 0:
            raise MalformedRecord("it is negative")


@dataclasses.dataclass(frozen=True)
class _WithoutSlots:
    one: int


@dataclasses.dataclass(frozen=True, slots=True)
class _More(_Frozen):
    more: int = 3


@pytest.mark.parametrize(
    ("cls", "value", "expected"),
    [
        (_Frozen, {"one": 1, "parts": [1, 2]}, _Frozen(1, parts=(1, 2))),
        (_Frozen, {"one": 1, "other": "b"}, _Frozen(1, "b")),
        (_Row, [1, [2]], _Row(1, [2])),
        (_Row, [1], _Row(1)),
        (_Checked, {"one": 1}, _Checked(1)),
        (_WithoutSlots, {"one": 1}, _WithoutSlots(1)),
        (_More, {"one": 1, "more": 4}, _More(1, more=4)),
    ],
)
def test_an_object_that_is_read_is_one_that_is_made(cls: type[Any], value: Any, expected: Any) -> None:
    found = plain.reader(cls)(value)
    assert type(found) is cls
    assert (found, repr(found)) == (expected, repr(expected))
    assert pickle.loads(pickle.dumps(found)) == expected
    assert dataclasses.replace(found, one=7) == dataclasses.replace(expected, one=7)


def test_what_is_frozen_stays_frozen() -> None:
    found = plain.reader(_Frozen)({"one": 1})
    assert (hash(found), found.twice) == (hash(_Frozen(1)), 2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.one = 2


def test_what_a_class_checks_is_checked() -> None:
    with pytest.raises(MalformedRecord, match="negative"):
        plain.reader(_Checked)({"one": -1})


def test_two_that_are_read_share_nothing_that_may_change() -> None:
    one, other = plain.reader(_Row)([1]), plain.reader(_Row)([1])
    one.held.append(1)
    assert other.held == []
