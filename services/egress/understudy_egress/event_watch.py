"""Looks now and then whether what endpoints that list everything list still stands, and has it read anew where not.

A process that starts finds what the storage has; one that runs has it in memory. Where index pages get lost, or come
back, both have to say the same, and nothing may be listed that cannot be fetched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from understudy_egress.event_past import PAST_UNREADABLE, EventPast
from understudy_egress.programme import Programme
from understudy_runtime.errors import BusRefused, BusUnavailable, LogTruncated

_log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 60.0
"""One look lists an endpoint's pages and reads what of the log is in none."""


class EventWatch:
    """One per process."""

    def __init__(
        self,
        event_past: EventPast,
        *,
        shown: Callable[[], Iterable[Programme]],
        reload: Callable[[Programme], None],
        look_seconds: float,
    ) -> None:
        """``shown``: those that are to be looked after; ``reload``: have one read anew."""
        self._event_past = event_past
        self._shown = shown
        self._reload = reload
        self._look_seconds = look_seconds

    async def run(self) -> None:
        """Look until it is cancelled."""
        while True:
            await asyncio.sleep(self._look_seconds)
            for programme in list(self._shown()):
                await self.look_at(programme)

    async def look_at(self, programme: Programme) -> None:
        """Have a programme read anew if a process that starts now would find another beginning."""
        listing = programme.listing
        if listing is None:
            return
        extra = {"origin_endpoint": programme.endpoint.id}
        try:
            stands = await self._event_past.stands(programme.endpoint, listing)
        except (BusUnavailable, BusRefused, LogTruncated, *PAST_UNREADABLE) as err:
            _log.info("whether a programme can still be listed whole is looked at later: %s", err, extra=extra)
        except Exception:  # noqa: BLE001  # one programme must not keep the others from being looked at
            _log.exception("looking at the past of a programme failed", extra=extra)
        else:
            if not stands and programme.listing is listing:
                _log.warning("index pages went, or came back, behind what is listed: reading them anew", extra=extra)
                self._reload(programme)
