"""A thousand channels: how many series they are, and that a scrape of them leaves the event loop to the decisions."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from support.metric_catalogue import PAGE
from support.program_entries import make_entry, seconds
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.shown import ShownChannel, ShownEndpoint
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import Evidence, InputEvidence
from understudy_domain.grid import Grid
from understudy_domain.lag import Lag
from understudy_domain.session import Session
from understudy_runtime import clock
from understudy_runtime.exposition import exposition

CHANNELS = 1_000
ENDPOINTS = 2
OF_A_CHANNEL = 23
OF_AN_ENDPOINT = 24
TURN_SECONDS_MAX = 0.05
"""A turn is 3 ms; the rest is for a machine that does other things."""


def state_of(number: int) -> ChannelState:
    """As it is while both inputs deliver: every series is there."""
    state = ChannelState(f"{number:032x}", grid=Grid(segment_duration=seconds(2), anchor=0))
    for one in state.inputs:
        session = Session(id=1, modulus=None, newest_end=0, first_arrived_at=0, first_end=0)
        session.offset, session.date_minus_media = 0, 0
        session.lag = Lag(value=0, samples=[0])
        one.sessions.append(session)
        one.last_arrived_at = clock.now_ticks()
    return state


@pytest.fixture(scope="module")
def registry() -> CollectorRegistry:
    """The loop's, of a controller that decides for all of them."""
    entry = make_entry(1)
    deadline = entry.as_of.instant + seconds(0.75)
    inputs = tuple(InputEvidence(one, complete=True, due=entry.as_of.instant) for one in (1, 2))
    entry = replace(entry, evidence=Evidence(deadline, inputs))
    shown = []
    for number in range(CHANNELS):
        endpoints = [
            ShownEndpoint(
                f"channel-{number}", f"channel-{number}-{one}", f"{number:031x}{one}", last=entry, held_since=None
            )
            for one in range(ENDPOINTS)
        ]
        shown.append(ShownChannel(f"channel-{number}", state_of(number), tuple(endpoints)))

    def all_of_them() -> Iterator[ShownChannel]:
        yield from shown

    registry = CollectorRegistry()
    metrics = LoopMetrics(registry, shown=all_of_them)
    for channel in shown:
        for one in channel.state.inputs:
            metrics.count_arrival(channel.state.channel, one.input_id)
        for endpoint in channel.endpoints:
            metrics.count(replace(entry, origin_endpoint=endpoint.guid))
    return registry


async def test_they_are_as_many_series_as_the_catalogue_says(registry: CollectorRegistry) -> None:
    text = (await exposition(registry)).decode()
    lines = [line for line in text.splitlines() if 'channel="' in line]
    of_endpoints = sum('origin_endpoint="' in line for line in lines)
    assert (len(lines) - of_endpoints, of_endpoints) == (CHANNELS * OF_A_CHANNEL, CHANNELS * ENDPOINTS * OF_AN_ENDPOINT)
    assert Counter(lines).most_common(1)[0][1] == 1, "a series twice"
    assert f"{CHANNELS * (OF_A_CHANNEL + ENDPOINTS * OF_AN_ENDPOINT):,} series of the controllers" in PAGE.read_text()


async def test_no_label_has_a_value_that_was_not_configured(registry: CollectorRegistry) -> None:
    values: dict[str, set[str]] = {}
    for family in registry.collect():
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault(label, set()).add(value)
    assert {label: len(found) for label, found in values.items() if label not in ("channel", "origin_endpoint")} == {
        "input": 2,
        "reason": 9,
        "of": 2,
        "kind": len(values["kind"]),
        "le": 13,
    }


async def test_the_event_loop_turns_while_they_are_scraped(registry: CollectorRegistry) -> None:
    waits: list[float] = []

    async def turn() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0)
            waits.append(time.perf_counter() - began)

    turning = asyncio.ensure_future(turn())
    await asyncio.sleep(0)
    began = time.process_time()
    text = await exposition(registry)
    took = time.process_time() - began
    turning.cancel()
    print(f"{len(text) / 1e6:.1f} MB in {took * 1e3:.0f} ms of CPU time, the longest turn {max(waits) * 1e3:.1f} ms")
    assert len(waits) > 10
    assert sorted(waits)[len(waits) // 2] < TURN_SECONDS_MAX
