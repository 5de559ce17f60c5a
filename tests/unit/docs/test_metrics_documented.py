"""docs/metrics.md and what the services register say the same: names, types and labels."""

from __future__ import annotations

import ast
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
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
from understudy_egress.cdn_secrets import CdnSecrets
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
from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.index_pages import IndexPages
from understudy_runtime.jetstream import Bus
from understudy_runtime.metrics import HttpMetrics
from understudy_runtime.objectkeys import ObjectKeys
from understudy_runtime.objectstore import ObjectStore

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "metrics.md"
ROW = re.compile(r"^\| `(understudy_\w+)` \| (\w+) \|([^|]*)\| .+ \|$", re.MULTILINE)
CONSTRUCTORS = re.compile(r"(Counter|Gauge|Histogram|Summary)(MetricFamily)?")

Described = dict[str, tuple[str, frozenset[str]]]
"""By name: type and labels."""


def bus() -> Bus:
    return Bus(EgressSettings(), name="documentation")


def all_services(registry: CollectorRegistry) -> None:
    HttpMetrics(registry, service="any")


def ingest(registry: CollectorRegistry) -> None:
    IngestMetrics(registry, budget=Budget(1))
    registry.register(AccessLog("stdout", trusted_proxies=TrustedProxies()))


def controller(registry: CollectorRegistry) -> None:
    LoopMetrics(registry, inputs=lambda: iter(()))
    RetentionMetrics(registry)
    DeclarationMetrics(registry)
    registry.register(ConfigurationMetrics(ConfigStore(bus())))
    with tempfile.TemporaryDirectory() as folder:
        write_keys(Path(folder) / "keys.json", WRITER)
        registry.register(AuthenticationMetrics(AccessKeys(Path(folder) / "keys.json")))


def egress(registry: CollectorRegistry) -> None:
    settings = EgressSettings(s3_endpoint_url="http://127.0.0.1:1")
    programmes = Programmes(bus(), ConfigStore(bus()), shown={}, secrets=CdnSecrets(None), shards=1, wait_seconds=1)
    segments = Segments(ObjectStore(settings), SegmentCache(bytes_max=1), reads_max=1, timeout_seconds=1)
    pages = IndexPages(ObjectStore(settings), ObjectKeys(settings), bytes_max=1)
    startover = Startover(bus(), pages, is_current=lambda _: True, shards=1, bytes_max=1)
    registry.register(
        EgressCollector(bus=bus(), programmes=programmes, segments=segments, pages=pages, startover=startover)
    )
    registry.register(AccessLog("stdout", trusted_proxies=TrustedProxies()))


def harvester(registry: CollectorRegistry) -> None:
    counts = Counts()
    worker = Worker(bus(), HarvesterSettings(), counts)
    registry.register(HarvesterCollector(bus=bus(), worker=worker, counts=counts))


SECTIONS: dict[str, Callable[[CollectorRegistry], None]] = {
    "All services": all_services,
    "Ingest": ingest,
    "Controller": controller,
    "Egress": egress,
    "Harvester": harvester,
}


def documented(section: str) -> Described:
    """The table of one section of the page."""
    body = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(body)}


def registered(register: Callable[[CollectorRegistry], None]) -> Described:
    """What a part of a service registers."""
    registry = CollectorRegistry()
    register(registry)
    found: Described = {}
    for collector in registry._collector_to_names:
        for name, kind, labels in described(collector):
            found[name + "_total" if kind == "counter" else name] = (kind, frozenset(labels))
    return found


def described(collector: Collector) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    if isinstance(collector, MetricWrapperBase):
        yield collector._name, str(collector._type), tuple(collector._labelnames)
        return
    for family in collector.collect():
        yield family.name, family.type, tuple(getattr(family, "_labelnames", ()))


@pytest.mark.parametrize("section", SECTIONS)
async def test_every_metric_is_documented_with_its_type_and_labels_and_nothing_else_is(section: str) -> None:
    assert documented(section) == registered(SECTIONS[section])


def test_every_metric_that_any_code_makes_is_on_the_page() -> None:
    on_page = {name for section in SECTIONS for name in documented(section)}
    made = {name for folder in ("libs", "services") for path in (ROOT / folder).rglob("*.py") for name in made_in(path)}
    assert {name.removesuffix("_total") for name in made} == {name.removesuffix("_total") for name in on_page}


def made_in(path: Path) -> Iterator[str]:
    """Names that are given to the constructors of metrics in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and CONSTRUCTORS.fullmatch(node.func.id):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def test_queries_on_the_page_use_metrics_that_exist() -> None:
    on_page = {name for section in SECTIONS for name in documented(section)}
    advice = PAGE.read_text().partition("\n## What to watch first\n")[2]
    assert set(re.findall(r"understudy_\w+", advice)) <= on_page
