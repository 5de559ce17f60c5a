"""Work for a client that may go away before it is done: then it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from understudy_runtime.metrics import Receive

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody is there to be answered."""


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """What comes of ``work``, which is cancelled when the client goes away; whatever it raises is raised.

    Raises:
        ClientGone: it has.
    """
    working = asyncio.create_task(work)
    listening = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait((working, listening), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        return working.result()
    finally:
        working.cancel()
        listening.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
