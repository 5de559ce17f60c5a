"""A webhook that this process sends for: no other does, as long as its record says so in time.

The claim is the record's holder. It is renewed by writing the record, with how far the webhook has come, by
compare-and-set; whoever sees a record stand still for ``LAPSE_SECONDS``, by the clock of its own process, takes it over
by the same means. No two clocks are compared. Two processes may send the same event at once where one of them stood
still; receivers know it by its id.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace
from typing import Final, NamedTuple

from understudy_controller.webhooks.errors import ClaimLost
from understudy_domain import codec
from understudy_domain.errors import MalformedRecord
from understudy_domain.unknown_fields import NOTHING_UNKNOWN
from understudy_domain.webhooks.progress import WebhookProgress
from understudy_runtime import clock
from understudy_runtime.errors import AlreadyExists, BusRefused, BusUnavailable, NotFound, StaleRevision
from understudy_runtime.kv import KeyValue

_log = logging.getLogger(__name__)

RENEWAL_SECONDS: Final = 1.5
LAPSE_SECONDS: Final = 6.0
"""How long a record may stand still before its claim counts for nothing."""
_RETRY_SECONDS: Final = 0.25


class Stored(NamedTuple):
    """A record as it was at one revision."""

    progress: WebhookProgress
    revision: int
    payload: bytes = b""
    """As it stands: what a newer release has put into it is kept."""


class Claim:
    """Made by ``begin`` or ``take``. Changes are written one after the other."""

    def __init__(self, kv: KeyValue, name: str, stored: Stored) -> None:
        """Of a webhook that was taken."""
        self.progress = stored.progress
        """As it is; ``write`` and ``keep`` have it stand."""
        self.name = name
        self._holder = stored.progress.holder
        self._kv = kv
        self._revision = stored.revision
        self._unknown = codec.unknown_in(stored.payload) if stored.payload else NOTHING_UNKNOWN
        self._writing = asyncio.Lock()
        self._renewed_at = clock.monotonic()

    @property
    def is_fresh(self) -> bool:
        """Whether nobody else can have it yet."""
        return clock.monotonic() - self._renewed_at < LAPSE_SECONDS

    async def write(self) -> None:
        """Have ``progress`` stand; tries until it does.

        Raises:
            ClaimLost: another controller has it, or may have.
        """
        while True:
            try:
                await self._write()
            except (BusUnavailable, BusRefused) as err:
                if not self.is_fresh:
                    raise ClaimLost("its record could not be written in time") from err
            else:
                return
            await asyncio.sleep(_RETRY_SECONDS)

    async def keep(self) -> None:
        """Renew for ever.

        Raises:
            ClaimLost: there is none any more.
        """
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            await self.write()

    async def give_back(self) -> None:
        """Another controller may go on at once. Without an answer it runs out by itself."""
        self.progress = replace(self.progress, holder=None)
        try:
            async with asyncio.timeout(_RETRY_SECONDS * 4):
                await self._write()
        except (TimeoutError, ClaimLost, BusUnavailable, BusRefused) as err:
            _log.info("a webhook is not given back, another controller waits: %s", err, extra={"webhook": self.name})

    async def _write(self) -> None:
        async with self._writing:
            asked_at, written = clock.monotonic(), codec.encode(self.progress, unknown=self._unknown)
            try:
                self._revision = await self._kv.update(self.name, written, revision=self._revision)
            except StaleRevision:
                await self._adopt()
                try:
                    self._revision = await self._kv.update(self.name, written, revision=self._revision)
                except StaleRevision as err:
                    raise ClaimLost("another controller took it") from err
            self._renewed_at = asked_at

    async def _adopt(self) -> None:
        """A write whose acknowledgement was lost may stand: then what stands is ours, and we go on from it."""
        try:
            entry = await self._kv.get(self.name)
            found = codec.decode_as(WebhookProgress, entry.value or b"")
        except (NotFound, MalformedRecord) as err:
            raise ClaimLost("its record is gone") from err
        if found.holder != self._holder:
            raise ClaimLost("another controller has it")
        self._revision = entry.revision


async def begin(kv: KeyValue, name: str, *, after: int) -> Claim | None:
    """A webhook that nobody has sent for, from what comes after a sequence of EVENTS on; None: somebody was quicker.

    Raises:
        BusUnavailable: no acknowledgement in time.
    """
    progress = WebhookProgress(after, holder=secrets.token_hex(8))
    try:
        revision = await kv.create(name, codec.encode(progress))
    except AlreadyExists:
        return None
    return Claim(kv, name, Stored(progress, revision))


async def take(kv: KeyValue, name: str, stored: Stored) -> Claim | None:
    """A webhook that nobody sends for any more; None: somebody was quicker, or does.

    Raises:
        BusUnavailable: no acknowledgement in time.
    """
    progress = replace(stored.progress, holder=secrets.token_hex(8))
    written = codec.encode(progress, unknown=codec.unknown_in(stored.payload))
    try:
        revision = await kv.update(name, written, revision=stored.revision)
    except StaleRevision:
        return None
    return Claim(kv, name, Stored(progress, revision, written))
