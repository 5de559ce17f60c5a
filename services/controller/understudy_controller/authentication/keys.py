"""The access keys that count now: the file's, read again when it changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from understudy_controller.settings import ControllerSettings
from understudy_runtime import clock
from understudy_runtime.access_keys import AccessKey, AccessKeysUnusable, read_access_keys

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0
"""How often it is looked whether the file has changed, at most."""


class AccessKeys:
    """The keys of one file.

    A file that does not parse any more, or is away for a moment, changes nothing: a slip while keys are rotated must
    lock nobody out. ``keys: []`` does: it takes all keys away.
    """

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        """Read ``path``.

        Raises:
            AccessKeysUnusable: it cannot be read, does not parse, or has no key.
        """
        self.failures_total = 0
        """How often a changed file could not be read."""
        self._path = path
        self._monotonic = monotonic
        self._keys = read_access_keys(path)
        if not self._keys:
            raise AccessKeysUnusable(f"{path} has no key")
        self._seen = self._stamp()
        self._look_at = monotonic() + _LOOK_SECONDS

    def __len__(self) -> int:
        return len(self._current())

    def get(self, access_key_id: str) -> AccessKey | None:
        """The key with this id, if there is one now."""
        return self._current().get(access_key_id)

    def _current(self) -> Mapping[str, AccessKey]:
        now = self._monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            stamp = self._stamp()
            if stamp != self._seen:
                self._seen = stamp
                self._read_again()
        return self._keys

    def _read_again(self) -> None:
        try:
            self._keys = read_access_keys(self._path)
        except AccessKeysUnusable as err:
            self.failures_total += 1
            _log.error("the access keys were changed and cannot be used, those before stay: %s", err)
        else:
            _log.info("access keys read again", extra={"keys": len(self._keys)})

    def _stamp(self) -> tuple[int, ...]:
        """What tells one version of the file from another: a mounted secret is replaced by a link to another file."""
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


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
