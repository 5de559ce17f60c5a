"""Frozen dataclasses without their guard at run time are in all else what they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import pytest

from understudy_domain.unguarded import unguarded


@dataclass(frozen=True, slots=True)
class Guarded:
    """As it is written."""

    name: str
    size: int = 3
    parts: Mapping[str, int] = field(default_factory=dict)


@unguarded
@dataclass(frozen=True, slots=True)
class Quick:
    """The same."""

    name: str
    size: int = 3
    parts: Mapping[str, int] = field(default_factory=dict)


def test_an_object_is_filled_as_the_dataclass_says() -> None:
    for cls in (Guarded, Quick):
        one = cls("a", parts={"b": 1})
        assert (one.name, one.size, one.parts) == ("a", 3, {"b": 1})
        assert replace(one, size=4).size == 4
        assert cls("a").parts is not cls("a").parts
    assert [one.name for one in fields(Quick)] == [one.name for one in fields(Guarded)]


def test_equal_objects_are_equal_and_shown_by_their_fields() -> None:
    assert Quick("a") == Quick("a") != Quick("b")
    assert repr(Quick("a")) == "Quick(name='a', size=3, parts={})"


def test_what_is_missing_or_unknown_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Quick.__init__\(\) missing 1 required positional argument: 'name'"):
        Quick()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        Quick("a", colour="red")  # type: ignore[call-arg]


def test_it_has_a_hash_and_no_guard() -> None:
    assert hash(Quick("a", parts=())) == hash(Quick("a", parts=()))  # type: ignore[arg-type]
    one = Quick("a")
    one.name = "b"  # type: ignore[misc]  # which is for type checkers to refuse
    assert one.name == "b"
