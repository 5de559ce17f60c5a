"""Who may reach what: every pod is covered, every flow that is needed is there, and each says what it is for."""

from __future__ import annotations

import re
from typing import Any

import pytest

from support import chart

PROFILES = pytest.mark.parametrize("profile", chart.profiles())
ANYBODY: list[Any] = [None]
PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}


def policies_of(objects: tuple[chart.Object, ...], labels: dict[str, str]) -> list[chart.Object]:
    """The policies that select a pod with these labels."""
    policies = chart.of_kind(objects, "NetworkPolicy")
    return [one for one in policies if chart.matches(one["spec"]["podSelector"], labels)]


def of_component(objects: tuple[chart.Object, ...], component: str) -> chart.Object:
    """The policy of a component."""
    (found,) = (one for one in chart.of_kind(objects, "NetworkPolicy") if chart.component_of(one) == component)
    return found


def ports(rules: list[chart.Object], *, peers: list[Any] | None = None) -> set[tuple[str, int | str]]:
    """Protocol and port that some rule allows; with ``peers`` only rules for those."""
    return {
        (port["protocol"], port["port"])
        for rule in rules
        if peers is None or rule.get("to") == peers
        for port in rule["ports"]
    }


@PROFILES
def test_every_pod_is_covered_in_both_directions(profile: str) -> None:
    objects = chart.render_profile(profile)
    for name, pod in chart.pod_templates(objects):
        found = policies_of(objects, pod["metadata"].get("labels", {}))
        assert {kind for one in found for kind in one["spec"]["policyTypes"]} == {"Ingress", "Egress"}, name


@PROFILES
def test_a_policy_selects_pods_and_opens_no_port_that_they_do_not_have(profile: str) -> None:
    objects = chart.render_profile(profile)
    for policy in chart.of_kind(objects, "NetworkPolicy"):
        pods = [
            pod
            for _, pod in chart.pod_templates(objects)
            if policy in policies_of(objects, pod["metadata"].get("labels", {}))
        ]
        assert pods, policy["metadata"]["name"]
        wanted = {port for _, port in ports(policy["spec"].get("ingress", []))}
        for pod in pods:
            named = [port for one in chart.containers(pod) for port in one.get("ports", [])]
            assert wanted <= {value for port in named for value in (port["name"], port["containerPort"])}


@PROFILES
def test_no_rule_allows_everything(profile: str) -> None:
    for policy in chart.of_kind(chart.render_profile(profile), "NetworkPolicy"):
        for direction in ("ingress", "egress"):
            assert all(rule.get("ports") for rule in policy["spec"].get(direction, [])), policy["metadata"]["name"]


@PROFILES
def test_each_rule_says_which_flow_it_is_for(profile: str) -> None:
    for path, text in chart.render_texts(chart.profile_values(profile)).items():
        if "kind: NetworkPolicy" in text:
            rules = len(re.findall(r"^    - (?:ports|from|to):", text, re.MULTILINE))
            said = len(re.findall(r"^    # .+ --> .+\n    - (?:ports|from|to):", text, re.MULTILINE))
            assert (rules, said) == (said, rules), path


def test_encoders_and_cdns_come_from_anywhere_and_operators_from_the_namespace() -> None:
    objects = chart.render_profile("production")
    first = {name: of_component(objects, name)["spec"]["ingress"][0] for name in chart.COMPONENTS}
    assert "from" not in first["ingest"]
    assert "from" not in first["egress"]
    assert first["controller"]["from"] == first["harvester"]["from"] == [{"podSelector": {}}]
    assert all(rule["ports"] == [{"port": "http", "protocol": "TCP"}] for rule in first.values())


@pytest.mark.parametrize("component", chart.COMPONENTS)
def test_prometheus_reaches_metrics_wherever_else_may_not(component: str) -> None:
    rules = of_component(chart.render_profile("production"), component)["spec"]["ingress"]
    (found,) = (rule for rule in rules if rule.get("from") and PROMETHEUS in _pod_labels(rule["from"]))
    assert found["from"] == [{"namespaceSelector": {}, "podSelector": {"matchLabels": PROMETHEUS}}]


def _pod_labels(peers: list[Any]) -> list[Any]:
    return [peer.get("podSelector", {}).get("matchLabels") for peer in peers]


