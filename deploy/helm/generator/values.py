"""``values.yaml`` with what its comments say of each value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


class UndocumentedValue(ValueError):
    """A value without a ``# --`` line, or with an ``@schema`` that is no JSON."""


@dataclass(frozen=True, slots=True)
class Value:
    """One key of ``values.yaml``."""

    path: tuple[str, ...]
    default: Any
    description: str
    """What the comment above it says; of a group of values perhaps nothing."""
    annotation: dict[str, Any] = field(default_factory=dict)
    """What ``@schema`` adds to the type that the default shows."""
    children: tuple[Value, ...] = ()

    @property
    def name(self) -> str:
        """As ``--set`` takes it."""
        return ".".join(self.path)

    @property
    def is_group(self) -> bool:
        """Whether it is made of other values, each documented by itself."""
        return bool(self.children)

    def leaves(self) -> Iterator[Value]:
        """Every value that is no group, in the order of the file."""
        if not self.is_group:
            yield self
        for child in self.children:
            yield from child.leaves()


def read_values(path: Path) -> Value:
    """The values of a chart as one group.

    Raises:
        UndocumentedValue: one is not documented.
    """
    text = path.read_text()
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise UndocumentedValue(f"{path} is no mapping")
    values = yaml.load(text, Loader=yaml.CSafeLoader)
    return Value((), values, "", children=tuple(_children(node, values, (), text.splitlines())))


def _children(
    node: yaml.MappingNode, values: dict[str, Any], path: tuple[str, ...], lines: list[str]
) -> Iterator[Value]:
    for key, value in node.value:
        own = (*path, str(key.value))
        description, documented, annotation = _comment(lines, key.start_mark.line, ".".join(own))
        # A mapping with a line of its own is one value, such as a map of labels or an empty one; else it is a group.
        children: tuple[Value, ...] = ()
        if isinstance(value, yaml.MappingNode) and value.value and not documented:
            children = tuple(_children(value, values[key.value], own, lines))
        elif not documented:
            raise UndocumentedValue(f"{'.'.join(own)} has no `# --` line above it")
        yield Value(own, values[key.value], description, annotation, children)


def _comment(lines: list[str], line: int, name: str) -> tuple[str, bool, dict[str, Any]]:
    """The comment block above a line: its text, whether it has a ``# --``, and its annotation."""
    first = line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    words: list[str] = []
    documented = False
    annotation: dict[str, Any] = {}
    for text in (raw.strip().removeprefix("#").strip() for raw in lines[first:line]):
        if text.startswith("@schema "):
            try:
                annotation = json.loads(text.removeprefix("@schema "))
            except json.JSONDecodeError as err:
                raise UndocumentedValue(f"the @schema of {name} is no JSON: {err}") from err
        elif text.startswith("-- "):
            documented = True
            words = [text.removeprefix("-- ")]
        else:
            words.append(text)
    return " ".join(words), documented, annotation
