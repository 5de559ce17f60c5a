"""Bodies: whole, or not at all, and never more than fits."""

from __future__ import annotations

import asyncio

import pytest

from understudy_ingest.body import Body, Budget
from understudy_ingest.endpoint import read_with_receive
from understudy_ingest.errors import BodyIncomplete, BodyStalled, BodyTooLarge, Overloaded


def _body(*, size_max: int = 10, held_max: int = 100) -> tuple[Body, Budget]:
    budget = Budget(held_max)
    return Body(size_max=size_max, budget=budget), budget


async def test_a_body_is_what_was_fed_in_its_order() -> None:
    body, budget = _body()
    reading = asyncio.ensure_future(body.read(stall_seconds=1))
    body.feed(b"ab")
    await asyncio.sleep(0)
    body.feed(b"cd")
    body.finish()
    body.lose()
    assert await reading == b"abcd"
    assert budget.held == 4
    body.close()
    assert budget.held == 0


async def test_a_body_that_is_lost_is_nothing() -> None:
    body, _ = _body()
    body.feed(b"ab")
    body.lose()
    body.finish()
    with pytest.raises(BodyIncomplete, match="after 2 bytes"):
        await body.read(stall_seconds=1)


async def test_a_body_that_is_too_large_is_refused_as_soon_as_it_is() -> None:
    body, budget = _body(size_max=3)
    body.feed(b"abc")
    body.feed(b"d")
    body.feed(b"e" * 1_000)
    with pytest.raises(BodyTooLarge):
        await body.read(stall_seconds=1)
    body.close()
    assert budget.held == 0


async def test_bodies_share_a_budget() -> None:
    budget = Budget(5)
    one, other = Body(size_max=10, budget=budget), Body(size_max=10, budget=budget)
    one.feed(b"abc")
    other.feed(b"abc")
    with pytest.raises(Overloaded):
        await other.read(stall_seconds=1)
    other.close()
    one.feed(b"de")
    one.finish()
    assert await one.read(stall_seconds=1) == b"abcde"


@pytest.mark.looptime
async def test_a_body_may_be_slow_and_may_not_stall() -> None:
    body, _ = _body()

    async def feed_slowly() -> None:
        for _ in range(3):
            await asyncio.sleep(0.9)
            body.feed(b"x")

    feeding = asyncio.ensure_future(feed_slowly())
    with pytest.raises(BodyStalled):
        await body.read(stall_seconds=1)
    assert feeding.done()


async def test_asgi_servers_of_any_kind_can_deliver_a_body() -> None:
    messages: list[dict[str, object]] = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "body": b"cd"},
    ]

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    body, _ = _body()
    assert await read_with_receive(body, receive, stall_seconds=1) == b"abcd"

    messages[:] = [{"type": "http.request", "body": b"ab", "more_body": True}, {"type": "http.disconnect"}]
    body, _ = _body()
    with pytest.raises(BodyIncomplete):
        await read_with_receive(body, receive, stall_seconds=1)
