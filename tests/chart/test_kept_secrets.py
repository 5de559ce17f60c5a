"""Secrets that the chart makes: once, at the first installation, and never again while the cluster has them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from support import chart
from support.pods.environment import content_of, environment_of
from support.pods.manifests import Manifests
from support.pods.volumes import Volumes
from understudy_domain.cdn_authorization import parse_secret
from understudy_runtime.access_keys import parse_access_keys

PRODUCTION = {
    "nats": {"url": "nats://nats:4222"},
    "s3": {"bucket": "media"},
    "declared": {"channels": [{"id": "news"}], "credentials": {"generated": True}},
    "egress": {"cdnSecrets": {"generated": ["cdn-news"]}},
}
EVALUATION = {"evaluation": {"enabled": True}}
both = pytest.mark.parametrize("values", [PRODUCTION, EVALUATION], ids=["production", "evaluation"])

MADE = {
    "production": {"access-keys", "ingest-credentials", "cdn-secrets"},
    "evaluation": {"access-keys", "ingest-credentials", "evaluation-nats", "evaluation-s3"},
}


def secrets(objects: tuple[chart.Object, ...]) -> dict[str, dict[str, bytes]]:
    """What each secret holds, by the name of the secret without the release's."""
    found = Manifests(objects)
    names = [one["metadata"]["name"] for one in chart.of_kind(objects, "Secret")]
    return {name.removeprefix("live-understudy-"): content_of(found, "Secret", name) or {} for name in names}


@pytest.mark.parametrize(("values", "profile"), [(PRODUCTION, "production"), (EVALUATION, "evaluation")])
def test_a_first_installation_makes_them(values: dict[str, Any], profile: str) -> None:
    made = secrets(chart.render(values))
    assert set(made) == MADE[profile]
    assert all(len(value) >= 16 for held in made.values() for value in held.values())


@both
def test_two_installations_share_none(values: dict[str, Any]) -> None:
    first = chart.render(values, release="live")
    second = chart.render(values, release="other")
    values_of = [
        {value for one in chart.of_kind(objects, "Secret") for value in one["data"].values()}
        for objects in (first, second)
    ]
    assert values_of[0].isdisjoint(values_of[1])


@both
def test_an_upgrade_changes_nothing(values: dict[str, Any]) -> None:
    installed = chart.render(values)
    assert chart.upgrade(values, installed=installed) == installed


@both
def test_without_a_cluster_to_ask_each_rendering_would_have_new_ones(values: dict[str, Any]) -> None:
    # That is what docs/operations/install.md warns of: Argo CD, helm template.
    assert secrets(chart.upgrade(values, installed=())) != secrets(chart.render(values))


def test_a_channel_that_joins_gets_credentials_and_the_others_keep_theirs() -> None:
    installed = chart.render(PRODUCTION)
    more = {
        **PRODUCTION,
        "declared": {"channels": [{"id": "news"}, {"id": "sport"}], "credentials": {"generated": True}},
    }
    before, after = (
        secrets(one)["ingest-credentials"] for one in (installed, chart.upgrade(more, installed=installed))
    )
    assert before.items() <= after.items()
    assert set(after) - set(before) == {f"sport-{n}-{what}" for n in (1, 2) for what in ("username", "password")}


def test_a_key_that_somebody_added_stays() -> None:
    installed = chart.render(PRODUCTION)
    held = chart.named(installed, "Secret", "live-understudy-access-keys")
    file = json.loads(base64.b64decode(held["data"]["access-keys.yaml"]))
    file["keys"].append({"access_key_id": "AKIAMINE", "secret_access_key": "at-least-16-characters"})
    edited = {
        **held,
        "data": {**held["data"], "access-keys.yaml": base64.b64encode(json.dumps(file).encode()).decode()},
    }
    after = secrets(chart.upgrade(PRODUCTION, installed=(edited,)))["access-keys"]
    assert "AKIAMINE" in parse_access_keys(after["access-keys.yaml"], name="access-keys.yaml")


def test_the_key_that_is_made_is_one_that_the_control_api_takes() -> None:
    held = secrets(chart.render(EVALUATION))["access-keys"]
    ((key_id, key),) = parse_access_keys(held["access-keys.yaml"], name="access-keys.yaml").items()
    assert key_id.encode() == held["access-key-id"]
    assert key.secret_access_key.get_secret_value().encode() == held["secret-access-key"]
    assert not key.read_only


def test_they_outlive_a_release_whose_data_does() -> None:
    def policies(values: dict[str, Any]) -> set[str | None]:
        made = chart.of_kind(chart.render(values), "Secret")
        return {one["metadata"].get("annotations", {}).get("helm.sh/resource-policy") for one in made}

    assert policies(PRODUCTION) == {"keep"}
    assert policies(EVALUATION) == {None}


def test_what_exists_is_used_instead() -> None:
    values = {
        **PRODUCTION,
        "controller": {"accessKeys": {"existingSecret": "my-keys"}},
        "declared": {"existingSecret": "my-channels"},
        "egress": {"cdnSecrets": {"existingSecret": "my-cdns"}},
    }
    objects = chart.render(values)
    assert chart.of_kind(objects, "Secret") == []
    mounted = json.dumps([pod["spec"].get("volumes") for _, pod in chart.pod_templates(objects)])
    assert all(name in mounted for name in ("my-keys", "my-channels", "my-cdns"))


def test_egress_finds_what_is_made_for_a_cdn_and_what_there_was_in_one_folder(tmp_path: Path) -> None:
    values = {**PRODUCTION, "egress": {"cdnSecrets": {"existingSecret": "mine", "generated": ["cdn-news"]}}}
    mine = {"kind": "Secret", "metadata": {"name": "mine"}, "stringData": {"MediaPackage.cdn": "an-identifier"}}
    manifests = Manifests(chart.render(values), existing=[mine])
    (pod,) = (one for one in manifests.pods(replicas_max=1) if one.labels["app.kubernetes.io/component"] == "egress")
    volumes = Volumes(manifests, pod, tmp_path, claims=tmp_path)
    volumes.lay_out(str)
    variables = environment_of(manifests, pod, pod.containers[0], address="127.0.0.9")
    folder = volumes.mounts(pod.containers[0])[variables["UNDERSTUDY_SECRETS_DIRECTORY"]]
    assert parse_secret((folder / "MediaPackage.cdn").read_bytes()) == (b"an-identifier",)
    (made,) = parse_secret((folder / "cdn-news").read_bytes())
    assert len(made) == 40
