"""The part of a controller that sends webhooks: follows the file, claims what nobody sends for, and sends."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from understudy_controller.settings import ControllerSettings
from understudy_controller.webhooks.claim import LAPSE_SECONDS, Claim, Stored, begin, take
from understudy_controller.webhooks.delivery import Delivery, Send
from understudy_controller.webhooks.errors import ClaimLost, WebhooksUnusable
from understudy_controller.webhooks.file import SIZE_MAX, Webhook, parse_webhooks
from understudy_controller.webhooks.metrics import WebhookMetrics
from understudy_controller.webhooks.pace import Pace
from understudy_controller.webhooks.shapes import Shapes
from understudy_domain import codec, keys
from understudy_domain.errors import MalformedRecord
from understudy_domain.keys import Arns
from understudy_domain.webhooks.cloud_event import Message
from understudy_domain.webhooks.progress import Answer, WebhookProgress
from understudy_runtime import clock
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import BusRefused, BusUnavailable, LogTruncated
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import Entry, KeyValue
from understudy_runtime.watched_file import Look, WatchedFile

if TYPE_CHECKING:
    from understudy_controller.process import ProcessContext

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0
_CLAIM_SECONDS: Final = 0.5
_RETRY_SECONDS: Final = 1.0
_END_SECONDS: Final = 3.0
"""How long an attempt that is under way may take to end with the process; then it is broken off, and made again."""


@asynccontextmanager
async def webhooks(context: ProcessContext) -> AsyncIterator[None]:
    """Send for as long as it is entered, if the settings name a file."""
    async with context.webhooks.running():
        # At once when the process is told to end, not once its last request has ended.
        context.health.on_drain(context.webhooks.begin_to_end)
        yield


def webhooks_of(settings: ControllerSettings, bus: Bus, store: ConfigStore) -> Webhooks:
    """A process's; nothing is sent before they are entered."""
    send: Send = _nowhere
    if settings.webhooks_file is not None:
        # What speaks HTTP takes some ten milliseconds to load: at the start, and of those alone who have webhooks.
        from understudy_controller.webhooks.sender import send  # noqa: PLC0415
    arns = Arns(settings.region, settings.account_id)
    return Webhooks(bus, store, path=settings.webhooks_file, arns=arns, send=send)


async def _nowhere(webhook: Webhook, message: Message) -> Answer:
    raise AssertionError(f"there is no file, and {webhook.name} is sent {message.id}")


