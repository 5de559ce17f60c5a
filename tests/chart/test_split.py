"""Ingest with a deployment for each input: the loss of one zone cannot take both."""

from __future__ import annotations

from typing import Any

import pytest

from support import chart

ZONE = "topology.kubernetes.io/zone"
URLS = {"ingestPublicUrl": "https://in-1.example.com", "secondIngestPublicUrl": "https://in-2.example.com"}
SPLIT = chart.profile_values("production") | {"ingest": {"split": {"enabled": True}}, "controller": {"config": URLS}}


def pods(objects: tuple[chart.Object, ...]) -> dict[str, chart.Object]:
    """The pods of ingest by input."""
    found = (pod for _, pod in chart.pod_templates(objects) if chart.component_of(pod) == "ingest")
    return {pod["metadata"]["labels"]["understudy/input"]: pod for pod in found}


def leads_to(objects: tuple[chart.Object, ...], service: str) -> set[str]:
    """Inputs whose pods a Service leads to."""
    selector = {"matchLabels": chart.named(objects, "Service", service)["spec"]["selector"]}
    return {name for name, pod in pods(objects).items() if chart.matches(selector, pod["metadata"]["labels"])}


def test_each_input_has_a_service_that_leads_to_its_own_pods_alone() -> None:
    objects = chart.render(SPLIT)
    assert leads_to(objects, "live-understudy-ingest-1") == {"1"}
    assert leads_to(objects, "live-understudy-ingest-2") == {"2"}
    assert leads_to(objects, "live-understudy-ingest") == {"1", "2"}


def test_pods_of_an_input_never_go_where_the_other_input_is() -> None:
    found = pods(chart.render(SPLIT))
    for own, other in (("1", "2"), ("2", "1")):
        (rule,) = found[own]["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert rule["topologyKey"] == ZONE
        assert chart.matches(rule["labelSelector"], found[other]["metadata"]["labels"])
        assert not chart.matches(rule["labelSelector"], found[own]["metadata"]["labels"])


def test_pods_of_an_input_stay_together_so_that_the_other_finds_a_zone() -> None:
    for own, pod in pods(chart.render(SPLIT)).items():
        (rule,) = pod["spec"]["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
        term = rule["podAffinityTerm"]
        assert term["topologyKey"] == ZONE
        assert term["labelSelector"]["matchLabels"]["understudy/input"] == own
        assert ZONE not in {one["topologyKey"] for one in pod["spec"]["topologySpreadConstraints"]}


def test_zones_may_be_named() -> None:
    found = pods(chart.render_profile("production-three-zones"))
    assert {name: pod["spec"]["nodeSelector"] for name, pod in found.items()} == {
        "1": {ZONE: "eu-west-1a"},
        "2": {ZONE: "eu-west-1b"},
    }


def test_the_users_own_affinity_stays() -> None:
    wanted: dict[str, Any] = {"topologyKey": "rack", "labelSelector": {"matchLabels": {"noisy": "yes"}}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [wanted]}}
    values = SPLIT | {"ingest": {"split": {"enabled": True}, "affinity": affinity}}
    for pod in pods(chart.render(values)).values():
        rules = pod["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert rules[0] == wanted
        assert rules[1]["topologyKey"] == ZONE


def test_each_input_has_an_autoscaler_and_a_disruption_budget_of_its_own() -> None:
    objects = chart.render_profile("production-three-zones")
    for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget"):
        names = {one["metadata"]["name"] for one in chart.of_kind(objects, kind) if chart.component_of(one) == "ingest"}
        assert names == {"live-understudy-ingest-1", "live-understudy-ingest-2"}


def test_annotations_and_type_of_the_service_are_for_the_ways_in_from_outside() -> None:
    objects = chart.render_profile("everything")
    found = {name: chart.named(objects, "Service", f"broadcast-{name}") for name in ("ingest", "ingest-1", "ingest-2")}
    assert {name: one["spec"]["type"] for name, one in found.items()} == {
        "ingest": "ClusterIP",
        "ingest-1": "LoadBalancer",
        "ingest-2": "LoadBalancer",
    }
    assert found["ingest-1"]["metadata"]["annotations"]["example.com/subnet"] == "a"
    assert found["ingest-2"]["metadata"]["annotations"]["example.com/subnet"] == "b"


@pytest.mark.parametrize(
    "profile", [name for name in chart.profiles() if name not in {"everything", "production-three-zones"}]
)
def test_without_a_split_one_deployment_takes_both_inputs(profile: str) -> None:
    objects = chart.render_profile(profile)
    names = [one["metadata"]["name"] for one in chart.of_kind(objects, "Deployment")]
    assert names.count("live-understudy-ingest") == 1
    assert not any(name.endswith(("ingest-1", "ingest-2")) for name in names)
