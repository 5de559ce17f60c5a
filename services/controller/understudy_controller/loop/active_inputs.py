"""ACTIVE_INPUT: the latest for people, written by compare-and-set on the PROGRAM sequence it comes from."""

from __future__ import annotations

import asyncio
import logging

from understudy_domain import codec
from understudy_domain.entry import ActiveInput
from understudy_domain.errors import MalformedRecord
from understudy_domain.keys import ACTIVE_INPUT_BUCKET
from understudy_runtime.errors import AlreadyExists, BusRefused, BusUnavailable, NotFound, StaleRevision
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import KeyValue

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5


class ActiveInputs:
    """Writes what changed, the newest for each endpoint; keys are endpoint ids."""

    def __init__(self, bus: Bus) -> None:
        self._kv = KeyValue(bus, ACTIVE_INPUT_BUCKET)
        self._waiting: dict[str, ActiveInput | None] = {}
        self._unsure: set[str] = set()
        self._changed = asyncio.Event()

    def set(self, value: ActiveInput) -> None:
        """Write this, unless something newer stands; returns at once."""
        self._unsure.discard(value.origin_endpoint)
        self._waiting[value.origin_endpoint] = value
        self._changed.set()

    def check(self, value: ActiveInput) -> None:
        """Write this if another input stands: a predecessor may have died before it wrote; returns at once."""
        self._unsure.add(value.origin_endpoint)
        self._waiting[value.origin_endpoint] = value
        self._changed.set()

    def delete(self, origin_endpoint_id: str) -> None:
        """The endpoint is gone; returns at once."""
        self._waiting[origin_endpoint_id] = None
        self._changed.set()

    async def run(self) -> None:
        """Write for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._waiting:
                key, value = self._waiting.popitem()
                try:
                    await self._write(key, value)
                except (BusUnavailable, BusRefused) as err:
                    _log.warning("cannot write ACTIVE_INPUT, trying again: %s", err, extra={"origin_endpoint": key})
                    self._waiting.setdefault(key, value)
                    await asyncio.sleep(_RETRY_SECONDS)

    async def _write(self, key: str, value: ActiveInput | None) -> None:
        if value is None:
            await self._kv.delete(key)
            return
        while True:
            try:
                standing = await self._kv.get(key)
            except NotFound:
                try:
                    await self._kv.create(key, codec.encode(value))
                except AlreadyExists:
                    continue
                return
            known = _parsed(standing.value)
            if known is not None and (
                known.program_sequence >= value.program_sequence
                or (key in self._unsure and known.active_input == value.active_input)
            ):
                return
            try:
                await self._kv.update(key, codec.encode(value), revision=standing.revision)
            except StaleRevision:
                continue
            return


def _parsed(payload: bytes | None) -> ActiveInput | None:
    try:
        return codec.decode_as(ActiveInput, payload) if payload is not None else None
    except MalformedRecord:
        return None
