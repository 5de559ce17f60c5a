"""A file of declared resources, and the files of secrets that it names, as they are at one moment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from understudy_controller.declare.declaration import Declaration, DeclarationInvalid, parse_declaration
from understudy_controller.declare.document import Problem

_SIZE_MAX: Final = 4 << 20
_SECRET_SIZE_MAX: Final = 64 << 10


@dataclass(slots=True)
class Read:
    """One look at a file."""

    declaration: Declaration | None = None
    invalid: DeclarationInvalid | None = None
    """What is wrong, where there is no declaration."""
    digest: str = ""
    """Of all that was read: the same as long as nothing has changed."""


def read_declared(path: Path, *, with_secrets: bool = True) -> Read:
    """Look at a file, whatever becomes of it; ``with_secrets`` False: not at those that it names. Blocks."""
    seen = hashlib.sha256()

    def take(file: Path, size_max: int) -> str:
        try:
            content = _content(file, size_max)
        except (OSError, ValueError) as err:
            seen.update(f"\1{err}".encode())
            raise
        seen.update(b"\0" + content.encode())
        return content

    def secret(name: str) -> str:
        return take(path.parent / name, _SECRET_SIZE_MAX).rstrip("\r\n")

    read_secret: Callable[[str], str] | None = secret if with_secrets else None
    found = Read()
    try:
        found.declaration = parse_declaration(take(path, _SIZE_MAX), name=str(path), read_secret=read_secret)
    except DeclarationInvalid as err:
        found.invalid = err
    except (OSError, ValueError) as err:
        words = (err.strerror or str(err)) if isinstance(err, OSError) else str(err)
        found.invalid = DeclarationInvalid(str(path), [Problem(1, f"the file cannot be read: {words}")])
    found.digest = seen.hexdigest()
    return found


def _content(file: Path, size_max: int) -> str:
    with file.open("rb") as opened:
        content = opened.read(size_max + 1)
    if len(content) > size_max:
        raise ValueError(f"it is larger than {size_max} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as err:
        raise ValueError("it is not UTF-8") from err
