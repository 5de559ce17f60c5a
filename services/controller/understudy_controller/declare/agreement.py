"""Whether the controllers' files declare the same resources: pruning waits for it.

While a release is rolled out, some controllers have the file of before. What the newer one has made is in no file of
theirs, and if they pruned it, it would come back with other URLs and passwords. So each says what its file declares,
again and again, and none deletes a thing while another says something else, whoever of them was started last.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from understudy_controller.declare.declaration import Declaration
from understudy_controller.declare.files import Read
from understudy_domain import keys
from understudy_runtime import clock
from understudy_runtime.errors import BusRefused, BusUnavailable
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue

_TELL_SECONDS: Final = 2.0
SETTLED_SECONDS: Final = 5.0
"""For how long this process must have said the same before it prunes: others that NATS has just come back to have said
theirs by then."""
_ANSWER_SECONDS: Final = 5.0


class Agreement:
    """What this process says, and what the others do."""

    def __init__(self, bus: Bus, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        """Nothing is said yet."""
        self._bus = bus
        self._kv = KeyValue(bus, keys.DECLARED_BUCKET)
        self._name = secrets.token_hex(8)
        self._monotonic = monotonic
        self._word = b""
        self._since = float("inf")
        self._told_at = float("-inf")

    async def tell(self, read: Read) -> None:
        """Say what is declared here, if it is new or was said a while ago: before any of it is made.

        Raises:
            BusUnavailable: it may not stand.
            BusRefused: it does not.
        """
        word = _word(read)
        now = self._monotonic()
        if word == self._word and now < self._told_at + _TELL_SECONDS:
            return
        is_the_same, self._word = word == self._word, b""
        await self._kv.put(self._name, word)
        self._word, self._told_at = word, now
        if not is_the_same:
            self._since = now

    @property
    def is_settled(self) -> bool:
        """Whether this process has said the same for long enough."""
        return bool(self._word) and self._monotonic() >= self._since + SETTLED_SECONDS

    async def is_agreed(self) -> bool:
        """Whether every controller that says something says what this one does.

        Raises:
            BusUnavailable: no answer in time.
        """
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                messages = await self._bus.fetch(self._kv.stream, f"$KV.{keys.DECLARED_BUCKET}.>")
        except TimeoutError as err:
            raise BusUnavailable("NATS does not say what other controllers declare") from err
        words = {entry.key: entry.value for entry in map(self._kv.entry, messages) if entry.value is not None}
        return self._name in words and set(words.values()) == {self._word}

    async def leave(self) -> None:
        """The process ends: what it said counts no more. Without an answer it runs out by itself."""
        with suppress(BusUnavailable, BusRefused, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._kv.delete(self._name)


def _word(read: Read) -> bytes:
    """The same for the same resources; what is declared of them does not matter here."""
    declaration: Declaration | None = read.declaration
    if declaration is None:
        return f"invalid {read.digest}".encode()
    names = [sorted(declaration.channels), sorted(declaration.origin_endpoints)]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest().encode()
