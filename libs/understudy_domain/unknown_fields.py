"""Fields of plain JSON that a dataclass does not know, kept for when it is written again.

A newer release may have added fields. Whoever reads a record, changes it and writes it back would drop them, and with
them what somebody has set there.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from understudy_domain import plain


@dataclass(frozen=True, slots=True)
class Unknown:
    """What is not known of an object, or of the items of a list."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    within: Mapping[str | int, Unknown] = field(default_factory=dict)
    """By the names of fields that are known, or by places in a list."""

    def __bool__(self) -> bool:
        return bool(self.fields or self.within)

    def put_into(self, value: Any) -> None:
        """Put it beside what is known; what has gone meanwhile takes with it what was unknown of it."""
        if isinstance(value, dict):
            for name, one in self.fields.items():
                value.setdefault(name, one)
        for at, unknown in self.within.items():
            if at in (range(len(value)) if isinstance(value, list) else value):
                unknown.put_into(value[at])


NOTHING_UNKNOWN: Final = Unknown()


def unknown_of(hint: Any, value: Any) -> Unknown:
    """What of a value, as it is parsed, the type ``hint`` does not know."""
    hint = plain.without_none(hint)
    within: dict[str | int, Unknown] = {}
    beside: dict[str, Any] = {}
    if isinstance(value, list) and (items := plain.item_of(hint)) is not None:
        within = {at: unknown_of(items, one) for at, one in enumerate(value)}
    elif isinstance(value, dict) and dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        names = {one.name for one in dataclasses.fields(hint)}
        within = {name: unknown_of(hints[name], value[name]) for name in names & value.keys()}
        beside = {name: one for name, one in value.items() if name not in names}
    return Unknown(beside, {at: one for at, one in within.items() if one})
