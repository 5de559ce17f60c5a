"""What nginx and Varnish make of egress' headers, with the configurations that are shipped for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace

import pytest

from support.browser import MissingProgram
from support.cdn import Cdn, running_nginx, running_varnish
from support.egress_process import EgressProcess
from support.http_exchange import Exchange
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain import ticks
from understudy_domain.cdn_authorization import Authorization
from understudy_runtime import clock
from understudy_runtime.settings import CommonSettings

HALF_A_TARGET_DURATION_SECONDS = 1.5
CROWD = 10
IDENTIFIER = "word-of-the-cache"


@pytest.fixture(scope="module")
def egress(shared_settings: CommonSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EgressProcess]:
    """An egress process that knows the caches of this machine: by their address, and by a secret."""
    secrets = tmp_path_factory.mktemp("secrets")
    (secrets / "cdn").write_text(IDENTIFIER)
    with EgressProcess(
        tmp_path_factory.mktemp("egress"),
        shared_settings,
        trusted_proxies="127.0.0.0/8",
        secrets_directory=str(secrets),
    ) as process:
        yield process


@pytest.fixture(scope="module", params=["nginx", "varnish"])
def cdn(
    request: pytest.FixtureRequest, egress: EgressProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cdn]:
    """A cache in front of egress, which is both of the processes that it knows."""
    running = running_nginx if request.param == "nginx" else running_varnish
    try:
        with running(
            tmp_path_factory.mktemp("cdn") / "run", origins=[egress.port] * 2, identifier=IDENTIFIER
        ) as started:
            yield started
    except MissingProgram as missing:
        missing.skip()


@pytest.fixture
async def client(cdn: Cdn) -> AsyncIterator[Exchange]:
    """A viewer of the cache."""
    exchange = Exchange(cdn.port)
    yield exchange
    exchange.close()


def answered(egress: EgressProcess, route: str, status: int) -> float:
    """How many GETs of a route egress has answered so."""
    labels = f'component="egress",method="GET",route="{route}",status="{status}"'
    try:
        return egress.metric(f"understudy_http_requests_total{{{labels}}}")
    except AssertionError:
        return 0.0


async def until(ask: Callable[[], Awaitable[bool]], *, within_seconds: float) -> None:
    """Ask again and again until the answer is yes."""
    give_up_at = time.monotonic() + within_seconds
    while not await ask():
        assert time.monotonic() < give_up_at, f"not within {within_seconds} s"
        await asyncio.sleep(0.02)


async def lists(client: Exchange, playlist: str, number: int) -> bool:
    """Whether a playlist lists a segment, by media sequence."""
    return f"/{number}.ts".encode() in (await client.request(playlist)).body


async def is_there(client: Exchange, path: str) -> bool:
    """Whether it is answered 200 by now."""
    return (await client.request(path, method="HEAD")).status == 200


async def test_a_playlist_that_changes_right_after_it_was_fetched_is_old_for_less_than_half_a_target_duration(
    client: Exchange, publisher: ProgramPublisher, shown: Shown, egress: EgressProcess
) -> None:
    await publisher.configure(shown.endpoint)
    await publisher.publish(shown.endpoint)
    # At the beginning of a second: by whole seconds, this copy would be fresh until the next but one.
    await asyncio.sleep(1.02 - time.time() % 1)
    assert b"/0.ts" in (await client.request(shown.media)).body
    await publisher.publish(shown.endpoint)
    origin = Exchange(egress.port)
    await until(lambda: lists(origin, shown.media, 1), within_seconds=20)
    await until(lambda: lists(client, shown.media, 1), within_seconds=HALF_A_TARGET_DURATION_SECONDS)
    origin.close()


async def test_what_was_asked_for_too_early_is_fetched_once_when_it_is_there(
    cdn: Cdn, client: Exchange, publisher: ProgramPublisher, shown: Shown, egress: EgressProcess
) -> None:
    await publisher.configure(shown.endpoint)
    await publisher.publish(shown.endpoint)
    early = await client.request(shown.segment(1))
    assert (early.status, early.headers["cache-control"]) == (404, "no-store")
    await publisher.publish(shown.endpoint)
    origin = Exchange(egress.port)
    await until(lambda: is_there(origin, shown.segment(1)), within_seconds=20)
    before = answered(egress, "segment", 200)
    crowd = [Exchange(cdn.port) for _ in range(CROWD)]
    bodies = await asyncio.gather(*(one.request(shown.segment(1)) for one in crowd))
    assert {answer.status for answer in bodies} == {200}
    assert {answer.body for answer in bodies} == {(await origin.request(shown.segment(1))).body}
    assert answered(egress, "segment", 200) == before + 2, "one for the cache, one for this test"
    for exchange in (origin, *crowd):
        exchange.close()


async def test_a_playlist_that_is_asked_for_before_the_first_slot_is_there_with_it(
    client: Exchange, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publisher.configure(shown.endpoint)
    early = await client.request(shown.multivariant)
    assert (early.status, early.headers["cache-control"]) == (404, "no-store")
    await publisher.publish(shown.endpoint, available_at=clock.now_ticks() + ticks.from_seconds(0.1))
    await until(lambda: is_there(client, shown.multivariant), within_seconds=1)


async def test_a_playlist_that_has_not_changed_costs_no_body(
    client: Exchange, publisher: ProgramPublisher, shown: Shown, egress: EgressProcess
) -> None:
    await publisher.configure(shown.endpoint)
    await publisher.publish(shown.endpoint)
    first = await client.request(shown.media)
    bodies, unchanged = (answered(egress, "media_playlist", status) for status in (200, 304))
    await asyncio.sleep(2.1)
    assert (await client.request(shown.media)).body == first.body
    assert answered(egress, "media_playlist", 200) == bodies
    assert answered(egress, "media_playlist", 304) == unchanged + 1


async def test_another_query_string_is_another_object(
    client: Exchange, publisher: ProgramPublisher, shown: Shown, egress: EgressProcess
) -> None:
    await publisher.configure(shown.endpoint)
    await publisher.publish(shown.endpoint)
    before = answered(egress, "media_playlist", 200)
    for query in ("", "?viewer=1", "?viewer=2", "?viewer=1", ""):
        assert (await client.request(shown.media + query)).status == 200
    assert before + 3 <= answered(egress, "media_playlist", 200) <= before + 5, "the five may have taken a second"


async def test_a_query_string_makes_no_other_segment(
    client: Exchange, publisher: ProgramPublisher, shown: Shown, egress: EgressProcess
) -> None:
    await publisher.configure(shown.endpoint)
    await publisher.publish(shown.endpoint)
    before = answered(egress, "segment", 200)
    for query in ("", "?session=1", "?session=2&start=5"):
        assert (await client.request(shown.segment(0) + query)).status == 200
    assert answered(egress, "segment", 200) == before + 1


async def test_the_cache_shows_the_secret_that_egress_wants_of_it(
    client: Exchange, publisher: ProgramPublisher, shown: Shown, egress: EgressProcess
) -> None:
    authorization = Authorization(cdn_identifier_secret="cdn", secrets_role_arn="arn:aws:iam::111122223333:role/cdn")
    await publisher.configure(replace(shown.endpoint, authorization=authorization))
    await publisher.publish(shown.endpoint)
    await until(lambda: is_there(client, shown.media), within_seconds=20)
    assert egress.get(shown.media).status == 403
    assert (await client.request(shown.segment(0))).status == 200


async def test_the_cache_says_who_is_asking(client: Exchange, publisher: ProgramPublisher, shown: Shown) -> None:
    await publisher.configure(replace(shown.endpoint, whitelist=("203.0.113.0/24",)))
    await publisher.publish(shown.endpoint)
    assert (await client.request(shown.multivariant)).status == 403
    assert (await client.request(shown.multivariant, "X-Forwarded-For: 203.0.113.9")).status == 200
