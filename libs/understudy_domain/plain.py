"""Dataclasses as plain JSON values and back: one function each way for each class, written out and compiled.

That is how dataclasses come by their ``__init__``, and for the same reason: a controller turns ten thousand facts a
second into objects, and going over a class's fields with a call for each takes several times as long.

Mostly an object is a dict with its fields' names. What a record holds by the hundred is a row: a list of its fields'
values, in order, and so is all that it holds in turn. That is a third shorter, and takes half the time.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from functools import partial
from typing import Any, cast

from understudy_domain.errors import MalformedRecord

Convert = Callable[[Any], Any]

_SCALARS = (int, str, bool)
_INDENT = "    "

_readers: dict[tuple[Any, bool], Convert] = {}
_writers: dict[tuple[Any, bool], Convert] = {}
_rows: set[type] = set()

T = typing.TypeVar("T")


def row(cls: type[T]) -> type[T]:
    """Have a dataclass written as a row. Further fields come last, with defaults, for they are told by their places."""
    _rows.add(cls)
    return cls


def reader(hint: Any, *, as_row: bool = False) -> Convert:
    """The function that makes a value of type ``hint`` of parsed JSON; it raises ``MalformedRecord``.

    ``as_row``: as it is written within a row.
    """
    key = (hint, as_row or hint in _rows)
    found = _readers.get(key)
    if found is None:
        if not dataclasses.is_dataclass(hint):
            found = _value_reader(*key)
        else:
            found = _row_reader(hint) if key[1] else _class_reader(hint)
        _readers[key] = found
    return found


def writer(hint: Any, *, as_row: bool = False) -> Convert:
    """The function that makes dicts, lists and scalars of a value of type ``hint``.

    ``as_row``: as it is written within a row.
    """
    key = (hint, as_row or hint in _rows)
    found = _writers.get(key)
    if found is None:
        if not dataclasses.is_dataclass(hint):
            found = _value_writer(*key)
        else:
            found = _row_writer(hint) if key[1] else _class_writer(hint)
        _writers[key] = found
    return found


class _Source:
    """A function's lines, and the objects that its names stand for."""

    def __init__(self, head: str) -> None:
        self._lines = [head]
        self._variables = 0
        self._scope: dict[str, Any] = {"MalformedRecord": MalformedRecord, "mismatch": _mismatch}

    def add(self, line: str, *, indent: int = 1) -> None:
        self._lines.append(_INDENT * indent + line)

    def name(self, value: object) -> str:
        """A name for an object."""
        name = f"_{len(self._scope)}"
        self._scope[name] = value
        return name

    def variable(self) -> str:
        """A name for a variable that is no other's."""
        self._variables += 1
        return f"item{self._variables}"

    def compiled(self) -> Convert:
        """The function; it is called ``convert``."""
        exec("\n".join(self._lines), self._scope)  # noqa: S102  # made of this module's text and of field names alone
        return cast(Convert, self._scope["convert"])


def _mismatch(expected: str, value: object) -> MalformedRecord:
    return MalformedRecord(f"expected {expected}, found {value!r:.80}")


# --- reading ----------------------------------------------------------------------------------------------------------


def _class_reader(hint: Any) -> Convert:
    cls = cast(type, hint)
    hints = typing.get_type_hints(cls)
    source = _Source("def convert(value):")
    source.add("if not isinstance(value, dict):")
    source.add(f"raise mismatch('an object for {cls.__name__}', value)", indent=2)
    values = {}
    for at, field in enumerate(one for one in dataclasses.fields(cls) if one.init):
        variable, key, kind = f"f{at}", repr(field.name), hints[field.name]
        values[field.name] = variable
        default = _default(field, source)
        if default is None and not _is_optional(kind):
            source.add("try:")
            source.add(f"{variable} = value[{key}]", indent=2)
            source.add("except KeyError:")
            source.add(f"raise MalformedRecord('{cls.__name__} lacks {field.name}') from None", indent=2)
            _read_into(variable, kind, source, indent=1)
        elif default in (None, "None"):
            source.add(f"{variable} = value.get({key})")  # encoding leaves absent values out
            _read_into(variable, kind, source, indent=1)
        else:
            source.add(f"if {key} in value:")
            source.add(f"{variable} = value[{key}]", indent=2)
            _read_into(variable, kind, source, indent=2)
            source.add("else:")
            source.add(f"{variable} = {default}", indent=2)
    _make(cls, values, source)
    return source.compiled()


