"""One encoder and one parser for every record: frozen dataclasses to compact JSON and back.

A record class is registered with its type name and version by ``@record``. Decoding checks every field's type,
ignores unknown fields (a newer writer may add some), fills defaults for absent ones (an older writer knew fewer), and
raises ``MalformedRecord`` for anything else. Encoding is deterministic: fields in order of declaration, absent values
left out, so that equal records are equal bytes. Whoever writes a record again that somebody else has written keeps what
it did not understand of it: ``unknown_in``. ``docs/records.md`` says what may be changed how.

Supported field types: ``int``, ``str``, ``bool``, ``float``, ``StrEnum`` classes, dataclasses, ``X | None``,
``tuple[X, ...]``, ``list[X]``, ``Mapping[str, X]`` and ``dict[str, X]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from understudy_domain import json_text, plain
from understudy_domain.errors import MalformedRecord, NewerRecord
from understudy_domain.unknown_fields import NOTHING_UNKNOWN, Unknown, unknown_of

T = TypeVar("T")

_names: dict[type, tuple[str, int]] = {}
_read_up_to: dict[type, int] = {}
_classes: dict[str, type] = {}


def record(name: str, *, version: int = 1, reads: int | None = None) -> Callable[[type[T]], type[T]]:
    """Register a dataclass as a record called ``name``.

    Args:
        name: its type.
        version: what is written. It rises only where readers that do not know it must not read what is written, and
            only a release after the one that reads it.
        reads: the newest version that is read; ``version`` unless told.
    """

    def register(cls: type[T]) -> type[T]:
        if name in _classes:
            raise ValueError(f"two records are called {name}")
        _names[cls] = (name, version)
        _read_up_to[cls] = version if reads is None else reads
        _classes[name] = cls
        return cls

    return register


def kinds() -> Mapping[str, type]:
    """All that are registered, by name."""
    return _classes


def encode(value: object, *, unknown: Unknown = NOTHING_UNKNOWN) -> bytes:
    """A registered record as compact JSON bytes, ``{"type":…,"version":…,…}``.

    ``unknown``: as ``unknown_in`` gave it of what this takes the place of.
    """
    name, version = _names[type(value)]
    fields = to_plain(value)
    unknown.put_into(fields)
    return json_text.written({"type": name, "version": version, **fields})


def unknown_in(payload: bytes) -> Unknown:
    """What a record has that its class does not know.

    Raises:
        MalformedRecord: as ``decode``, but for what its fields hold.
    """
    value = _plain_record(payload)
    cls = _class_of(value)
    return unknown_of(cls, {name: one for name, one in value.items() if name not in ("type", "version")})


def decode(payload: bytes) -> object:
    """The record in ``payload``, whole.

    Raises:
        NewerRecord: of an unknown type, or a newer version than this code reads.
        MalformedRecord: not JSON, no record, or a field of a wrong type.
    """
    value = _plain_record(payload)
    return plain.reader(_class_of(value))(value)


def _plain_record(payload: bytes) -> dict[str, Any]:
    try:
        value = json_text.parsed(payload)
    except (ValueError, RecursionError) as err:
        raise MalformedRecord("not JSON") from err
    if not isinstance(value, dict):
        raise MalformedRecord("not an object")
    return value


def _class_of(value: Mapping[str, Any]) -> type:
    cls = _classes.get(str(value.get("type")))
    if cls is None:
        if isinstance(value.get("type"), str) and isinstance(value.get("version"), int):
            raise NewerRecord(f"unknown record type {value.get('type')!r}")
        raise MalformedRecord(f"unknown record type {value.get('type')!r}")
    version = value.get("version")
    if not isinstance(version, int):
        raise MalformedRecord(f"{value.get('type')} has no version but {version!r}")
    if version > _read_up_to[cls]:
        raise NewerRecord(f"{value.get('type')} of version {version!r} is newer than this program reads")
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
    value = _plain_record(payload)
    if _class_of(value) is not cls:
        raise MalformedRecord(f"expected {cls.__name__}, found {value.get('type')!r}")
    return from_plain(outline, value)


def to_plain(value: object) -> dict[str, Any]:
    """A dataclass as JSON-ready dicts and lists; ``None`` fields are left out."""
    return cast(dict[str, Any], plain.writer(type(value))(value))


def from_plain(cls: type[T], value: Mapping[str, Any]) -> T:
    """A dataclass from parsed JSON.

    Raises:
        MalformedRecord: a required field is missing or a field is of a wrong type.
    """
    return cast(T, plain.reader(cls)(value))
