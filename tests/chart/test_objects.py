"""The objects of every profile fit together: selectors, ports, references, names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from support import chart

PROFILES = pytest.mark.parametrize("profile", chart.profiles())
STANDARD_LABELS = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/component",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}
NO_NAMESPACE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "StorageClass"}
WORKLOADS = {"Deployment", "StatefulSet"}
LONG = "a-release-with-a-name-that-is-as-long-as-helm-takes-x"
LONG_WITH_CHART = "understudy-for-a-release-that-is-as-long-as-helm-take"
assert len(LONG) == len(LONG_WITH_CHART) == 53


def workloads(objects: tuple[chart.Object, ...]) -> list[chart.Object]:
    """What keeps pods running."""
    return [one for one in objects if one["kind"] in WORKLOADS]


def pod_labels(objects: tuple[chart.Object, ...]) -> dict[str, dict[str, str]]:
    """The labels of each pod, by its owner."""
    return {name: pod["metadata"].get("labels", {}) for name, pod in chart.pod_templates(objects)}


@PROFILES
def test_every_object_says_what_it_belongs_to(profile: str) -> None:
    for one in chart.render_profile(profile):
        assert one["metadata"]["labels"].keys() >= STANDARD_LABELS, chart.identity(one)


@PROFILES
def test_a_workload_selects_its_own_pods_and_no_others(profile: str) -> None:
    objects = chart.render_profile(profile)
    for one in workloads(objects):
        taken = [name for name, labels in pod_labels(objects).items() if chart.matches(one["spec"]["selector"], labels)]
        assert taken == [f"{one['kind']} {one['metadata']['name']}"]


@PROFILES
def test_a_service_leads_to_pods_of_one_component_at_a_port_they_have(profile: str) -> None:
    objects = chart.render_profile(profile)
    for service in chart.of_kind(objects, "Service"):
        found = [
            pod
            for _, pod in chart.pod_templates(objects)
            if chart.matches({"matchLabels": service["spec"]["selector"]}, pod["metadata"].get("labels", {}))
        ]
        assert len({chart.component_of(pod) for pod in found}) == 1, service["metadata"]["name"]
        for pod in found:
            open_ports = {value for port in pod_ports(pod) for value in (port["name"], port["containerPort"])}
            assert {port.get("targetPort", port["port"]) for port in service["spec"]["ports"]} <= open_ports


@PROFILES
def test_every_service_of_understudy_is_reached_by_a_service_of_kubernetes(profile: str) -> None:
    objects = chart.render_profile(profile)
    selectors = [{"matchLabels": one["spec"]["selector"]} for one in chart.of_kind(objects, "Service")]
    for name, labels in pod_labels(objects).items():
        if labels.get("app.kubernetes.io/component") in chart.COMPONENTS:
            assert any(chart.matches(selector, labels) for selector in selectors), name


@PROFILES
def test_a_disruption_budget_is_for_the_pods_of_one_workload(profile: str) -> None:
    objects = chart.render_profile(profile)
    covered = []
    for budget in chart.of_kind(objects, "PodDisruptionBudget"):
        selector = budget["spec"]["selector"]
        covered += [name for name, labels in pod_labels(objects).items() if chart.matches(selector, labels)]
        assert len({"maxUnavailable", "minAvailable"} & budget["spec"].keys()) == 1
    wanted = [f"{one['kind']} {one['metadata']['name']}" for one in objects if of_understudy(one)]
    assert sorted(name for name in covered if name in wanted) == sorted(wanted)
    assert len(covered) == len(set(covered))


def of_understudy(one: chart.Object) -> bool:
    """Whether it is the deployment of a component."""
    return one["kind"] == "Deployment" and chart.component_of(one) in chart.COMPONENTS


@PROFILES
def test_an_autoscaler_has_a_deployment_without_a_number_of_its_own(profile: str) -> None:
    objects = chart.render_profile(profile)
    scaled = set()
    for one in chart.of_kind(objects, "HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        deployment = chart.named(objects, target["kind"], target["name"])
        assert target["apiVersion"] == deployment["apiVersion"]
        assert "replicas" not in deployment["spec"]
        assert one["spec"]["minReplicas"] >= 2
        assert chart.component_of(deployment) in {"ingest", "egress"}
        scaled.add(target["name"])
    for one in chart.of_kind(objects, "Deployment"):
        assert ("replicas" in one["spec"]) != (one["metadata"]["name"] in scaled)


@PROFILES
def test_a_rolling_update_starts_a_pod_before_it_ends_one(profile: str) -> None:
    for one in chart.render_profile(profile):
        if of_understudy(one):
            assert one["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_there_is_more_than_one_of_each_service_unless_told_otherwise() -> None:
    deployments = [one for one in chart.render_profile("production") if of_understudy(one)]
    assert {chart.component_of(one): one["spec"]["replicas"] for one in deployments} == dict.fromkeys(
        chart.COMPONENTS, 2
    )


@PROFILES
def test_a_service_account_is_there_and_mounts_no_token(profile: str) -> None:
    objects = chart.render_profile(profile)
    accounts = {one["metadata"]["name"]: one for one in chart.of_kind(objects, "ServiceAccount")}
    assert all(one["automountServiceAccountToken"] is False for one in accounts.values())
    used = {pod["spec"].get("serviceAccountName", "default") for _, pod in chart.pod_templates(objects)}
    assert used - {"default"} == set(accounts)


@PROFILES
def test_nothing_names_a_namespace_of_its_own(profile: str) -> None:
    here = chart.render_profile(profile, namespace="tv")
    there = chart.render_profile(profile, namespace="elsewhere")
    for one in here:
        assert one["metadata"].get("namespace") == (None if one["kind"] in NO_NAMESPACE else "tv"), chart.identity(one)
    assert [chart.identity(one) for one in there] == [
        (kind, "elsewhere" if namespace else "", name) for kind, namespace, name in map(chart.identity, here)
    ]


@PROFILES
@pytest.mark.parametrize("release", [LONG, LONG[:40], LONG_WITH_CHART, "understudy", "a"])
def test_names_and_labels_fit_whatever_the_release_is_called(profile: str, release: str) -> None:
    for one in chart.render_profile(profile, release=release):
        assert re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", one["metadata"]["name"]), one["metadata"]["name"]
        for value in one["metadata"]["labels"].values():
            assert re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?", value), value


@pytest.mark.parametrize("profile", [name for name in chart.profiles() if name != "everything"])
@pytest.mark.parametrize("others", [("one", "two"), (f"{LONG[:-1]}a", f"{LONG[:-1]}b")])
def test_two_releases_in_one_namespace_leave_each_other_alone(profile: str, others: tuple[str, str]) -> None:
    first, second = (chart.render_profile(profile, release=release) for release in others)
    assert not {chart.identity(one) for one in first} & {chart.identity(one) for one in second}
    strangers = list(pod_labels(second).values())
    for one, selector in selectors(first):
        assert not any(chart.matches(selector, labels) for labels in strangers), chart.identity(one)


def selectors(objects: tuple[chart.Object, ...]) -> Iterator[tuple[chart.Object, dict[str, Any]]]:
    """Each object that selects pods, with its selector."""
    for one in objects:
        spec = one.get("spec", {})
        match one["kind"]:
            case "Service":
                yield one, {"matchLabels": spec["selector"]}
            case "NetworkPolicy":
                yield one, spec["podSelector"]
            case "Deployment" | "StatefulSet" | "PodDisruptionBudget" | "ServiceMonitor":
                yield one, spec["selector"]
            case _:
                pass


@PROFILES
def test_a_secret_that_is_used_is_made_here_or_named_in_values(profile: str) -> None:
    objects = chart.render_profile(profile)
    made = {one["metadata"]["name"] for one in objects if one["kind"] in {"Secret", "ConfigMap"}}
    named = set(_strings(chart.profile_values(profile)))
    for owner, pod in chart.pod_templates(objects):
        for name in _references(pod):
            assert name in made | named, f"{owner} uses {name}"


def _references(node: Any) -> Iterator[str]:
    """Names of the secrets and config maps that a pod uses."""
    if isinstance(node, dict):
        for key, value in node.items():
            match key:
                case "secretKeyRef" | "configMapKeyRef" | "secretRef" | "configMapRef":
                    yield value["name"]
                case "secret" if "secretName" in value:
                    yield value["secretName"]
                case "configMap" if "name" in value:
                    yield value["name"]
                case "secret" | "configMap":
                    yield value["name"]
                case _:
                    pass
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
    elif isinstance(node, str):
        yield node


def pod_ports(pod: chart.Object) -> list[chart.Object]:
    """The ports of all containers of a pod."""
    return [port for container in chart.containers(pod) for port in container.get("ports", [])]
