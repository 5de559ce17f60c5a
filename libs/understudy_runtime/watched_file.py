"""Small files that are followed while the process runs: keys, secrets, what is declared.

Half of a file that is being written may be a valid one: a key whose ``read_only: true`` is still to come, a secret of
which the first characters are there. So what a file holds counts only once two looks, at least ``STEADY_SECONDS``
apart, have found the same. A file that was last written before the process began to look is what it is at once.

The whole file is read at each look, for it is small, and files are exchanged in ways that neither times nor inodes
tell: through links, by copies that keep the time.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from understudy_runtime import clock

STEADY_SECONDS: Final = 0.9
"""A little less than the second between two looks, which timers do not keep to the millisecond."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found at one look."""

    content: bytes | None = field(repr=False)
    """None where the file cannot be used; ``problem`` says why."""
    problem: str = ""
    """For people, without the file's name and without anything that is in it."""
    is_steady: bool = False
    """Whether this may be relied on."""
    digest: str = ""
    """Of content and problem."""


class WatchedFile:
    """One file. Looking blocks: on an event loop, look from a thread."""

    def __init__(
        self,
        path: Path,
        *,
        size_max: int,
        monotonic: Callable[[], float] = clock.monotonic,
        wall_milliseconds: Callable[[], int] = clock.now_milliseconds,
    ) -> None:
        """``size_max``: bytes; a larger file cannot be used."""
        self.path = path
        self._size_max = size_max
        self._monotonic = monotonic
        self._wall_milliseconds = wall_milliseconds
        self._digest: str | None = None
        self._since = 0.0

    def look(self) -> Look:
        """Read the file as it is now."""
        now = self._monotonic()
        content, problem, modified_milliseconds = self._read()
        digest = hashlib.sha256(b"\1" + problem.encode() if content is None else b"\0" + content).hexdigest()
        if digest != self._digest:
            is_first, self._digest, self._since = self._digest is None, digest, now
            age_seconds = (self._wall_milliseconds() - modified_milliseconds) / 1_000
            if is_first and content is not None and age_seconds >= STEADY_SECONDS:
                self._since = float("-inf")
        return Look(content, problem, now - self._since >= STEADY_SECONDS, digest)

    def _read(self) -> tuple[bytes | None, str, int]:
        try:
            with self.path.open("rb") as file:
                modified_milliseconds = os.fstat(file.fileno()).st_mtime_ns // 1_000_000
                content = file.read(self._size_max + 1)
        except FileNotFoundError:
            return None, "the file is missing", 0
        except OSError as err:
            return None, f"the file cannot be read: {err.strerror}", 0
        except ValueError:  # a null character in its name
            return None, "the file cannot be read: no file has such a name", 0
        if len(content) > self._size_max:
            return None, f"the file is larger than {self._size_max} bytes", 0
        return content, "", modified_milliseconds
