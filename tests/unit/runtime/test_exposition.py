"""Families of many series in Prometheus' text format: what the library would write, in pieces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_runtime.exposition import Series, SeriesFamily, exposition

AWKWARD = 'a "quoted" \\ name\nof two lines'


class Many(Collector):
    """A counter and a gauge of so many series."""

    def __init__(self, count: int) -> None:
        self._count = count

    @override
    def collect(self) -> Iterator[Metric]:
        def series() -> Series:
            yield (AWKWARD, "1"), 0.25
            for number in range(self._count):
                yield (f"channel-{number}", "2"), number

        for kind, name in (("counter", "things_total"), ("gauge", "things_now")):
            yield SeriesFamily(name, "What there is.", kind, labels=("channel", "input"), series=series)  # type: ignore[arg-type]


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Many(1_000))
    Histogram("seconds", "Time.", registry=registry).observe(0.3)
    return registry


async def test_it_is_what_the_library_would_write(registry: CollectorRegistry) -> None:
    assert (await exposition(registry)).splitlines() == generate_latest(registry).splitlines()


async def test_it_reads_back_as_what_it_was(registry: CollectorRegistry) -> None:
    families = {one.name: one for one in text_string_to_metric_families((await exposition(registry)).decode())}
    assert families["things"].type == "counter"
    first, second, *_ = families["things_now"].samples
    assert (first.labels, first.value) == ({"channel": AWKWARD, "input": "1"}, 0.25)
    assert (second.labels, second.value) == ({"channel": "channel-0", "input": "2"}, 0)
    assert len(families["things_now"].samples) == 1_001


def test_a_family_may_be_read_twice() -> None:
    family = next(iter(Many(3).collect()))
    assert len(list(family.samples)) == len(list(family.samples)) == 4
