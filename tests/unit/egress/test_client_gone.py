"""What is done for a client that goes away."""

from __future__ import annotations

import asyncio

import pytest

from understudy_egress.client_gone import ClientGone, unless_gone
from understudy_runtime.metrics import Message


class Client:
    """Its side of an ASGI call."""

    def __init__(self) -> None:
        self.leaves = asyncio.Event()
        self._has_asked = False

    async def receive(self) -> Message:
        if not self._has_asked:
            self._has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.leaves.wait()
        return {"type": "http.disconnect"}


async def test_work_for_a_client_that_stays_is_done() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    async def fail() -> int:
        raise ZeroDivisionError

    assert await unless_gone(Client().receive, work()) == 7
    with pytest.raises(ZeroDivisionError):
        await unless_gone(Client().receive, fail())


async def test_work_for_a_client_that_goes_away_is_given_up() -> None:
    client, given_up = Client(), asyncio.Event()

    async def work() -> None:
        client.leaves.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.set()
            raise

    with pytest.raises(ClientGone):
        await unless_gone(client.receive, work())
    await asyncio.wait_for(given_up.wait(), 10)
