"""Values that are no settings of a service stand where Kubernetes looks for them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from support import chart

VALUES = chart.profile_values("everything")
OBJECTS = chart.render_profile("everything")
VERSION = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["appVersion"]
each_component = pytest.mark.parametrize("component", chart.COMPONENTS)


def of(kind: str, component: str) -> chart.Object:
    """An object of a component; of ingest, which is split there, that of input 1 where each input has one."""
    found = [one for one in chart.of_kind(OBJECTS, kind) if chart.component_of(one) == component]
    return next((one for one in found if one["metadata"]["labels"].get("understudy/input") == "1"), found[0])


@each_component
def test_values_of_a_deployment(component: str) -> None:
    spec, values = of("Deployment", component)["spec"], VALUES[component]
    assert spec["minReadySeconds"] == values["minReadySeconds"]
    assert spec["revisionHistoryLimit"] == VALUES["revisionHistoryLimit"]
    if component in {"controller", "harvester"}:
        assert spec["replicas"] == values["replicas"]


@each_component
def test_values_of_a_pod(component: str) -> None:
    template, values = of("Deployment", component)["spec"]["template"], VALUES[component]
    metadata, spec = template["metadata"], template["spec"]
    assert metadata["annotations"].items() >= values["podAnnotations"].items()
    assert metadata["labels"].items() >= (values["podLabels"] | VALUES["commonLabels"]).items()
    assert spec["terminationGracePeriodSeconds"] == values["terminationGracePeriodSeconds"]
    assert spec["priorityClassName"] == values["priorityClassName"]
    assert spec["nodeSelector"].items() >= values["nodeSelector"].items()
    assert spec["tolerations"] == values["tolerations"]
    assert spec["affinity"].items() >= values["affinity"].items()
    assert spec["imagePullSecrets"] == VALUES["imagePullSecrets"]
    assert spec["serviceAccountName"] == values["serviceAccount"]["name"]
    assert spec["securityContext"].items() >= VALUES["podSecurityContext"].items()
    assert {one["whenUnsatisfiable"] for one in spec["topologySpreadConstraints"]} == {"DoNotSchedule"}


@each_component
def test_values_of_a_container(component: str) -> None:
    (container,) = of("Deployment", component)["spec"]["template"]["spec"]["containers"]
    values = VALUES[component]
    assert (
        container["image"]
        == f"{VALUES['image']['registry']}/{values['image']['repository']}@{values['image']['digest']}"
    )
    assert container["imagePullPolicy"] == VALUES["image"]["pullPolicy"]
    assert container["resources"] == values["resources"]
    assert [one for one in values["extraEnv"] if one not in container["env"]] == []
    assert [one for one in values["extraVolumeMounts"] if one not in container["volumeMounts"]] == []
    for name in ("startup", "liveness", "readiness"):
        probe = {key: value for key, value in container[f"{name}Probe"].items() if key != "httpGet"}
        assert probe == values["probes"][name]


@each_component
def test_values_of_a_service_and_its_account(component: str) -> None:
    service, values = of("Service", component), VALUES[component]["service"]
    assert service["metadata"]["annotations"].items() >= values["annotations"].items() or component == "ingest"
    for key in ("type", "loadBalancerClass", "loadBalancerSourceRanges", "externalTrafficPolicy"):
        assert service["spec"][key] == values[key]
    assert [port["port"] for port in service["spec"]["ports"]] == [values["port"]]
    account = of("ServiceAccount", component)
    assert account["metadata"]["annotations"] == VALUES[component]["serviceAccount"]["annotations"]


@each_component
def test_values_of_a_disruption_budget(component: str) -> None:
    spec = of("PodDisruptionBudget", component)["spec"]
    assert spec["minAvailable"] == VALUES[component]["pdb"]["minAvailable"]
    # A pod that does not work must not keep a node from being drained.
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize("component", ["ingest", "egress"])
def test_values_of_an_autoscaler(component: str) -> None:
    spec, values = of("HorizontalPodAutoscaler", component)["spec"], VALUES[component]["autoscaling"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (values["minReplicas"], values["maxReplicas"])
    (metric,) = spec["metrics"]
    assert metric["resource"]["target"]["averageUtilization"] == values["targetCPUUtilizationPercentage"]
    assert spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == values["scaleDownStabilizationSeconds"]


@each_component
def test_a_role_for_s3_is_on_the_account_of_every_component(component: str) -> None:
    accounts = chart.of_kind(chart.render_profile("production-three-zones"), "ServiceAccount")
    (account,) = (one for one in accounts if chart.component_of(one) == component)
    role: dict[str, Any] = chart.profile_values("production-three-zones")["s3"]["serviceAccountAnnotations"]
    assert account["metadata"]["annotations"] == role


@pytest.mark.parametrize(
    ("image", "own", "expected"),
    [
        ({}, {}, f"understudy-egress:{VERSION}"),
        ({"tag": "1.0"}, {}, "understudy-egress:1.0"),
        ({"tag": "1.0"}, {"tag": "1.1"}, "understudy-egress:1.1"),
        ({"registry": "registry.example.com/live/"}, {}, f"registry.example.com/live/understudy-egress:{VERSION}"),
    ],
)
def test_which_image_is_run(image: dict[str, str], own: dict[str, str], expected: str) -> None:
    values = chart.profile_values("production") | {"image": image, "egress": {"image": own}}
    deployment = chart.named(chart.render(values), "Deployment", "live-understudy-egress")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == expected


def test_a_shared_setting_holds_unless_a_component_says_otherwise() -> None:
    values = chart.profile_values("production")
    values |= {"config": {"logLevel": "ERROR"}, "egress": {"config": {"logLevel": "DEBUG"}}}
    found = {
        chart.component_of(pod): {one["name"]: one.get("value") for one in pod["spec"]["containers"][0]["env"]}
        for _, pod in chart.pod_templates(chart.render(values))
        if chart.is_service(pod)
    }
    levels = {name: variables["UNDERSTUDY_LOG_LEVEL"] for name, variables in found.items()}
    assert levels == {"ingest": "ERROR", "controller": "ERROR", "harvester": "ERROR", "egress": "DEBUG"}


def test_limits_and_where_pods_go_may_be_taken_away() -> None:
    nothing: dict[str, Any] = {"resources": {"limits": None}, "affinity": None, "nodeSelector": None}
    ingest = {**nothing, "split": {"enabled": True}}
    values = {"nats": {"url": "nats://nats:4222"}, "s3": {"bucket": "media"}, "ingest": ingest, "egress": nothing}
    objects = chart.render(values)
    for name in ("live-understudy-ingest-1", "live-understudy-egress"):
        spec = chart.named(objects, "Deployment", name)["spec"]["template"]["spec"]
        assert "limits" not in spec["containers"][0]["resources"]
        assert "nodeSelector" not in spec
    assert chart.render({**values, "egress": {"resources": {"limits": {"memory": None}}}})


def test_names_of_digits_alone_are_text() -> None:
    values = {**chart.profile_values("everything"), "fullnameOverride": "live"}
    for one in chart.render(values, release="2026", namespace="7"):
        metadata = one["metadata"]
        assert (metadata["namespace"], metadata["labels"]["app.kubernetes.io/instance"]) == ("7", "2026")