def _row_reader(hint: Any) -> Convert:
    cls = cast(type, hint)
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    source = _Source("def convert(value):")
    source.add("if not isinstance(value, list):")
    source.add(f"raise mismatch('a row for {cls.__name__}', value)", indent=2)
    source.add(f"if len(value) != {len(names)}:")  # of a release that knew fewer fields, or knows more
    source.add(f"return {source.name(partial(_of_another_length, cls, names))}(value)", indent=2)
    variables = [f"f{at}" for at in range(len(names))]
    source.add(f"{', '.join(variables)}, = value")
    for variable, name in zip(variables, names, strict=True):
        _read_into(variable, hints[name], source, indent=1, as_row=True)
    _make(cls, dict(zip(names, variables, strict=True)), source)
    return source.compiled()


def _make(cls: type, values: Mapping[str, str], source: _Source) -> None:
    """Lines that make an object of its fields' values (expressions, by name) and return it.

    A frozen dataclass sets each field of a new object through ``object.__setattr__``, which takes longer than to parse
    it. So a class with slots is filled as one that is not frozen, and becomes what it is then.
    """
    unfrozen = _unfrozen(cls, values)
    if unfrozen is None:
        source.add(f"return {source.name(cls)}({', '.join(f'{name}={value}' for name, value in values.items())})")
        return
    source.add(f"one = {source.name(object.__new__)}({source.name(unfrozen)})")
    for name, value in values.items():
        source.add(f"one.{name} = {value}")
    if unfrozen is not cls:
        source.add(f"one.__class__ = {source.name(cls)}")
    source.add("return one")


def _unfrozen(cls: type, names: Collection[str]) -> type | None:
    """A class with the same slots whose objects can be filled; None where making an object is more than that."""
    slots = cls.__dict__.get("__slots__")
    if slots is None or set(slots) != set(names) or cls.__bases__ != (object,) or hasattr(cls, "__post_init__"):
        return None
    is_frozen = "__setattr__" in cls.__dict__
    return type(cls.__name__, (), {"__slots__": slots}) if is_frozen else cls


def _of_another_length(cls: Any, names: list[str], value: list[Any]) -> Any:
    known = dict(zip(names, value, strict=False))
    hints = typing.get_type_hints(cls)
    required = [one.name for one in dataclasses.fields(cls) if _default(one, _Source("")) is None]
    if not known.keys() >= set(required):
        raise MalformedRecord(f"{cls.__name__} lacks {', '.join(set(required) - known.keys())}")
    return cls(**{name: reader(hints[name], as_row=True)(one) for name, one in known.items()})


