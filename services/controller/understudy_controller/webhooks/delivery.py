"""What is sent to one webhook: the events of the log in their order, each until it is taken or given up."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from understudy_controller.webhooks.claim import Claim
from understudy_controller.webhooks.errors import ClaimLost
from understudy_controller.webhooks.file import Webhook
from understudy_controller.webhooks.metrics import WebhookMetrics
from understudy_controller.webhooks.pace import Pace
from understudy_controller.webhooks.shapes import Shapes
from understudy_domain import codec, keys
from understudy_domain.errors import MalformedRecord
from understudy_domain.event import Event
from understudy_domain.ticks import to_iso8601, to_seconds
from understudy_domain.webhooks.cloud_event import Message
from understudy_domain.webhooks.input_switch import LOOKED_BACK, StormControl
from understudy_domain.webhooks.progress import RETRY_AFTER_SECONDS_MAX, Answer, Outcome, attempted
from understudy_runtime import clock
from understudy_runtime.errors import LogTruncated
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

_log = logging.getLogger(__name__)

Send = Callable[[Webhook, Message], Awaitable[Answer]]
_IDLE_SECONDS: Final = 60.0
"""After so long without an event that it may want, a webhook's position follows the log."""
_LEVELS: Final = {
    Outcome.TAKEN: logging.DEBUG,
    Outcome.FAILED: logging.WARNING,
    Outcome.REFUSED: logging.ERROR,
    Outcome.EXPIRED: logging.ERROR,
}


