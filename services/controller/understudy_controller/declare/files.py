"""A file of declared resources, and the files of secrets that it names, as they are at one moment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from understudy_controller.declare.declaration import Declaration, DeclarationInvalid, parse_declaration
from understudy_controller.declare.document import Problem
from understudy_runtime import clock
from understudy_runtime.watched_file import Look, WatchedFile

_SIZE_MAX: Final = 1 << 20
"""Bytes; some thousand channels."""
_SECRET_SIZE_MAX: Final = 64 << 10
_ITSELF: Final = ""
"""As a name among those of its secrets."""
_ROUNDS: Final = 3


@dataclass(slots=True)
class Read:
    """One look at a file."""

    declaration: Declaration | None = None
    invalid: DeclarationInvalid | None = None
    """What is wrong, where there is no declaration."""
    digest: str = ""
    """Of all that was read: the same as long as nothing has changed."""


class DeclaredFiles:
    """A file and its secrets, followed. Looking blocks."""

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        """Nothing is read yet."""
        self._path = path
        self._monotonic = monotonic
        self._files = {_ITSELF: self._watched(_ITSELF)}
        self._read: Read | None = None

    def look(self) -> Read | None:
        """What is declared; None while a file of it may still be being written.

        It is parsed where it is new. Else this reads and compares a few bytes, and returns what it returned before.
        """
        for _ in range(_ROUNDS):
            looks = {name: file.look() for name, file in self._files.items()}
            if not all(look.is_steady for look in looks.values()):
                return None
            digest = _digest(looks)
            if self._read is not None and self._read.digest == digest:
                return self._read
            read, named = _read(self._path, looks.get)
            if named == set(looks):
                self._read, read.digest = read, digest
                return read
            # The secrets that it names now have to be steady as well.
            self._files = {name: self._files.get(name) or self._watched(name) for name in sorted(named)}
        return None

    def _watched(self, name: str) -> WatchedFile:
        return _file(self._path, name, monotonic=self._monotonic)


def read_declared(path: Path, *, with_secrets: bool = True) -> Read:
    """Read a file once, as it is now, whatever becomes of it; ``with_secrets`` False: not those that it names."""
    found, _ = _read(path, lambda name: _file(path, name).look(), with_secrets=with_secrets)
    return found


def _file(path: Path, name: str, *, monotonic: Callable[[], float] = clock.monotonic) -> WatchedFile:
    if name == _ITSELF:
        return WatchedFile(path, size_max=_SIZE_MAX, monotonic=monotonic)
    return WatchedFile(path.parent / name, size_max=_SECRET_SIZE_MAX, monotonic=monotonic)


def _digest(looks: dict[str, Look]) -> str:
    parts = (f"{len(name)} {name} {look.digest}\n" for name, look in sorted(looks.items()))
    return hashlib.sha256("".join(parts).encode(errors="surrogatepass")).hexdigest()


def _read(path: Path, look: Callable[[str], Look | None], *, with_secrets: bool = True) -> tuple[Read, set[str]]:
    """What is declared, and the names of the files that it took."""
    named = {_ITSELF}

    def secret(name: str) -> str:
        named.add(name)
        return _text(look(name)).rstrip("\r\n")

    found = Read()
    try:
        text = _text(look(_ITSELF))
        found.declaration = parse_declaration(text, name=str(path), read_secret=secret if with_secrets else None)
    except DeclarationInvalid as err:
        found.invalid = err
    except ValueError as err:
        found.invalid = DeclarationInvalid(str(path), [Problem(1, str(err))])
    return found, named


def _text(look: Look | None) -> str:
    if look is None:
        raise ValueError("the file has not been read yet")
    if look.content is None:
        raise ValueError(look.problem)
    try:
        return look.content.decode()
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8") from None