def _default(field: dataclasses.Field[Any], source: _Source) -> str | None:
    """An expression for a field's default; None where it has none."""
    if field.default is not dataclasses.MISSING:
        return "None" if field.default is None else source.name(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return f"{source.name(field.default_factory)}()"
    return None


def _value_reader(hint: Any, as_row: bool) -> Convert:
    source = _Source("def convert(value):")
    _read_into("value", hint, source, indent=1, as_row=as_row)
    source.add("return value")
    return source.compiled()


def _read_into(variable: str, hint: Any, source: _Source, *, indent: int, as_row: bool = False) -> None:
    """Lines that check a variable's value, and make what it stands for of it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in _SCALARS:
        source.add(f"if type({variable}) is not {hint.__name__}:", indent=indent)
        source.add(f"raise mismatch('{hint.__name__}', {variable})", indent=indent + 1)
    elif hint is float:
        source.add(f"if type({variable}) is not float:", indent=indent)
        source.add(f"if type({variable}) is not int:", indent=indent + 1)
        source.add(f"raise mismatch('a number', {variable})", indent=indent + 2)
        source.add(f"{variable} = float({variable})", indent=indent + 1)
    elif origin in (types.UnionType, typing.Union):
        source.add(f"if {variable} is not None:", indent=indent)
        _read_into(variable, _inner(hint), source, indent=indent + 1, as_row=as_row)
    elif origin in (tuple, list):
        source.add(f"if not isinstance({variable}, list):", indent=indent)
        source.add(f"raise mismatch('a list', {variable})", indent=indent + 1)
        items = f"[{source.name(reader(arguments[0], as_row=as_row))}(one) for one in {variable}]"
        source.add(f"{variable} = {f'tuple({items})' if origin is tuple else items}", indent=indent)
    elif origin in (Mapping, dict) or hint in (Mapping, dict):
        source.add(f"if not isinstance({variable}, dict):", indent=indent)
        source.add(f"raise mismatch('an object', {variable})", indent=indent + 1)
        items = f"{source.name(reader(arguments[1], as_row=as_row))}(one)"
        source.add(f"{variable} = {{key: {items} for key, one in {variable}.items()}}", indent=indent)
    elif isinstance(hint, type) and issubclass(hint, StrEnum):
        members = source.name({member.value: member for member in hint})
        source.add("try:", indent=indent)
        source.add(f"{variable} = {members}[{variable}]", indent=indent + 1)
        source.add("except (KeyError, TypeError):", indent=indent)
        source.add(f"raise mismatch('a {hint.__name__}', {variable}) from None", indent=indent + 1)
    elif dataclasses.is_dataclass(hint):
        source.add(f"{variable} = {source.name(reader(hint, as_row=as_row))}({variable})", indent=indent)
    else:
        raise TypeError(f"records cannot hold {hint}")


# --- writing ----------------------------------------------------------------------------------------------------------


def _class_writer(hint: Any) -> Convert:
    cls = cast(type, hint)
    hints = typing.get_type_hints(cls)
    source = _Source("def convert(value):")
    source.add("plain = {}")
    for field in dataclasses.fields(cls):
        source.add(f"one = value.{field.name}")
        source.add("if one is not None:")
        source.add(f"plain[{field.name!r}] = {_written('one', hints[field.name], source)}", indent=2)
    source.add("return plain")
    return source.compiled()


def _row_writer(hint: Any) -> Convert:
    source = _Source("def convert(value):")
    source.add(f"return {_row('value', hint, source)}")
    return source.compiled()


def _row(variable: str, hint: Any, source: _Source) -> str:
    """An expression for a row, with all that it holds: a call for each of a state's thousand rows takes longer."""
    hints = typing.get_type_hints(hint)
    values = []
    for field in dataclasses.fields(hint):
        one = f"{variable}.{field.name}"
        written = _written(one, hints[field.name], source, as_row=True)
        values.append(f"None if {one} is None else {written}" if _is_optional(hints[field.name]) else written)
    return f"[{', '.join(values)}]"


def _value_writer(hint: Any, as_row: bool) -> Convert:
    source = _Source("def convert(value):")
    source.add(f"return {_written('value', hint, source, as_row=as_row)}")
    return source.compiled()


def _written(variable: str, hint: Any, source: _Source, *, as_row: bool = False) -> str:
    """An expression for what is to be written of a variable's value, which is not None."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in (*_SCALARS, float) or (isinstance(hint, type) and issubclass(hint, StrEnum)):
        return variable
    if origin in (types.UnionType, typing.Union):
        return _written(variable, _inner(hint), source, as_row=as_row)
    if origin in (tuple, list):
        name = source.variable()
        item = _written(name, arguments[0], source, as_row=as_row)
        return f"list({variable})" if item == name else f"[{item} for {name} in {variable}]"
    if origin in (Mapping, dict):
        name = source.variable()
        item = _written(name, arguments[1], source, as_row=as_row)
        return f"dict({variable})" if item == name else f"{{key: {item} for key, {name} in {variable}.items()}}"
    if dataclasses.is_dataclass(hint):
        if as_row or hint in _rows:
            return _row(variable, hint, source)
        return f"{source.name(writer(hint))}({variable})"
    raise TypeError(f"records cannot hold {hint}")


def _inner(hint: Any) -> Any:
    """X of ``X | None``."""
    arguments = [argument for argument in typing.get_args(hint) if argument is not type(None)]
    if len(arguments) != 1:
        raise TypeError(f"only X | None is supported, not {hint}")
    return arguments[0]


def without_none(hint: Any) -> Any:
    """X of ``X | None``, else what it is."""
    return _inner(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else hint


def item_of(hint: Any) -> Any:
    """X of ``tuple[X, ...]`` or ``list[X]``; None of anything else."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) in (tuple, list) else None


def _is_optional(hint: Any) -> bool:
    return type(None) in typing.get_args(hint)
