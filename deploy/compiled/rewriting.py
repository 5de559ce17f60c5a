"""Dataclasses written out, so that mypyc makes native classes of them, line for line where they were.

A class with other decorators than ``dataclass`` is an ordinary one to mypyc, as slow as before; and what ``dataclass``
writes at run time is interpreted. So ``__init__``, ``__eq__`` and ``__hash__`` are written into the class, and other
decorators are called at the module's end. A native class forgets what its annotations say beyond ``tuple`` or
``object``: they are told again there, for the codec reads them.

What is added stands where the formatter leaves a line empty, behind a class and behind its docstring, so that a
traceback names the lines of the source.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_REGISTERING = frozenset({"record", "row"})
"""Decorators that take note of a class and return it as it is."""
_DROPPED = frozenset({"unguarded"})
"""Decorators that do what is done here anyway."""
_ARGUMENTS = frozenset({"frozen", "slots"})
"""What ``dataclass`` may be called with; a native class has slots. mypy has seen to it that none is changed."""
_FIELD_ARGUMENTS = frozenset({"default", "default_factory", "init", "compare", "repr"})
_DECORATOR = "@dataclass(init=False, eq=False)"


class CannotRewrite(Exception):
    """A dataclass is written in a way that this module knows nothing of."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: str
    default: str | None
    factory: str | None
    is_argument: bool
    is_compared: bool


