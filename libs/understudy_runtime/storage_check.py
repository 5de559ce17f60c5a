"""Whether the media bucket takes this service, looked at when it starts.

A service whose bucket or key is wrong is not ready, so that a roll-out of it ends there. A storage that does not answer
keeps nobody from being ready: what can be done without it is done, and it may be back any moment.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from understudy_runtime.errors import StorageMisconfigured, StorageUnavailable
from understudy_runtime.objectstore import ObjectStore

_log = logging.getLogger(__name__)

_KEY: Final = "media/probe"
"""Of no channel, so nobody lists or removes it."""
_LOOK_SECONDS: Final = 2.0
_AGAIN_SECONDS: Final = 2.0


class StorageCheck:
    """Looks until the storage has taken a request, or does not answer."""

    def __init__(self, store: ObjectStore, *, writes: bool) -> None:
        """``writes``: whether the service stores objects; then it stores an empty one, else it asks for it."""
        self._store = store
        self._writes = writes
        self._problem: str | None = "the storage has not been looked at yet"
        self._looking: asyncio.Task[None] | None = None

    def waits_for(self) -> str | None:
        """What is wrong; None: nothing, as far as is known. A check for ``Health``."""
        return self._problem

    def start(self) -> None:
        """Begin to look."""
        self._looking = asyncio.get_running_loop().create_task(self._look(), name="storage")

    async def stop(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait((self._looking,))

    async def _look(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._ask()
            except StorageMisconfigured as err:
                if self._problem != str(err):
                    _log.error("%s", err)
                self._problem = str(err)
                await asyncio.sleep(_AGAIN_SECONDS)
            except (StorageUnavailable, TimeoutError) as err:
                _log.warning("%s", str(err) or "the storage does not answer")
                break
            else:
                break
        self._problem = None

    async def _ask(self) -> None:
        if self._writes:
            await self._store.put(_KEY, b"")
        else:
            await self._store.check_bucket(_KEY)
