"""The secrets that CDNs show, from files, as they are now.

Each is read when an origin endpoint first needs it, and again every second: a mounted secret that changes is followed
without a restart, whichever way its directory swaps files. What a file holds counts once it is steady
(``watched_file``): the first half of a secret may be a secret. A file that goes for good, or holds nothing that can be
a secret, admits nobody from then on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

from understudy_domain.cdn_authorization import MalformedSecret, parse_secret, secret_file_name
from understudy_runtime import clock
from understudy_runtime.watched_file import WatchedFile

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_UNREAD = "it has not been read yet"
_SIZE_MAX = 64 << 10
"""Bytes: what Secrets Manager keeps, too."""


class CdnSecret:
    """One secret; it lives for as long as an origin endpoint holds on to it."""

    def __init__(self, file_name: str, file: WatchedFile | None) -> None:
        """``file`` None: there is no directory of secrets."""
        self.file_name = file_name
        self._file = file
        self.problem: str | None = _UNREAD
        """Why it admits nobody; None while it is there."""
        self._identifiers: tuple[bytes, ...] = ()

    def admits(self, presented: bytes | None) -> bool:
        """Whether this is an identifier of the secret, in a time that tells nothing about which or how nearly."""
        if presented is None:
            return False
        matches = [hmac.compare_digest(presented, identifier) for identifier in self._identifiers]
        return any(matches)

    def look(self) -> None:
        """Read its file, and take what is there once it is steady. Blocks."""
        if self._file is None:
            self._take((), "UNDERSTUDY_SECRETS_DIRECTORY is not set")
            return
        look = self._file.look()
        if not look.is_steady:
            if self.problem == _UNREAD:
                self._take((), look.problem or "the file was written just now, and counts once it stays as it is")
            return
        if look.content is None:
            self._take((), look.problem)
            return
        try:
            self._take(parse_secret(look.content), None)
        except MalformedSecret as err:
            self._take((), str(err))

    def _take(self, identifiers: tuple[bytes, ...], problem: str | None) -> None:
        if problem is not None and problem != self.problem:
            _log.error("a CDN secret admits nobody: %s", problem, extra={"secret": self.file_name})
        elif problem is None and identifiers != self._identifiers:
            _log.info("a CDN secret was read", extra={"secret": self.file_name, "identifiers": len(identifiers)})
        self._identifiers, self.problem = identifiers, problem


class CdnSecrets:
    """All secrets that are in use, by file name."""

    def __init__(self, directory: Path | None, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        """``directory``: where the files are; None: no secret is anywhere."""
        self._monotonic = monotonic
        self._directory = directory
        self._used: WeakValueDictionary[str, CdnSecret] = WeakValueDictionary()
        self._following: asyncio.Task[None] | None = None

    def get(self, cdn_identifier_secret: str) -> CdnSecret:
        """The secret that an origin endpoint names, read before this returns: a small local file."""
        file_name = secret_file_name(cdn_identifier_secret)
        secret = self._used.get(file_name)
        if secret is None:
            secret = self._used[file_name] = CdnSecret(file_name, self._watched(file_name))
            secret.look()
        return secret

    async def start(self) -> None:
        """Begin to look again and again."""
        self._following = asyncio.create_task(self._follow(), name="CDN secrets")

    async def stop(self) -> None:
        """Look no more."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Read all that are in use again; in a thread, as a network may lie behind a mounted directory."""
        for secret in list(self._used.values()):
            try:
                await asyncio.to_thread(secret.look)
            except Exception:  # noqa: BLE001  # whatever it was, the others matter, and the next look
                _log.exception("reading a CDN secret failed", extra={"secret": secret.file_name})

    def _watched(self, file_name: str) -> WatchedFile | None:
        if self._directory is None:
            return None
        return WatchedFile(self._directory / file_name, size_max=_SIZE_MAX, monotonic=self._monotonic)
