"""A YAML file as plain values, with the line of each: what is wrong is said where it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.constructor import SafeConstructor

from understudy_runtime import safe_yaml
from understudy_runtime.safe_yaml import YamlRefused

Path = tuple[str | int, ...]
"""Keys and indices from the top of the file."""

_VALUES_MAX: Final = 200_000
"""Aliases of aliases grow without bounds."""
_NAMED_FIELD = re.compile(r"[a-z][A-Za-z]*(?:\.[a-z][A-Za-z]*)*")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, and where."""

    line: int
    message: str


@dataclass(slots=True)
class Document:
    """A file's values; ``problems`` are those that YAML itself has with it."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line_of(self, path: Sequence[str | int]) -> int:
        """Where the value at a path stands, or what holds it where it is not there."""
        for end in range(len(path), 0, -1):
            found = self.lines.get(tuple(path[:end]))
            if found is not None:
                return found
        return 1

    def line_of_named(self, path: Path, message: str) -> int:
        """Where the field stands that a message about the value at ``path`` names first."""
        for match in _NAMED_FIELD.finditer(message):
            below = (*path, *match[0].split("."))
            if any(below[:end] in self.lines for end in range(len(path) + 1, len(below) + 1)):
                return self.line_of(below)
        return self.line_of(path)


def read_yaml(text: str) -> Document:
    """The document in ``text``."""
    document = Document()
    try:
        node = safe_yaml.compose(text)
        if node is None:
            document.problems.append(Problem(1, "the file is empty; to declare nothing, write: channels: []"))
        else:
            document.value = _Reader(document).value(node, ())
    except YamlRefused as err:
        document.problems.append(Problem(err.line, str(err)))
    except RecursionError:
        document.problems.append(Problem(1, "not to be read: it is nested without end"))
    return document


class _Reader:
    def __init__(self, document: Document) -> None:
        self._constructor = SafeConstructor()
        self._document = document
        self._values = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        """What a node stands for."""
        self._values += 1
        if self._values > _VALUES_MAX:
            raise YamlRefused(node.start_mark.line + 1, "not YAML: more values than any file needs")
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return safe_yaml.constructed(node, constructor=self._constructor)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[Any, Any]:
        own: set[Any] = set()
        for key_node, _ in node.value:
            key = self._key(key_node)
            if key in own:
                line = key_node.start_mark.line + 1
                self._document.problems.append(Problem(line, f"{key}: stands twice in the same place"))
            own.add(key)
        self._flatten(node)
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            self._document.lines[*path, key] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, (*path, key))
        return found

    def _flatten(self, node: yaml.MappingNode) -> None:
        """Put in place what ``<<`` names."""
        try:
            self._constructor.flatten_mapping(node)
        except yaml.MarkedYAMLError as err:
            mark = err.problem_mark or node.start_mark
            raise YamlRefused(mark.line + 1, "not YAML: << takes a mapping, or a list of mappings") from None

    def _key(self, node: yaml.Node) -> str | int:
        if not isinstance(node, yaml.ScalarNode):
            raise YamlRefused(node.start_mark.line + 1, "not YAML: a key is a word")
        return str(node.value)