@pytest.mark.parametrize("component", chart.COMPONENTS)
def test_a_service_reaches_nats_s3_and_dns_and_nothing_else(component: str) -> None:
    rules = of_component(chart.render_profile("production"), component)["spec"]["egress"]
    assert ports(rules) == {("TCP", 4222), ("TCP", 443), ("UDP", 53), ("TCP", 53)}


@pytest.mark.parametrize("component", chart.COMPONENTS)
def test_a_service_without_keys_of_its_own_reaches_what_lends_it_a_role(component: str) -> None:
    rules = of_component(chart.render_profile("production-three-zones"), component)["spec"]["egress"]
    addresses = [{"ipBlock": {"cidr": "169.254.169.254/32"}}, {"ipBlock": {"cidr": "169.254.170.23/32"}}]
    assert ports(rules, peers=addresses) == {("TCP", 80)}
    assert ("TCP", 443) in ports(rules)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("nats://nats", {4222}),
        ("nats://a:4333, nats://b:4444/,tls://c", {4333, 4444, 4222}),
        ("tls://[2001:db8::1]:4555", {4555}),
        ("tls://[2001:db8::1]", {4222}),
    ],
)
def test_nats_is_reached_at_the_ports_of_its_urls(url: str, expected: set[int]) -> None:
    values = chart.profile_values("production") | {"nats": {"url": url}}
    (rule,) = (rule for rule in _egress(values, "ingest") if ("TCP", 443) not in ports([rule]) and not _is_dns(rule))
    assert {port for _, port in ports([rule])} == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, 443),
        ("https://s3.example.com", 443),
        ("http://s3.example.com/", 80),
        ("https://s3.example.com:9443/", 9443),
        ("http://seaweedfs:8333", 8333),
    ],
)
def test_s3_is_reached_at_the_port_of_its_url(url: str | None, expected: int) -> None:
    values = chart.profile_values("production") | {
        "s3": {"bucket": "media", "existingSecret": "s3", "endpointUrl": url}
    }
    found = {port for rule in _egress(values, "egress") if not _is_dns(rule) for _, port in ports([rule])}
    assert found == {4222, expected}


def test_a_harvester_reaches_the_s3_service_of_its_assets() -> None:
    values = chart.profile_values("production")
    values |= {"harvester": {"config": {"harvestS3EndpointUrl": "https://vod.example.com:8443"}}}
    assert ("TCP", 8443) in ports(_egress(values, "harvester"))
    assert ("TCP", 8443) not in ports(_egress(values, "egress"))


def test_peers_and_ports_in_values_are_where_the_rules_lead() -> None:
    objects = chart.render_profile("everything")
    values = chart.profile_values("everything")
    for component in chart.COMPONENTS:
        spec = of_component(objects, component)["spec"]
        assert spec["ingress"][0]["from"] == values[component]["networkPolicy"]["from"]
        assert spec["ingress"][1]["from"] == values["networkPolicy"]["prometheus"]
        assert ports(spec["egress"], peers=values["networkPolicy"]["nats"]) == {("TCP", 14333)}
        assert ports(spec["egress"], peers=values["networkPolicy"]["s3"]) == {("TCP", 19443)}
        receivers = {("TCP", 443), ("TCP", 8443)} if component == "controller" else set()
        assert ports(spec["egress"], peers=values["networkPolicy"]["webhooks"]) == receivers
        assert {("UDP", 5353), ("TCP", 5353)} <= ports(spec["egress"])


def test_null_for_the_ports_of_dns_opens_no_others() -> None:
    values = chart.profile_values("production") | {"networkPolicy": {"dnsPorts": None}}
    for policy in chart.of_kind(chart.render(values), "NetworkPolicy"):
        assert {("UDP", 53), ("TCP", 53)} <= ports(policy["spec"]["egress"])
        assert all(rule["ports"] for rule in policy["spec"]["egress"])


def test_without_policies_there_are_none() -> None:
    values = chart.profile_values("production") | {"networkPolicy": {"enabled": False}}
    assert chart.of_kind(chart.render(values), "NetworkPolicy") == []


def _egress(values: dict[str, Any], component: str) -> list[chart.Object]:
    rules: list[chart.Object] = of_component(chart.render(values), component)["spec"]["egress"]
    return rules


def _is_dns(rule: chart.Object) -> bool:
    return ("UDP", 53) in ports([rule])
