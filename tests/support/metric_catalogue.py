"""The catalogue of metrics, docs/metrics.md: its tables are made from what the services register.

``python -m support.metric_catalogue`` writes them into the page; what stands around them is written by hand.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from support.signing import WRITER, write_keys
from understudy_controller.api.metrics import ConfigurationMetrics
from understudy_controller.authentication.keys import AccessKeys
from understudy_controller.authentication.metrics import AuthenticationMetrics
from understudy_controller.declare.part import DeclarationMetrics
from understudy_controller.loop.metrics import LoopMetrics
from understudy_controller.loop.retention_metrics import RetentionMetrics
from understudy_controller.webhooks.metrics import WebhookMetrics
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.event_past import EventPast
from understudy_egress.metrics import EgressCollector
from understudy_egress.programmes import Programmes
from understudy_egress.segment_cache import SegmentCache
from understudy_egress.segments import Segments
from understudy_egress.settings import EgressSettings
from understudy_egress.startover import Startover
from understudy_harvester.counts import Counts
from understudy_harvester.metrics import HarvesterCollector
from understudy_harvester.settings import HarvesterSettings
from understudy_harvester.worker import Worker
from understudy_ingest.body import Budget
from understudy_ingest.metrics import IngestMetrics
from understudy_runtime.access_log import AccessLog
from understudy_runtime.bus_metrics import BusMetrics
from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.exposition import SeriesFamily
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.jetstream import Bus
from understudy_runtime.metrics import HttpMetrics
from understudy_runtime.objectkeys import ObjectKeys
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.tracing import NO_TRACER, TracerMetrics

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "metrics.md"
_TABLE = re.compile(r"(<!-- made of the code: (?P<section>[\w ]+) -->\n).*?(<!-- until here -->\n)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Described:
    """A metric, as Prometheus sees it."""

    name: str
    """A counter's with ``_total``."""
    kind: str
    labels: tuple[str, ...]
    documentation: str


def bus() -> Bus:
    return Bus(EgressSettings(), name="documentation")


def all_services(registry: CollectorRegistry) -> None:
    HttpMetrics(registry, service="any")
    registry.register(BusMetrics(bus(), service="any"))


def ingest(registry: CollectorRegistry) -> None:
    IngestMetrics(registry, budget=Budget(1))
    registry.register(AccessLog("stdout", trusted_proxies=TrustedProxies()))
    registry.register(TracerMetrics(NO_TRACER, service="ingest"))


def controller(registry: CollectorRegistry) -> None:
    LoopMetrics(registry)
    RetentionMetrics(registry)
    DeclarationMetrics(registry)
    registry.register(WebhookMetrics())
    registry.register(ConfigurationMetrics(ConfigStore(bus()), shards=1))
    registry.register(TracerMetrics(NO_TRACER, service="controller"))
    with tempfile.TemporaryDirectory() as folder:
        write_keys(Path(folder) / "keys.json", WRITER)
        registry.register(AuthenticationMetrics(AccessKeys(Path(folder) / "keys.json")))


def egress(registry: CollectorRegistry) -> None:
    settings = EgressSettings(s3_endpoint_url="http://127.0.0.1:1")
    segments = Segments(ObjectStore(settings), SegmentCache(bytes_max=1), reads_max=1, timeout_seconds=1)
    pages = IndexPages(ObjectStore(settings), ObjectKeys(settings), bytes_max=1)
    programmes = Programmes(
        bus(),
        ConfigStore(bus()),
        shown={},
        secrets=CdnSecrets(None),
        event_past=EventPast(bus(), pages, shards=1),
        shards=1,
        wait_seconds=1,
    )
    startover = Startover(bus(), pages, is_current=lambda _: True, shards=1, bytes_max=1)
    registry.register(EgressCollector(programmes=programmes, segments=segments, pages=pages, startover=startover))
    registry.register(AccessLog("stdout", trusted_proxies=TrustedProxies()))
    registry.register(TracerMetrics(NO_TRACER, service="egress"))


def harvester(registry: CollectorRegistry) -> None:
    counts = Counts()
    worker = Worker(bus(), HarvesterSettings(), counts)
    registry.register(HarvesterCollector(worker=worker, counts=counts))


SECTIONS: dict[str, Callable[[CollectorRegistry], None]] = {
    "All services": all_services,
    "Ingest": ingest,
    "Controller": controller,
    "Egress": egress,
    "Harvester": harvester,
}


@cache
def catalogue(section: str) -> dict[str, Described]:
    """What a part of a service registers, by name."""
    registry = CollectorRegistry()
    SECTIONS[section](registry)
    return {one.name: one for collector in registry._collector_to_names for one in _described(collector)}


def _described(collector: Collector) -> Iterator[Described]:
    for family in collector.collect():
        labels: Sequence[str] = getattr(family, "_labelnames", ())
        if isinstance(family, SeriesFamily):
            labels = family.label_names
        if isinstance(collector, MetricWrapperBase):
            labels = collector._labelnames
        name = family.name + "_total" if family.type == "counter" else family.name
        yield Described(name, family.type, tuple(labels), family.documentation)


@cache
def everything() -> dict[str, Described]:
    """All metrics of all services, by name."""
    return {name: one for section in SECTIONS for name, one in catalogue(section).items()}


def with_tables(page: str) -> str:
    """The page, its tables made anew."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{table(found['section'])}\n{found[3]}", page)


def table(section: str) -> str:
    """The table of one section, in Markdown."""
    rows = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for one in catalogue(section).values():
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows.append(f"| `{one.name}` | {one.kind} | {labels} | {one.documentation} |".replace("|  |", "| |"))
    return "".join(f"{row}\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