class Classes:
    """The classes of a package, where each is looked up as it is from within a module."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """``texts``: of modules, by their names."""
        self._trees = {name: ast.parse(text) for name, text in texts.items()}

    def bases(self, module: str, cls: ast.ClassDef) -> list[tuple[str, ast.ClassDef]]:
        """The base classes that the package defines, nearest first, with the modules they are defined in."""
        found = []
        for base in cls.bases:
            if isinstance(base, ast.Name) and (known := self._find(module, base.id)) is not None:
                found += [known, *self.bases(*known)]
        return found

    def _find(self, module: str, name: str) -> tuple[str, ast.ClassDef] | None:
        for node in self._trees[module].body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                return module, node
            if isinstance(node, ast.ImportFrom) and node.module in self._trees:
                for one in node.names:
                    if (one.asname or one.name) == name:
                        return self._find(node.module, one.name)
        return None


def rewritten(text: str, *, module: str, classes: Classes) -> str:
    """A module's text with its dataclasses written out.

    Raises:
        CannotRewrite: naming module, line and what is not known.
    """
    lines = [*text.splitlines(), "", ""]
    at_the_end: list[str] = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and any(_name_of(one) == "dataclass" for one in node.decorator_list):
            try:
                at_the_end += _write_out(node, lines, bases=[base for _, base in classes.bases(module, node)])
            except CannotRewrite as err:
                raise CannotRewrite(f"{module}, line {node.lineno}, class {node.name}: {err}") from None
    return "\n".join([*lines, *at_the_end, ""])


def _write_out(cls: ast.ClassDef, lines: list[str], *, bases: Sequence[ast.ClassDef]) -> list[str]:
    """Change a class's lines in place; lines for the module's end."""
    if any(_name_of(one) == "dataclass" for base in bases for one in base.decorator_list):
        raise CannotRewrite("it inherits fields from another dataclass")
    is_frozen, at_the_end = _take_decorators(cls, lines)
    fields = [one for statement in cls.body if (one := _field_of(statement)) is not None]
    methods = {one.name for one in cls.body if isinstance(one, ast.FunctionDef)}
    inherited = {one.name for base in bases for one in base.body if isinstance(one, ast.FunctionDef)}
    if {"__init__", "__new__"} & (methods | inherited):
        raise CannotRewrite("it makes its objects in a way of its own")
    has_more_to_do = "__post_init__" in methods | inherited
    written = [_init(fields, has_more_to_do=has_more_to_do)] if fields or has_more_to_do else []
    if "__eq__" not in methods:
        written.append(_eq(cls.name, fields))
        if is_frozen and "__hash__" not in methods:
            written.append(_hash(fields))
    _put(written, lines, cls)
    types = ", ".join(f"{one.name!r}: {one.type!r}" for one in fields)
    return [*at_the_end, f"setattr({cls.name}, '__annotations__', {{{types}}})"]


def _take_decorators(cls: ast.ClassDef, lines: list[str]) -> tuple[bool, list[str]]:
    """Leave ``dataclass`` alone above a class; whether that makes it frozen, and calls of those that register it."""
    is_frozen, calls = False, []
    for node in reversed(cls.decorator_list):  # the lowest is called first
        name = _name_of(node)
        for number in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[number] = ""
        if name == "dataclass":
            arguments = {one.arg: ast.unparse(one.value) for one in node.keywords} if isinstance(node, ast.Call) else {}
            if unknown := arguments.keys() - _ARGUMENTS:
                raise CannotRewrite(f"dataclass is called with {', '.join(map(str, unknown))}")
            is_frozen = arguments.get("frozen") == "True"
            lines[node.lineno - 1] = _DECORATOR
        elif name in _REGISTERING:
            calls.append(f"{ast.unparse(node)}({cls.name})")
        elif name not in _DROPPED:
            raise CannotRewrite(f"what the decorator {name} does is not known")
    return is_frozen, calls


def _field_of(statement: ast.stmt) -> _Field | None:
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
        return None
    name, hint, value = statement.target.id, ast.unparse(statement.annotation), statement.value
    if "ClassVar" in hint:
        return None
    if "KW_ONLY" in hint or "InitVar" in hint:
        raise CannotRewrite(f"{name} is {hint}")
    if not isinstance(value, ast.Call) or _name_of(value) != "field":
        return _Field(name, hint, None if value is None else ast.unparse(value), None, True, True)
    given = {one.arg: ast.unparse(one.value) for one in value.keywords}
    if unknown := given.keys() - _FIELD_ARGUMENTS:
        raise CannotRewrite(f"the field {name} is given {', '.join(map(str, unknown))}")
    if "default_factory" in given and "None" in hint:
        raise CannotRewrite(f"the field {name} may be None, and has a default that is made")
    return _Field(
        name,
        hint,
        given.get("default"),
        given.get("default_factory"),
        given.get("init") != "False",
        given.get("compare") != "False",
    )


def _init(fields: Sequence[_Field], *, has_more_to_do: bool) -> str:
    arguments, statements = ["self"], []
    for one in fields:
        name = one.name
        made = None if one.factory is None else f"({one.factory})()"
        if not one.is_argument:
            if (made or one.default) is None:
                raise CannotRewrite(f"nothing sets the field {name}")
            statements.append(f"self.{name} = {made or one.default}")
        elif made is not None:
            arguments.append(f"{name}: {one.type} | None = None")
            statements.append(f"self.{name} = {made} if {name} is None else {name}")
        else:
            arguments.append(f"{name}: {one.type}" + ("" if one.default is None else f" = {one.default}"))
            statements.append(f"self.{name} = {name}")
    if has_more_to_do:
        statements.append("self.__post_init__()")
    return f"    def __init__({', '.join(arguments)}) -> None: {'; '.join(statements) or 'pass'}"


def _eq(cls: str, fields: Sequence[_Field]) -> str:
    """As ``dataclass`` has it: equal in all that is compared, and nothing else than an object of the very class."""
    alike = " and ".join(f"self.{one.name} == other.{one.name}" for one in fields if one.is_compared) or "True"
    return f"    def __eq__(self, other: object) -> bool: return ({alike}) if type(other) is {cls} else NotImplemented"


def _hash(fields: Sequence[_Field]) -> str:
    values = "".join(f"self.{one.name}, " for one in fields if one.is_compared)
    return f"    def __hash__(self) -> int: return hash(({values}))"


def _put(written: Sequence[str], lines: list[str], cls: ast.ClassDef) -> None:
    """Fill empty lines: the two behind a class, and the one behind its docstring."""
    end = cls.end_lineno or cls.lineno
    first = cls.body[0]
    behind_docstring = (first.end_lineno or 0) if isinstance(first, ast.Expr) and first is not cls.body[-1] else end
    room = [number for number in dict.fromkeys([end, end + 1, behind_docstring]) if not lines[number]]
    if len(room) < len(written):
        raise CannotRewrite("there is no room for what is written out: has it been formatted, and a docstring?")
    for number, line in zip(room, written, strict=False):
        lines[number] = line


def _name_of(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(called).removeprefix("dataclasses.")
