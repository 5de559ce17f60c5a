"""Frozen dataclasses that are made as quickly as others.

Frozen, an object is filled by ``object.__setattr__``, field by field, which takes two to three times as long; a slot's
entry has some three hundred fields. That nobody changes such an object is for type checkers to see to, and they do: to
them it is frozen as before. So it is with what has a hash.
"""

from __future__ import annotations

import dataclasses
from typing import TypeVar

T = TypeVar("T")


def unguarded(cls: type[T]) -> type[T]:
    """Take the guard at run time from a frozen dataclass with slots; the first decorator above ``@dataclass``."""
    fields = [
        (one.name, one.type, dataclasses.field(default=one.default, default_factory=one.default_factory))
        for one in dataclasses.fields(cls)  # type: ignore[arg-type]  # the decorator below has made it one
    ]
    init = vars(dataclasses.make_dataclass(cls.__name__, fields, repr=False, eq=False))["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    cls.__init__ = init  # type: ignore[method-assign]  # of the same signature
    del cls.__setattr__, cls.__delattr__
    return cls
