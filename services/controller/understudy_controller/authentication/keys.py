"""The access keys that count now: the file's, read again when it changes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from understudy_controller.settings import ControllerSettings
from understudy_runtime import clock
from understudy_runtime.access_keys import AccessKey, AccessKeysUnusable, parse_access_keys
from understudy_runtime.watched_file import STEADY_SECONDS, Look, WatchedFile

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0
_SIZE_MAX: Final = 256 << 10
"""Bytes; a thousand keys take about half of it."""
_START_SECONDS: Final = 10.0
"""How long a file that keeps changing is waited for at start."""


class AccessKeys:
    """The keys of one file.

    What the file holds counts once it is steady (``watched_file``), for half of it may give a key more than it should
    have. A file that does not parse any more, or is away for a moment, changes nothing: a slip while keys are rotated
    must lock nobody out. ``keys: []`` does: it takes all keys away.
    """

    def __init__(
        self,
        path: Path,
        *,
        monotonic: Callable[[], float] = clock.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Read ``path``; blocks for as long as it is being written, which is about a second if it was just now.

        Raises:
            AccessKeysUnusable: it cannot be read, does not parse, has no key, or keeps changing.
        """
        self.failures_total = 0
        """How often a changed file could not be read."""
        self._path = path
        self._file = WatchedFile(path, size_max=_SIZE_MAX, monotonic=monotonic)
        look = self._first_look(monotonic, sleep)
        self._keys = self._parsed(look)
        if not self._keys:
            raise AccessKeysUnusable(f"{path} has no key")
        self._settled = look.digest

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, access_key_id: str) -> AccessKey | None:
        """The key with this id, if there is one now."""
        return self._keys.get(access_key_id)

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Look again and again, also while nobody asks: what is taken away is gone for the next request."""
        task = asyncio.create_task(self._follow(), name="access keys")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def look(self) -> None:
        """Read the file, and take what is new and steady. Blocks."""
        look = self._file.look()
        if not look.is_steady or look.digest == self._settled:
            return
        self._settled = look.digest
        try:
            self._keys = self._parsed(look)
        except AccessKeysUnusable as err:
            self.failures_total += 1
            _log.error("the access keys were changed and cannot be used, those before stay: %s", err)
        else:
            _log.info("access keys read again", extra={"keys": len(self._keys)})

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await asyncio.to_thread(self.look)
            except Exception:  # noqa: BLE001  # whatever it was, the keys before stay, and the next look comes
                _log.exception("looking for changed access keys failed")

    def _first_look(self, monotonic: Callable[[], float], sleep: Callable[[float], None]) -> Look:
        until = monotonic() + _START_SECONDS
        while True:
            look = self._file.look()
            if look.is_steady or look.content is None:
                return look
            if monotonic() >= until:
                raise AccessKeysUnusable(f"{self._path} keeps changing: write it, then start")
            sleep(STEADY_SECONDS)

    def _parsed(self, look: Look) -> Mapping[str, AccessKey]:
        if look.content is None:
            raise AccessKeysUnusable(f"{self._path}: {look.problem}")
        return parse_access_keys(look.content, name=str(self._path))


def access_keys_of(settings: ControllerSettings) -> AccessKeys | None:
    """The keys that requests have to be signed with; None where they need no signature.

    Raises:
        AccessKeysUnusable: signatures are asked for, and there is no key to check them with.
    """
    if settings.authentication == "none":
        return None
    if settings.access_keys_file is None:
        raise AccessKeysUnusable(
            "the control API has no access keys: name a file with UNDERSTUDY_ACCESS_KEYS_FILE "
            "(keys: [{access_key_id: …, secret_access_key: …}]), or set UNDERSTUDY_AUTHENTICATION=none where nobody "
            "else can reach its port"
        )
    return AccessKeys(settings.access_keys_file)
