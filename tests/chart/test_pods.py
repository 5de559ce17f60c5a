"""Every pod of every profile keeps to the restricted standard, says what it needs, and can be watched and ended."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from support import chart

RENDERED = [
    (f"{profile}: {name}", pod)
    for profile in chart.profiles()
    for name, pod in chart.pod_templates(chart.render_profile(profile))
]
PODS = [pytest.param(pod, id=name) for name, pod in RENDERED]
SERVICES = [pytest.param(pod, id=name) for name, pod in RENDERED if chart.is_service(pod)]
KEEPERS = [
    pytest.param(
        name,
        pod,
        {one["metadata"]["name"] for one in objects if one["kind"] in {"Secret", "ConfigMap"}},
        id=f"{profile}: {name}",
    )
    for profile in chart.profiles()
    if (objects := chart.render_profile(profile))
    for name, pod in chart.pod_templates(objects)
    if not name.startswith("Pod ")  # those of `helm test` begin when they are asked to
]

WRITABLE = {"logs": "the access log of the profile that sets everything"}
"""The volumes that a service may write to, and what for."""


@pytest.mark.parametrize("pod", PODS)
def test_a_pod_keeps_to_the_restricted_standard(pod: chart.Object) -> None:
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    seccomp = spec["securityContext"]["seccompProfile"]
    assert seccomp == {"type": "RuntimeDefault"} or seccomp["localhostProfile"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    assert not [volume for volume in spec.get("volumes", []) if "hostPath" in volume]
    for container in chart.containers(pod):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        # What a container says for itself wins over its pod.
        assert not {"privileged", "runAsUser", "runAsNonRoot", "seccompProfile"} & context.keys()
        assert not [port for port in container.get("ports", []) if "hostPort" in port or port["containerPort"] < 1024]


@pytest.mark.parametrize("pod", PODS)
def test_a_pod_has_no_token_and_no_variables_of_services(pod: chart.Object) -> None:
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["enableServiceLinks"] is False
    sources = [
        one for volume in pod["spec"].get("volumes", []) for one in volume.get("projected", {}).get("sources", [])
    ]
    assert not [one for one in sources if "serviceAccountToken" in one]


@pytest.mark.parametrize("pod", PODS)
def test_a_container_says_what_it_needs_and_where_its_memory_ends(pod: chart.Object) -> None:
    for container in chart.containers(pod):
        requests, limits = container["resources"]["requests"], container["resources"]["limits"]
        assert 0 < quantity(requests["memory"]) <= quantity(limits["memory"])
        assert 0 < quantity(requests["cpu"]) <= quantity(limits.get("cpu", "1000"))


@pytest.mark.parametrize("pod", PODS)
def test_an_image_has_a_version(pod: chart.Object) -> None:
    for container in chart.containers(pod):
        name, _, version = container["image"].rpartition(":")
        assert name
        assert version
        assert version != "latest"


@pytest.mark.parametrize("pod", PODS)
def test_what_is_mounted_is_there_and_what_is_there_is_mounted(pod: chart.Object) -> None:
    volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
    # Volumes that a StatefulSet claims for each of its pods are not in the pod's own list.
    claimed = {volume["name"] for volume in pod.get("claims", [])}
    mounts = [mount for container in chart.containers(pod) for mount in container.get("volumeMounts", [])]
    assert {mount["name"] for mount in mounts} == volumes | claimed
    for container in chart.containers(pod):
        paths = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        assert len(paths) == len(set(paths))


@pytest.mark.parametrize("pod", PODS)
def test_what_is_mounted_follows_its_secret(pod: chart.Object) -> None:
    mounts = [mount for container in chart.containers(pod) for mount in container.get("volumeMounts", [])]
    # A single file of a secret stays as it was when the pod began; a folder does not.
    assert not [mount for mount in mounts if "subPath" in mount or "subPathExpr" in mount]


@pytest.mark.parametrize(("owner", "pod", "made"), KEEPERS)
def test_a_pod_is_replaced_when_a_secret_changes_that_it_reads_at_its_start(
    owner: str, pod: chart.Object, made: set[str]
) -> None:
    sources = [
        one["valueFrom"]
        for container in chart.containers(pod)
        for one in container.get("env", [])
        if "valueFrom" in one
    ]
    names = {ref["name"] for source in sources for ref in source.values() if "name" in ref}
    sums = [key for key in pod["metadata"].get("annotations", {}) if key.startswith("checksum/")]
    assert bool(sums) or not names & made, owner


@pytest.mark.parametrize("pod", SERVICES)
def test_a_service_can_write_nowhere(pod: chart.Object) -> None:
    kinds = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
    for container in chart.containers(pod):
        for mount in container.get("volumeMounts", []):
            allowed = mount.get("readOnly") is True or mount["name"] in WRITABLE
            assert allowed, f"{kinds[mount['name']]} can be written to"


@pytest.mark.parametrize("pod", SERVICES)
def test_a_service_is_looked_after(pod: chart.Object) -> None:
    (container,) = pod["spec"]["containers"]
    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {name: one["path"] for name, one in asked.items()} == {
        "startup": "/readyz",
        # What a service depends on may be away for long, and no restart brings it back.
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    ports = {port["name"] for port in container["ports"]}
    assert {one["port"] for one in asked.values()} <= ports
    startup, liveness = container["startupProbe"], container["livenessProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 60
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 30


@pytest.mark.parametrize("pod", SERVICES)
def test_a_service_ends_within_its_grace(pod: chart.Object) -> None:
    (container,) = pod["spec"]["containers"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    takes = float(told["UNDERSTUDY_DRAIN_DELAY_SECONDS"]) + float(told["UNDERSTUDY_DRAIN_SECONDS"])
    assert pod["spec"]["terminationGracePeriodSeconds"] >= takes + 15
    # A pod goes on being sent requests for moments after its SIGTERM.
    assert float(told["UNDERSTUDY_DRAIN_DELAY_SECONDS"]) >= 5
    # There is no shell in the images that could wait.
    assert "lifecycle" not in container


@pytest.mark.parametrize("pod", SERVICES)
def test_a_service_runs_its_own_program_on_the_port_that_it_names(pod: chart.Object) -> None:
    (container,) = pod["spec"]["containers"]
    assert container["name"] == chart.component_of(pod)
    assert container["command"] == ["python", "-P", "-m", f"understudy_{container['name']}"]
    told = {one["name"]: one.get("value") for one in container["env"]}
    assert [port["containerPort"] for port in container["ports"]] == [int(told["UNDERSTUDY_LISTEN_PORT"])]


@pytest.mark.parametrize("pod", SERVICES)
def test_pods_of_a_service_are_spread(pod: chart.Object) -> None:
    rules = {one["topologyKey"]: one for one in pod["spec"]["topologySpreadConstraints"]}
    # An input that has pods of its own keeps them together: see test_split.py.
    zone = set() if "understudy/input" in pod["metadata"]["labels"] else {"topology.kubernetes.io/zone"}
    assert set(rules) == {"kubernetes.io/hostname"} | zone
    for rule in rules.values():
        assert chart.matches(rule["labelSelector"], pod["metadata"]["labels"])


def quantity(text: str | float) -> Decimal:
    """Kubernetes' quantity as a number."""
    found = re.fullmatch(r"([0-9.]+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?", str(text))
    assert found is not None, text
    units = {"m": Decimal("0.001")} | {unit: Decimal(1000) ** power for power, unit in enumerate("kMGT", 1)}
    units |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGT", 1)}
    return Decimal(found[1]) * units.get(found[2] or "", Decimal(1))