class Delivery:
    """One webhook, for as long as this process has its claim."""

    def __init__(
        self,
        bus: Bus,
        webhook: Webhook,
        claim: Claim,
        shapes: Shapes,
        metrics: WebhookMetrics,
        *,
        send: Send,
        pace: Pace,
    ) -> None:
        """``run`` does the rest. ``pace`` is the process's."""
        self._pace = pace
        self._bus = bus
        self._webhook = self._given = webhook
        self._claim = claim
        self._shapes = shapes
        self._metrics = metrics
        self._send = send
        self._storms: StormControl | None = None
        self._changed = asyncio.Event()
        self._is_ending = False

    def change(self, webhook: Webhook) -> None:
        """The file says something else of it: what failed is tried again at once."""
        self._given = webhook
        self._changed.set()

    def end(self) -> None:
        """Begin nothing any more; ``run`` returns once the attempt that is under way has ended."""
        self._is_ending = True
        self._changed.set()

    async def run(self) -> None:
        """Send for as long as it may.

        Raises:
            ClaimLost: another controller sends now, or may.
            BusUnavailable: NATS gives no answer; claim it again.
        """
        await self._check_log()
        while not self._is_ending:
            await self._send_until_changed()
            self._changed.clear()
            self._webhook, self._storms = self._given, None
            self._claim.progress = replace(self._claim.progress, try_at=None)

    async def _send_until_changed(self) -> None:
        while not self._changed.is_set():
            await self._until_due()
            try:
                if await self._send_what_comes():
                    await self._pass_other_kinds()
            except LogTruncated:
                await self._check_log()

    # --- the log ------------------------------------------------------------------------------------------------------

    async def _check_log(self) -> None:
        """A log that ends before what was done is another one: what comes is sent, not what is there."""
        last = await self._bus.last_sequence(keys.EVENTS_STREAM)
        if last < self._claim.progress.after:
            name = self._webhook.name
            _log.error("the events were replaced by older ones, going on with what comes", extra={"webhook": name})
            self._claim.progress = replace(self._claim.progress, after=last)

    async def _send_what_comes(self) -> bool:
        """Until one is not taken, or the file says something else: nothing is left to pile up meanwhile.

        Returns:
            Whether it ended because nothing comes.
        """
        after = self._claim.progress.after
        messages = self._bus.messages(keys.EVENTS_STREAM, self._subjects(), start_sequence=after + 1)
        async with aclosing(messages):
            while (message := await self._next(messages)) is not None:
                event = _event(message)
                if event is None or not self._webhook.wants(event) or not await self._admits(event):
                    self._claim.progress = self._claim.progress.passed(message.sequence)
                elif not await self._deliver(message, event):
                    return False
        return not self._changed.is_set()

    async def _pass_other_kinds(self) -> None:
        """What came of kinds that it does not want is behind: else one that is told to want them is sent them all."""
        after, last = self._claim.progress.after, await self._bus.last_sequence(keys.EVENTS_STREAM)
        reader = self._bus.reader(keys.EVENTS_STREAM, self._subjects(), start_sequence=after + 1)
        if last > after and not await reader.read_present(limit=1):
            self._claim.progress = self._claim.progress.passed(last)

    def _subjects(self) -> Sequence[str]:
        kinds = self._webhook.wanted_kinds
        return [keys.events_filter()] if kinds is None else [keys.events_of_kind(kind) for kind in kinds]

    async def _next(self, messages: AsyncGenerator[StoredMessage, None]) -> StoredMessage | None:
        """The next message; None where there is something else to do first, or none has come for long."""
        if self._changed.is_set():
            return None
        coming = asyncio.ensure_future(anext(messages))
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((coming, changing), timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            return coming.result() if coming.done() and not self._changed.is_set() else None
        finally:
            for waiter in (coming, changing):
                waiter.cancel()
            await asyncio.gather(coming, changing, return_exceptions=True)

    async def _until_due(self) -> None:
        """Until the next attempt may be made, or the file says something else."""
        try_at = self._claim.progress.try_at
        if try_at is None:
            return
        # A clock that was set back must not make it longer than any wait is.
        seconds = min(max(to_seconds(try_at - clock.now_ticks()), 0.0), RETRY_AFTER_SECONDS_MAX)
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    # --- one event ----------------------------------------------------------------------------------------------------

    async def _deliver(self, message: StoredMessage, event: Event) -> bool:
        """Send an event; whether the next one comes now."""
        progress, name = self._claim.progress, self._webhook.name
        if progress.is_too_old(stored_at=message.instant, now=clock.now_ticks()):
            self._claim.progress = progress.passed(message.sequence)
            self._tell(event, Outcome.EXPIRED, progress.problem)
            return True
        await asyncio.sleep(self._pace.wait_seconds(clock.monotonic()))
        if not self._claim.is_fresh:
            raise ClaimLost("its record could not be renewed in time")
        try:
            to_send = self._shapes.message(self._webhook, event)
        except Exception as err:  # noqa: BLE001  # it would fail for ever, and hold up all that comes behind it
            _log.exception("nothing can be made of an event", extra={"webhook": name, "event": event.id})
            self._claim.progress = progress.passed(message.sequence)
            self._tell(event, Outcome.REFUSED, f"no message can be made of it ({type(err).__name__})")
            return True
        answer = await self._send(self._webhook, to_send)
        self._claim.progress, outcome = attempted(
            progress,
            answer,
            sequence=message.sequence,
            stored_at=message.instant,
            waiting=message.pending + 1,
            now=clock.now_ticks(),
            jitter=random.uniform(-1, 1),  # noqa: S311  # so that webhooks do not come back in step
        )
        if progress.failures and outcome is Outcome.TAKEN:
            _log.info("the webhook %s is well again", name, extra={"webhook": name})
        self._tell(event, outcome, answer.words)
        if outcome is Outcome.TAKEN and self._storms is not None:
            self._storms.tell(event)
        await self._claim.write()
        return outcome is not Outcome.FAILED

    def _tell(self, event: Event, outcome: Outcome, why: str) -> None:
        webhook, progress = self._webhook, self._claim.progress
        self._metrics.count(webhook.name, outcome)
        told = {
            Outcome.TAKEN: "taken",
            Outcome.FAILED: f"{why}; it is tried again at {to_iso8601(progress.try_at or 0)}",
            Outcome.REFUSED: f"{why}; the event is dropped",
            Outcome.EXPIRED: f"{why}, for too long; the event is dropped",
        }[outcome]
        words = f"webhook {webhook.name}, {webhook.receiver}: {told}"
        extra = {"webhook": webhook.name, "event": event.id, "attempt": progress.failures, "outcome": outcome.value}
        _log.log(_LEVELS[outcome], words, extra=extra)

    async def _admits(self, event: Event) -> bool:
        """Whether storm control lets it pass; what was told before this process sent is found in the log."""
        if self._webhook.shape != "mediapackage":
            return True
        if self._storms is None:
            self._storms = StormControl(await self._told_before(event))
        return self._storms.admits(event)

    async def _told_before(self, event: Event) -> Sequence[Event]:
        after, found = self._claim.progress.after, list[Event]()
        for subject in self._subjects():
            messages = await self._bus.fetch(keys.EVENTS_STREAM, subject, start_time=event.instant - LOOKED_BACK)
            told = (_event(message) for message in messages if message.sequence <= after)
            found += [one for one in told if one is not None and self._webhook.wants(one)]
        return sorted(found, key=lambda one: one.instant)


def _event(message: StoredMessage) -> Event | None:
    """None where it does not parse: a newer release's kind of event is for a newer release to send."""
    try:
        return codec.decode_as(Event, message.payload)
    except MalformedRecord as err:
        _log.warning("skipped an event that does not parse: %s", err, extra={"sequence": message.sequence})
        return None
