"""YAML of people, some of it secret: read by libyaml where it is there, and told about by line, never by its text."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.constructor import SafeConstructor

from understudy_domain.errors import UnderstudyError

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser takes a tenth of the time, and holds up what else runs in the process for as much less."""
_DEPTH_MAX: Final = 64
"""Of lists and mappings in each other. libyaml's composer calls itself, and ends the process where the stack does."""
_TAG: Final = "tag:yaml.org,2002:"
_SCALAR_TAGS: Final = (None, f"{_TAG}str")
_COLLECTION_TAGS: Final = (None, f"{_TAG}seq", f"{_TAG}map")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_QUOTED = re.compile(r" '.*'", re.DOTALL)


class YamlRefused(UnderstudyError):
    """A text that is no YAML, or more than is read here; the message quotes none of it."""

    code = "yaml_refused"

    def __init__(self, line: int, message: str) -> None:
        """``line``: where, counted from 1."""
        super().__init__(message)
        self.line = line


def compose(text: str) -> yaml.Node | None:
    """The nodes of the one document in ``text``; None where there is none.

    Raises:
        YamlRefused: it is not YAML, or has tags, or is nested without end.
    """
    try:
        _check(text)
        node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    except YamlRefused:
        raise
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        lines = len(_BREAK.findall(text)) + 1  # libyaml counts one more at the end
        raise YamlRefused(1 if mark is None else min(mark.line + 1, lines), f"not YAML: {_words(err)}") from None
    except yaml.YAMLError as err:
        raise YamlRefused(1, f"not YAML: {_QUOTED.sub('', str(err).splitlines()[0])}") from None
    except RecursionError:
        raise YamlRefused(1, _ENDLESS) from None
    except Exception:  # noqa: BLE001  # whatever a library makes of a text, the text may be a password
        raise YamlRefused(1, "not YAML") from None
    return node


def refuse_doubled_keys(node: yaml.Node | None) -> None:
    """See to it that nothing is said twice in one place, of which only the last would count.

    Raises:
        YamlRefused: a key stands twice in the same mapping.
    """
    left, seen = [node], set[int]()
    while left:
        node = left.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))  # an alias is the node that it names
        if isinstance(node, yaml.SequenceNode):
            left += node.value
        elif isinstance(node, yaml.MappingNode):
            keys = set[str]()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys:
                    raise YamlRefused(_line(None, key), "a key that stands twice in the same place")
                keys.add(str(key.value))
                left += (key, value)


def constructed(node: yaml.Node, *, constructor: SafeConstructor | None = None) -> Any:
    """The plain value of a node, with all that is in it.

    Raises:
        YamlRefused: it looks like a date or a number, and is none.
    """
    try:
        return (constructor or SafeConstructor()).construct_object(node, deep=True)
    except yaml.MarkedYAMLError as err:
        raise YamlRefused(_line(err, node), f"not YAML: {_words(err)}") from None
    except RecursionError:
        raise YamlRefused(_line(None, node), _ENDLESS) from None
    except Exception:  # noqa: BLE001  # KeyError, IndexError, AttributeError: the library is not careful with scalars
        words = "not YAML: neither a date nor a number, though it looks like one: put it in quotes"
        raise YamlRefused(_line(None, node), words) from None


def _line(err: yaml.MarkedYAMLError | None, node: yaml.Node | yaml.Event) -> int:
    mark: Any = (err.problem_mark if err is not None else None) or node.start_mark
    return 1 if mark is None else int(mark.line) + 1


def _check(text: str) -> None:
    """Refuse tags and depth, before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEPTH_MAX:
                raise YamlRefused(_line(None, event), _ENDLESS)
            _check_tag(event, _COLLECTION_TAGS)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.ScalarEvent):
            _check_tag(event, _SCALAR_TAGS)


def _check_tag(event: Any, tags: tuple[str | None, ...]) -> None:
    if event.tag not in tags:
        raise YamlRefused(_line(None, event), _TAGGED)


def _words(err: yaml.MarkedYAMLError) -> str:
    """What is wrong, without the text that it is wrong with: a password may begin like an alias or a tag."""
    if isinstance(err, yaml.composer.ComposerError | yaml.constructor.ConstructorError):
        return f"{_QUOTED.sub('', err.problem or '')} {_IN_QUOTES}"
    return _QUOTED.sub("", err.problem or "a mistake in what YAML calls a token")


_IN_QUOTES: Final = "(a text that begins with *, & or ! belongs in quotes)"
_TAGGED: Final = f"not to be read: a tag, and none but !!str is taken {_IN_QUOTES}"
_ENDLESS: Final = "not to be read: it is nested without end"
