"""docs/events.md names every kind of event, and no field that an event does not have."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from understudy_domain.event import EventKind
from understudy_domain.event_view import EventView

PAGE = (Path(__file__).parents[3] / "docs" / "events.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| .+ \| (.+) \|$", re.MULTILINE)
FIELD = re.compile(r"`(\w+)`(?!\()")
NAMES = {field.name for field in fields(EventView)}


def test_every_kind_is_documented_in_order_and_nothing_else_is() -> None:
    assert [kind for kind, _ in ROW.findall(PAGE)] == [kind.value for kind in EventKind]


def test_what_a_kind_is_said_to_have_are_fields_of_an_event() -> None:
    named = {name for _, besides in ROW.findall(PAGE) for name in FIELD.findall(besides)}
    assert named <= NAMES


def test_every_field_of_an_event_is_named() -> None:
    assert set(FIELD.findall(PAGE)) >= NAMES
