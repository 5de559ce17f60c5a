"""Asking a storage again while it is away, and saying for good what it will not do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from understudy_domain.errors import MalformedRecord, NewerRecord, UnderstudyError
from understudy_domain.harvest_asset import HarvestFailed
from understudy_runtime import clock
from understudy_runtime.errors import (
    BucketMissing,
    BusUnavailable,
    HistoryTorn,
    ObjectDiffers,
    ObjectMissing,
    ObjectOfANewerRelease,
    StorageRefused,
    StorageUnavailable,
)

_log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = (0.25, 0.5, 1.0, 2.0, 5.0)

_REFUSALS_MAX: Final = 5
"""So many times in a row, 9 s, a storage may refuse: those that are told of a right now and then hear of it late."""

T = TypeVar("T")


class Patience:
    """One job's."""

    def __init__(self, *, seconds: float, on_error: Callable[[], None]) -> None:
        """``seconds``: how long something may be away; ``on_error`` is called with each try that failed."""
        self._seconds = seconds
        self._on_error = on_error
        self.message = ""
        """What is waited for; empty: nothing."""

    async def until_done(self, what: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do ``work``, again and again while something that it needs is away; ``what`` it is about, for messages.

        Raises:
            HarvestFailed: that is away for too long, or says that it cannot be done.
        """
        began = clock.monotonic()
        tries, refusals = 0, 0
        while True:
            try:
                found = await work()
            except (StorageUnavailable, BusUnavailable, HistoryTorn, NewerRecord, ObjectOfANewerRelease) as err:
                self._on_error()
                refusals = refusals + 1 if isinstance(err, StorageRefused) else 0
                self._judge(err, began, refusals)
            except ObjectMissing as err:
                raise HarvestFailed(f"{what} has been removed: {err}") from err
            except (ObjectDiffers, MalformedRecord) as err:
                raise HarvestFailed(f"{what} is damaged: {err}") from err
            else:
                if tries:
                    self.message = ""
                return found
            await asyncio.sleep(_RETRY_SECONDS[min(tries, len(_RETRY_SECONDS) - 1)])
            tries += 1

    def _judge(self, err: UnderstudyError, began: float, refusals: int) -> None:
        if isinstance(err, BucketMissing):
            raise HarvestFailed("there is no such bucket; create it, and make the job anew") from err
        if refusals > _REFUSALS_MAX:
            raise HarvestFailed(f"the storage refuses: {err}") from err
        if clock.monotonic() - began > self._seconds:
            raise HarvestFailed(f"gave up after {self._seconds:g} s: {err}") from err
        self.message = f"waits: {err}"
        _log.warning("a harvest job waits: %s", err)
