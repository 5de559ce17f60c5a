"""A YAML file as plain values, with the line of each: what is wrong is said where it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

Path = tuple[str | int, ...]
"""Keys and indices from the top of the file."""

_VALUES_MAX: Final = 200_000
"""Aliases of aliases grow without bounds."""
_QUOTED = re.compile(r" '.*'", re.DOTALL)
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
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                document.problems.append(Problem(1, "the file is empty; to declare nothing, write: channels: []"))
            else:
                document.value = _Reader(loader, document).value(node, ())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        document.problems.append(Problem(1 if mark is None else mark.line + 1, f"not YAML: {_words(err)}"))
    except yaml.YAMLError as err:
        document.problems.append(Problem(1, f"not YAML: {str(err).splitlines()[0]}"))
    except RecursionError:
        document.problems.append(Problem(1, "not to be read: it is nested without end"))
    return document


def _words(err: yaml.MarkedYAMLError) -> str:
    """What is wrong, without the text that it is wrong with: a password may begin like an alias or a tag."""
    if isinstance(err, yaml.composer.ComposerError | yaml.constructor.ConstructorError):
        return _QUOTED.sub("", err.problem or "") + " (a text that begins with *, & or ! belongs in quotes)"
    return err.problem or str(err)


class _Reader:
    def __init__(self, loader: yaml.SafeLoader, document: Document) -> None:
        self._loader = loader
        self._document = document
        self._values = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        """What a node stands for."""
        self._values += 1
        if self._values > _VALUES_MAX:
            raise yaml.MarkedYAMLError(problem="more values than any file needs", problem_mark=node.start_mark)
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        try:
            return self._loader.construct_object(node)
        except ValueError as err:
            problem = "neither a date nor a number, though it looks like one: put it in quotes"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from err

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[Any, Any]:
        own: set[Any] = set()
        for key_node, _ in node.value:
            key = self._key(key_node)
            if key in own:
                line = key_node.start_mark.line + 1
                self._document.problems.append(Problem(line, f"{key}: stands twice in the same place"))
            own.add(key)
        self._loader.flatten_mapping(node)
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            self._document.lines[*path, key] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, (*path, key))
        return found

    def _key(self, node: yaml.Node) -> str | int:
        if not isinstance(node, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="a key is a word", problem_mark=node.start_mark)
        return str(node.value)
