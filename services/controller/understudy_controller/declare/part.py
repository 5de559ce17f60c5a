"""The part of a controller that keeps what is stored as a file declares it.

The file is looked at every second, through whatever links lead to it, and taken once two looks have seen the same: half
of a file that is being written may be a valid one. What is wrong is said once for each content, and changes nothing.
What is not declared any more is pruned, where that is asked for, once the other controllers' files agree.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from understudy_controller.api.errors import TooManyWriters
from understudy_controller.declare.agreement import Agreement
from understudy_controller.declare.applying import Applier, Outcome
from understudy_controller.declare.declaration import Declaration, DeclarationInvalid
from understudy_controller.declare.files import DeclaredFiles, Read
from understudy_controller.declare.plan import Terms
from understudy_controller.process import ProcessContext
from understudy_controller.settings import ControllerSettings
from understudy_domain import ticks
from understudy_runtime import clock
from understudy_runtime.errors import BusRefused, BusUnavailable

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 1.0
_TRY_AGAIN_SECONDS: Final = 10.0


class DeclarationMetrics:
    """What Prometheus is told of the file. All 0 where none is declared."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.problems = Gauge(
            "understudy_declaration_problems",
            "How many things are wrong with the file of declared resources; while any is, nothing of it is applied.",
            registry=registry,
        )
        self.waiting = Gauge(
            "understudy_declaration_waiting",
            "Declared resources that are not created yet, because what is left of a former one with the "
            "same guid is being removed.",
            registry=registry,
        )
        self.kept = Gauge(
            "understudy_declaration_kept",
            "Resources that no file declares any more and that cannot be pruned yet: they have an origin "
            "endpoint that was only made through the API, or another controller's file declares other "
            "resources. The log says which; it is tried again every ten seconds.",
            registry=registry,
        )
        self.applied = Gauge(
            "understudy_declaration_applied_timestamp_seconds",
            "When this process last applied the file, Unix time. 0: never.",
            registry=registry,
        )


def terms_of(settings: ControllerSettings, *, prune: bool = False, is_again: bool = False) -> Terms:
    """What holds for an application now."""
    grace = settings.credentials_grace_seconds * ticks.TICKS_PER_SECOND
    return Terms(clock.now_ticks(), credentials_grace=grace, prune=prune, is_again=is_again)


@asynccontextmanager
async def declared_resources(context: ProcessContext) -> AsyncIterator[None]:
    """Follow the file that the settings name, if they name one."""
    metrics = DeclarationMetrics(context.registry)
    path = context.settings.declared_file
    if path is None:
        yield
        return
    follower = _Follower(context, path, metrics)
    task = asyncio.create_task(follower.follow(), name="declared resources")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await follower.leave()


class _Follower:
    def __init__(self, context: ProcessContext, path: Path, metrics: DeclarationMetrics) -> None:
        self._settings = context.settings
        self._applier = Applier(context.bus, context.store)
        self._agreement = Agreement(context.bus)
        self._path = path
        self._files = DeclaredFiles(path)
        self._metrics = metrics
        self._tried = ""
        self._applied = ""
        """The content that was applied, perhaps but for what has to wait."""
        self._settled = ""
        """The content that needs nothing more: all of it is applied, or it cannot be."""
        self._pruned = ""
        """The content by which was pruned all that had to be."""
        self._try_at = float("-inf")
        self._prune_at = float("-inf")
        self._told: object = None
        self._told_kept: object = None

    async def follow(self) -> None:
        while True:
            try:
                await self._look()
            except (BusUnavailable, BusRefused, TooManyWriters) as err:
                if self._is_news(self._tried, str(err)):
                    _log.warning("the declared resources are not applied yet: %s", err)
                self._try_later()
            except Exception as err:  # noqa: BLE001  # whatever it was, decisions go on, and so does the next look
                self._metrics.problems.set(1)
                if self._is_news(self._tried, repr(type(err))):
                    _log.exception("the declared resources could not be applied, trying again")
                self._try_later()
            await asyncio.sleep(_LOOK_SECONDS)

    async def leave(self) -> None:
        await self._agreement.leave()

    async def _look(self) -> None:
        read = await asyncio.to_thread(self._files.look)
        if read is None:
            return
        if read.digest != self._tried:
            self._tried = read.digest
            self._applied = self._settled = self._pruned = ""
            self._try_at = self._prune_at = float("-inf")
            self._metrics.kept.set(0)
        await self._agreement.tell(read)
        if clock.monotonic() < self._try_at:
            return
        if read.declaration is None:
            self._refuse(read, read.invalid)
        elif read.digest != self._settled:
            await self._apply(read, read.declaration)
        elif self._settings.declared_prune and read.digest != self._pruned:
            await self._prune(read, read.declaration)

    async def _apply(self, read: Read, declaration: Declaration) -> None:
        is_again = read.digest == self._applied
        try:
            outcome = await self._applier.apply(declaration, terms=lambda: terms_of(self._settings, is_again=is_again))
        except DeclarationInvalid as err:
            self._refuse(read, err)
            self._try_later()  # what it contradicts may go
        else:
            self._applied = read.digest
            self._tell(read, outcome)

    async def _prune(self, read: Read, declaration: Declaration) -> None:
        if not self._agreement.is_settled or clock.monotonic() < self._prune_at:
            return
        outcome = await self._applier.prune(declaration, is_agreed=self._agreement.is_agreed)
        self._metrics.kept.set(len(outcome.kept))
        _tell_done(outcome)
        is_news, self._told_kept = self._told_kept != (read.digest, outcome.kept), (read.digest, outcome.kept)
        if not outcome.kept:
            self._pruned = read.digest
        else:
            self._prune_at = clock.monotonic() + _TRY_AGAIN_SECONDS
            for words in outcome.kept if is_news else ():
                _log.warning("declared: not pruned, and tried again every %g s: %s", _TRY_AGAIN_SECONDS, words)

    def _try_later(self) -> None:
        self._try_at = clock.monotonic() + _TRY_AGAIN_SECONDS

    def _is_news(self, *what: object) -> bool:
        is_news, self._told = what != self._told, what
        return is_news

    def _refuse(self, read: Read, invalid: DeclarationInvalid | None) -> None:
        problems = () if invalid is None else tuple(invalid.problems)
        self._metrics.problems.set(len(problems))
        if self._is_news(read.digest, problems):
            _log.error(
                "the file of declared resources is wrong, nothing of it is applied:\n%s",
                invalid,
                extra={"file": str(self._path), "problems": len(problems)},
            )

    def _tell(self, read: Read, outcome: Outcome) -> None:
        self._metrics.problems.set(0)
        self._metrics.waiting.set(len(outcome.waiting))
        self._metrics.applied.set(clock.now_milliseconds() / 1_000)
        _tell_done(outcome)
        if self._is_news(read.digest, tuple(outcome.waiting)):
            for words in outcome.waiting:
                _log.warning("declared: %s", words)
        if outcome.waiting:
            self._try_later()
        else:
            self._settled = read.digest
            _log.info("the declared resources are applied", extra={"file": str(self._path)})


def _tell_done(outcome: Outcome) -> None:
    for words in outcome.done:
        _log.info("declared: %s", words)
