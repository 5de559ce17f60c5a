"""What Prometheus and Grafana are told: the alert rules and dashboards of deploy/monitoring, and every pod once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support import chart

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
OUTSIDE = {"nats": {"url": "nats://nats:4222"}, "s3": {"bucket": "media"}}


def render(*, checks: bool = False, split: bool = False, **monitoring: Any) -> tuple[chart.Object, ...]:
    values = {**OUTSIDE, "monitoring": monitoring, "capabilityChecks": checks, "ingest": {"split": {"enabled": split}}}
    return chart.render(values)


def test_every_pod_with_metrics_is_asked_once() -> None:
    for split in (False, True):
        objects = render(serviceMonitor={"enabled": True}, split=split)
        monitors = chart.of_kind(objects, "ServiceMonitor")
        for name, pod in chart.pod_templates(objects):
            if chart.component_of(pod) not in chart.COMPONENTS:
                continue
            services = [
                one
                for one in chart.of_kind(objects, "Service")
                if one["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
                and any(is_selected(one, monitor) for monitor in monitors)
            ]
            assert len(services) == 1, name
            assert services[0]["spec"]["ports"][0]["name"] == "http"


def is_selected(service: chart.Object, monitor: chart.Object) -> bool:
    """Whether a ServiceMonitor takes a Service."""
    selector, labels = monitor["spec"]["selector"], service["metadata"]["labels"]
    assert {one["operator"] for one in selector["matchExpressions"]} == {"DoesNotExist"}
    absent = [one["key"] for one in selector["matchExpressions"]]
    return chart.matches(selector, labels) and not any(key in labels for key in absent)


def test_the_alert_rules_are_those_of_the_repository() -> None:
    objects = render(prometheusRule={"enabled": True})
    carried = [group for one in chart.of_kind(objects, "PrometheusRule") for group in one["spec"]["groups"]]
    files = [yaml.safe_load(path.read_text()) for path in sorted(MONITORING.glob("alerts/*.yaml"))]
    assert carried == [group for file in files for group in file["groups"]]
    assert carried


def test_a_runbook_is_where_a_user_can_read_it() -> None:
    objects = render(prometheusRule={"enabled": True, "runbookUrlPrefix": "https://git.example.com/main/"})
    urls = [
        rule["annotations"]["runbook_url"]
        for one in chart.of_kind(objects, "PrometheusRule")
        for group in one["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert urls
    assert all(url.startswith("https://git.example.com/main/docs/operations/alerts.md#") for url in urls)


def test_the_dashboards_are_those_of_the_repository() -> None:
    found = {
        name: json.loads(text)
        for one in chart.of_kind(render(dashboards={"enabled": True}), "ConfigMap")
        for name, text in one["data"].items()
        if one["metadata"]["labels"].get("grafana_dashboard") == "1"
    }
    assert found
    assert found == {path.name: json.loads(path.read_text()) for path in MONITORING.glob("dashboards/*.json")}


@pytest.mark.parametrize("name", ["serviceMonitor", "prometheusRule"])
def test_what_the_cluster_has_no_api_for_is_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(chart.ChartRefused, match=rf"monitoring\.{name}\.enabled needs the Prometheus Operator .* set"):
        chart.render({**OUTSIDE, "monitoring": {name: {"enabled": True}}})


def test_dashboards_need_no_api() -> None:
    assert render(checks=True, dashboards={"enabled": True})


def test_nothing_of_it_is_there_unless_it_is_wanted() -> None:
    kinds = {one["kind"] for one in chart.render(OUTSIDE)}
    assert kinds.isdisjoint({"ServiceMonitor", "PrometheusRule", "ConfigMap"})