class Webhooks:
    """This process's part of the sending, and what it knows of the others'."""

    def __init__(self, bus: Bus, store: ConfigStore, *, path: Path | None, arns: Arns, send: Send) -> None:
        """``path``: the file; None: there is none, and nothing is sent."""
        self.metrics = WebhookMetrics(self._shown)
        self.problem: str | None = None
        """Why the file as it is now cannot be used."""
        self._bus = bus
        self._kv = KeyValue(bus, keys.WEBHOOKS_BUCKET)
        self._shapes = Shapes(store, arns=arns)
        self._send = send
        self._file = None if path is None else WatchedFile(path, size_max=SIZE_MAX)
        self._pace = Pace()
        self._settled = ""
        self._webhooks: Mapping[str, Webhook] = {}
        self._stored: dict[str, tuple[Stored, float]] = {}
        """Each record, and when this process first saw it so."""
        self._deliveries: dict[str, Delivery] = {}
        self._working: dict[str, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._ending: asyncio.Task[None] | None = None

    # --- for the API --------------------------------------------------------------------------------------------------

    @property
    def webhooks(self) -> Mapping[str, Webhook]:
        """Those of the file, by name."""
        return self._webhooks

    def progress(self, name: str) -> WebhookProgress | None:
        """How far a webhook has come; None where nobody has sent for it yet."""
        found = self._stored.get(name)
        return None if found is None else found[0].progress

    async def test(self, webhook: Webhook) -> tuple[bool, int | None, str, float]:
        """Send a test message once, from here: whether it was taken, the status, in words, how long it took."""
        message = self._shapes.trial(webhook, number=secrets.token_hex(8), now=clock.now_ticks())
        began = clock.monotonic()
        answer = await self._send(webhook, message)
        return answer.is_taken, answer.status, answer.words, clock.monotonic() - began

    def _shown(self) -> Mapping[str, WebhookProgress | None]:
        return {name: self.progress(name) for name in self._webhooks}

    # --- running ------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the file and send; on leaving, give back what this process sends for."""
        if self._file is None:
            yield
            return
        parts = {"file": self._follow_file(self._file), "records": self._follow_records(), "claims": self._claim()}
        self._tasks = [asyncio.create_task(part, name=f"webhooks: {name}") for name, part in parts.items()]
        try:
            yield
        finally:
            await self.begin_to_end()

    def begin_to_end(self) -> asyncio.Task[None]:
        """Claim nothing any more, and give everything back; nothing where that has begun."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(), name="webhooks: end")
        return self._ending

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for delivery in self._deliveries.values():
            delivery.end()
        working = list(self._working.values())
        if working:
            await asyncio.wait(working, timeout=_END_SECONDS)
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    # --- the file -----------------------------------------------------------------------------------------------------

    async def _follow_file(self, file: WatchedFile) -> None:
        while True:
            try:
                await self._take(file.path, await asyncio.to_thread(file.look))
            except Exception:  # noqa: BLE001  # whatever it was, the webhooks before stay, and the next look comes
                _log.exception("looking for changed webhooks failed")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _take(self, path: Path, look: Look) -> None:
        if not look.is_steady or look.digest == self._settled:
            return
        self._settled = look.digest
        try:
            found = await asyncio.to_thread(_parsed, path, look)  # a large one takes some tenths of a second
        except WebhooksUnusable as err:
            self.problem, self.metrics.problems = str(err), 1
            _log.error("the webhooks cannot be used, those before stay: %s", err, extra={"file": str(path)})
            return
        self.problem, self.metrics.problems = None, 0
        before, self._webhooks = self._webhooks, found
        _log.info("webhooks read", extra={"file": str(path), "webhooks": sorted(found)})
        for name in before.keys() - found.keys():
            if name in self._deliveries:
                self._deliveries[name].end()
        for name, delivery in self._deliveries.items():
            if name in found and found[name] != before.get(name):
                delivery.change(found[name])

    # --- who sends ----------------------------------------------------------------------------------------------------

    async def _follow_records(self) -> None:
        while True:
            try:
                async with aclosing(self._kv.watch()) as entries:
                    async for entry in entries:
                        self._see(entry)
            except LogTruncated as err:
                _log.warning("the records of webhooks were replaced by older ones, reading them anew: %s", err)
            except Exception:  # noqa: BLE001  # without following nothing is claimed
                _log.exception("following the webhooks failed, beginning again")
            self._stored.clear()
            await asyncio.sleep(_RETRY_SECONDS)

    def _see(self, entry: Entry) -> None:
        if entry.value is None:
            self._stored.pop(entry.key, None)
            return
        try:
            progress = codec.decode_as(WebhookProgress, entry.value)
        except MalformedRecord as err:
            _log.error("skipped a webhook's record that does not parse: %s", err, extra={"key": entry.key})
            return
        self._stored[entry.key] = Stored(progress, entry.revision, entry.value), clock.monotonic()

    async def _claim(self) -> None:
        while True:
            for name in [name for name in self._webhooks if name not in self._working]:
                try:
                    claim = await self._claimed(name)
                    if claim is not None:
                        await self._start(name, claim)
                except (BusUnavailable, BusRefused) as err:
                    _log.info("a webhook is not claimed yet: %s", err, extra={"webhook": name})
                    break
                except Exception:  # noqa: BLE001  # whatever it was, the other webhooks are claimed, and it is tried again
                    _log.exception("a webhook could not be claimed", extra={"webhook": name})
            await asyncio.sleep(_CLAIM_SECONDS)

    async def _claimed(self, name: str) -> Claim | None:
        found = self._stored.get(name)
        if found is None:
            return await begin(self._kv, name, after=await self._bus.last_sequence(keys.EVENTS_STREAM))
        stored, seen_at = found
        if stored.progress.holder is not None and clock.monotonic() - seen_at < LAPSE_SECONDS:
            return None
        claim = await take(self._kv, name, stored)
        if claim is None and await self._kv.revision_of(name) is None:
            self._stored.pop(name, None)  # it has run out, of which nobody hears
        return claim

    async def _start(self, name: str, claim: Claim) -> None:
        webhook = self._webhooks.get(name)
        if webhook is None:  # the file has changed meanwhile
            await claim.give_back()
            return
        delivery = Delivery(self._bus, webhook, claim, self._shapes, self.metrics, send=self._send, pace=self._pace)
        self._deliveries[name] = delivery
        task = self._working[name] = asyncio.create_task(self._work(name, claim, delivery), name=f"webhook {name}")
        task.add_done_callback(lambda _: self._forget(name))

    def _forget(self, name: str) -> None:
        self._working.pop(name, None)
        self._deliveries.pop(name, None)

    async def _work(self, name: str, claim: Claim, delivery: Delivery) -> None:
        _log.info("sending for the webhook %s", name, extra={"webhook": name})
        keeping = asyncio.create_task(claim.keep(), name=f"webhook {name}: claim")
        sending = asyncio.create_task(delivery.run(), name=f"webhook {name}: delivery")
        try:
            await asyncio.wait((keeping, sending), return_when=asyncio.FIRST_COMPLETED)
            for task in (keeping, sending):
                if task.done():
                    task.result()
        except ClaimLost as err:
            _log.warning("not sending for the webhook %s any more: %s", name, err, extra={"webhook": name})
            self._stored.pop(name, None)  # it may be gone; whoever has it now writes it again in a moment
        except (BusUnavailable, BusRefused) as err:
            _log.warning("not sending for the webhook %s for now: %s", name, err, extra={"webhook": name})
        except Exception:  # noqa: BLE001  # whatever it was, decisions go on, and whoever claims it next begins anew
            _log.exception("sending for a webhook failed, beginning again", extra={"webhook": name})
            await asyncio.sleep(_RETRY_SECONDS)
        finally:
            for task in (keeping, sending):
                task.cancel()
            await asyncio.gather(keeping, sending, return_exceptions=True)
            await claim.give_back()


def _parsed(path: Path, look: Look) -> Mapping[str, Webhook]:
    if look.content is None:
        raise WebhooksUnusable(f"{path}: {look.problem}")
    return parse_webhooks(look.content, name=str(path))
