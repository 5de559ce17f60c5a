"""One encoder and one parser for every record: frozen dataclasses to compact JSON and back.

A record class is registered with its type name and version by ``@record``. Decoding checks every field's type,
ignores unknown fields (a newer writer may add some), fills defaults for absent ones (an older writer knew fewer), and
raises ``MalformedRecord`` for anything else. Encoding is deterministic: fields in order of declaration, absent values
left out, so that equal records are equal bytes.

Supported field types: ``int``, ``str``, ``bool``, ``float``, ``StrEnum`` classes, dataclasses, ``X | None``,
``tuple[X, ...]``, ``list[X]``, ``Mapping[str, X]`` and ``dict[str, X]``.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar, cast

from understudy_domain.errors import MalformedRecord

T = TypeVar("T")
_Convert = Callable[[Any], Any]

_names: dict[type, tuple[str, int]] = {}
_classes: dict[str, type] = {}
_decoders: dict[Any, _Convert] = {}
_encoders: dict[type, Callable[[Any], dict[str, Any]]] = {}


def record(name: str, *, version: int = 1) -> Callable[[type[T]], type[T]]:
    """Register a dataclass as a record called ``name``; ``version`` rises only when old readers must not read it."""

    def register(cls: type[T]) -> type[T]:
        if name in _classes:
            raise ValueError(f"two records are called {name}")
        _names[cls] = (name, version)
        _classes[name] = cls
        return cls

    return register


def encode(value: object) -> bytes:
    """A registered record as compact JSON bytes, ``{"type":…,"version":…,…}``."""
    name, version = _names[type(value)]
    plain = {"type": name, "version": version, **to_plain(value)}
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()


def decode(payload: bytes) -> object:
    """The record in ``payload``, whole.

    Raises:
        MalformedRecord: not JSON, an unknown type, a newer version than this code reads, or a field of a wrong type.
    """
    plain = _plain_record(payload)
    return from_plain(_class_of(plain), plain)


def _plain_record(payload: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(payload)
    except (ValueError, RecursionError) as err:
        raise MalformedRecord("not JSON") from err
    if not isinstance(plain, dict):
        raise MalformedRecord("not an object")
    return plain


def _class_of(plain: Mapping[str, Any]) -> type:
    cls = _classes.get(str(plain.get("type")))
    if cls is None:
        raise MalformedRecord(f"unknown record type {plain.get('type')!r}")
    version = plain.get("version")
    if not isinstance(version, int) or version > _names[cls][1]:
        raise MalformedRecord(f"{plain.get('type')} of version {version!r} is newer than this program reads")
    return cls


def decode_as(cls: type[T], payload: bytes) -> T:
    """The record in ``payload``, which must be a ``cls``.

    Raises:
        MalformedRecord: as ``decode``, or the record is of another class.
    """
    value = decode(payload)
    if not isinstance(value, cls):
        raise MalformedRecord(f"expected {cls.__name__}, found {type(value).__name__}")
    return value


def decode_outline(cls: type, outline: type[T], payload: bytes) -> T:
    """Of the record in ``payload``, which must be a ``cls``, those fields alone that the dataclass ``outline`` names.

    For whoever reads very many records for the sake of a few fields; the others may be anything.

    Raises:
        MalformedRecord: as ``decode_as``.
    """
    plain = _plain_record(payload)
    if _class_of(plain) is not cls:
        raise MalformedRecord(f"expected {cls.__name__}, found {plain.get('type')!r}")
    return from_plain(outline, plain)


def to_plain(value: object) -> dict[str, Any]:
    """A dataclass as JSON-ready dicts and lists; ``None`` fields are left out."""
    cls = type(value)
    encoder = _encoders.get(cls)
    if encoder is None:
        encoder = _encoders[cls] = _build_encoder(cls)
    return encoder(value)


def from_plain(cls: type[T], plain: Mapping[str, Any]) -> T:
    """A dataclass from parsed JSON.

    Raises:
        MalformedRecord: a required field is missing or a field is of a wrong type.
    """
    return cast(T, _decoder(cls)(plain))


def _build_encoder(cls: type) -> Callable[[Any], dict[str, Any]]:
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls.__name__} is no dataclass")
    hints = typing.get_type_hints(cls)
    fields = [(field.name, _is_scalar(hints[field.name])) for field in dataclasses.fields(cls)]

    def encode_fields(value: object) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for name, scalar in fields:
            item = getattr(value, name)
            if item is not None:
                plain[name] = item if scalar else _plain(item)
        return plain

    return encode_fields


def _is_scalar(hint: Any) -> bool:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return all(_is_scalar(argument) for argument in typing.get_args(hint))
    return hint in (int, str, bool, float, type(None)) or (isinstance(hint, type) and issubclass(hint, StrEnum))


def _plain(item: Any) -> Any:
    if isinstance(item, tuple | list):
        return [_plain(element) for element in item]
    if isinstance(item, Mapping):
        return {key: _plain(element) for key, element in item.items()}
    if dataclasses.is_dataclass(item) and not isinstance(item, type):
        return to_plain(item)
    return item


def _decoder(hint: Any) -> _Convert:
    found = _decoders.get(hint)
    if found is None:
        found = _decoders[hint] = _build_decoder(hint)
    return found


def _build_decoder(hint: Any) -> _Convert:
    origin = typing.get_origin(hint)
    if hint in (int, str, bool):
        return _exact(cast(type, hint))
    if hint is float:
        return _float
    if origin in (types.UnionType, typing.Union):
        arguments = [argument for argument in typing.get_args(hint) if argument is not type(None)]
        if len(arguments) != 1:
            raise TypeError(f"only X | None is supported, not {hint}")
        return _optional(_decoder(arguments[0]))
    if origin is tuple:
        return _sequence_of(tuple, _decoder(typing.get_args(hint)[0]))
    if origin is list:
        return _sequence_of(list, _decoder(typing.get_args(hint)[0]))
    if origin in (Mapping, dict):
        return _mapping_of(_decoder(typing.get_args(hint)[1]))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _enum(hint)
    if dataclasses.is_dataclass(hint):
        return _dataclass(cast(type, hint))
    raise TypeError(f"records cannot hold {hint}")


def _exact(cls: type) -> _Convert:
    def convert(value: Any) -> Any:
        if type(value) is not cls:
            raise MalformedRecord(f"expected {cls.__name__}, found {value!r:.80}")
        return value

    return convert


def _float(value: Any) -> float:
    if type(value) not in (int, float):
        raise MalformedRecord(f"expected a number, found {value!r:.80}")
    return float(value)


def _optional(inner: _Convert) -> _Convert:
    return lambda value: None if value is None else inner(value)


def _sequence_of(cls: type, inner: _Convert) -> _Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, list):
            raise MalformedRecord(f"expected a list, found {value!r:.80}")
        return cls([inner(element) for element in value])

    return convert


def _mapping_of(inner: _Convert) -> _Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            raise MalformedRecord(f"expected an object, found {value!r:.80}")
        return {key: inner(element) for key, element in value.items()}

    return convert


def _enum(cls: type[StrEnum]) -> _Convert:
    members = {member.value: member for member in cls}

    def convert(value: Any) -> Any:
        try:
            return members[value]
        except (KeyError, TypeError) as err:
            raise MalformedRecord(f"{value!r:.80} is no {cls.__name__}") from err

    return convert


def _dataclass(cls: type) -> _Convert:
    hints = typing.get_type_hints(cls)
    fields = [
        (field.name, _decoder(hints[field.name]), _is_required(field), _is_optional(hints[field.name]))
        for field in dataclasses.fields(cls)
        if field.init
    ]

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            raise MalformedRecord(f"expected an object for {cls.__name__}, found {value!r:.80}")
        arguments: dict[str, Any] = {}
        for name, inner, required, optional in fields:
            if name in value:
                arguments[name] = inner(value[name])
            elif required and optional:
                arguments[name] = None  # encoding leaves it out
            elif required:
                raise MalformedRecord(f"{cls.__name__} lacks {name}")
        return cls(**arguments)

    return convert


def _is_optional(hint: Any) -> bool:
    return type(None) in typing.get_args(hint)


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
