"""Where the services' traces go, as the chart tells them, and that policies let them."""

from __future__ import annotations

from typing import Any

import pytest

from support import chart

COLLECTOR = "http://otel-collector.monitoring:4318"
TRACED = ("ingest", "controller", "egress")


def environment(values: dict[str, Any], component: str) -> dict[str, Any]:
    deployment = chart.named(chart.render(values), "Deployment", f"live-understudy-{component}")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    found = {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}
    assert len(found) == len(container["env"])
    return found


def egress_ports(values: dict[str, Any], component: str) -> set[int]:
    policy = chart.named(chart.render(values), "NetworkPolicy", f"live-understudy-{component}")
    return {one["port"] for rule in policy["spec"]["egress"] for one in rule["ports"]}


def traced(**traces: object) -> dict[str, Any]:
    return chart.profile_values("production") | {
        "config": {"traces": "otlp"},
        "traces": {"endpoint": COLLECTOR} | traces,
    }


@pytest.mark.parametrize("component", TRACED)
def test_services_are_told_where_the_collector_is_and_may_reach_it(component: str) -> None:
    told = environment(traced(), component)
    assert told["UNDERSTUDY_TRACES"] == "otlp"
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == COLLECTOR
    assert (told["OTEL_TRACES_SAMPLER"], told["OTEL_TRACES_SAMPLER_ARG"]) == ("parentbased_traceidratio", "1")
    assert told["OTEL_RESOURCE_ATTRIBUTES"].endswith("k8s.pod.name=$(POD_NAME)")
    assert 4318 in egress_ports(traced(), component)


def test_a_pods_name_is_known_before_it_is_referred_to() -> None:
    names = list(environment(traced(), "ingest"))
    assert names.index("POD_NAME") < names.index("OTEL_RESOURCE_ATTRIBUTES")


@pytest.mark.parametrize("component", chart.COMPONENTS)
def test_without_traces_nothing_is_told_and_nothing_opened(component: str) -> None:
    values = chart.profile_values("production") | {"traces": {"endpoint": COLLECTOR}}
    assert not any(name.startswith("OTEL_") for name in environment(values, component))
    assert 4318 not in egress_ports(values, component)


def test_the_harvester_makes_none() -> None:
    assert not any(name.startswith("OTEL_") for name in environment(traced(), "harvester"))
    assert 4318 not in egress_ports(traced(), "harvester")


def test_headers_come_from_a_secret() -> None:
    told = environment(traced(headersSecret="collector"), "egress")
    assert told["OTEL_EXPORTER_OTLP_HEADERS"] == {"secretKeyRef": {"name": "collector", "key": "headers"}}


def test_what_stands_in_extra_env_wins() -> None:
    values = traced() | {"ingest": {"extraEnv": [{"name": "OTEL_TRACES_SAMPLER", "value": "always_on"}]}}
    assert environment(values, "ingest")["OTEL_TRACES_SAMPLER"] == "always_on"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://collector", 80),
        ("https://otlp.example.com", 443),
        ("https://otlp.example.com/otlp", 443),
        ("https://otlp.example.com:4319/otlp", 4319),
    ],
)
def test_the_port_is_that_of_the_url(url: str, expected: int) -> None:
    assert expected in egress_ports(traced(endpoint=url), "ingest") - {4222, 53}


@pytest.mark.parametrize("component", TRACED)
def test_the_collectors_peers_and_ports_may_be_named(component: str) -> None:
    values = chart.profile_values("everything")
    (policy,) = (
        one
        for one in chart.of_kind(chart.render_profile("everything"), "NetworkPolicy")
        if one["metadata"]["name"].endswith(component)
    )
    (rule,) = (one for one in policy["spec"]["egress"] if one.get("to") == values["networkPolicy"]["traces"])
    assert [one["port"] for one in rule["ports"]] == values["networkPolicy"]["tracesPorts"]
