"""Channels and origin endpoints in values: the file that controllers read of them is one that they take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support import chart
from support.pods.manifests import Manifests, Pod
from support.pods.volumes import Volumes
from understudy_controller.declare.__main__ import main as declare
from understudy_controller.declare.declaration import Declaration
from understudy_controller.declare.files import read_declared

OUTSIDE = {"nats": {"url": "nats://nats:4222"}, "s3": {"bucket": "media"}}
NEWS: dict[str, Any] = {"id": "news"}
NEWS_HLS = {"id": "news-hls", "channelId": "news", "startoverWindowSeconds": 1_209_600, "hlsPackage": {}}


def rendered(**declared: Any) -> tuple[chart.Object, ...]:
    return chart.render({**OUTSIDE, "declared": declared})


def test_a_channel_may_say_null_for_what_it_leaves_out() -> None:
    objects = rendered(channels=[{**NEWS, "hlsIngest": None}])
    assert chart.named(objects, "ConfigMap", "live-understudy-declared")


def mounted(objects: tuple[chart.Object, ...], folder: Path, *existing: chart.Object) -> Path:
    """The folder of declared resources as a controller's pod has it."""
    manifests = Manifests(objects, existing=existing)
    template = chart.named(objects, "Deployment", "live-understudy-controller")["spec"]["template"]
    pod = Pod("controller", template["metadata"]["labels"], template["spec"])
    volumes = [one for one in template["spec"]["volumes"] if one["name"] == "declared"]
    laid_out = Volumes(manifests, Pod(pod.name, pod.labels, {**pod.spec, "volumes": volumes}), folder, claims=folder)
    laid_out.lay_out(str)
    return laid_out.folder("declared")


def declaration(objects: tuple[chart.Object, ...], folder: Path, *existing: chart.Object) -> Declaration:
    """What a controller would read, with the files of secrets."""
    read = read_declared(mounted(objects, folder, *existing) / "declared.yaml", with_secrets=True)
    assert read.declaration is not None, read.invalid
    return read.declaration


@pytest.mark.parametrize("profile", chart.profiles())
def test_what_a_profile_declares_passes_the_check(profile: str, tmp_path: Path) -> None:
    objects = chart.render_profile(profile)
    for one in objects:
        text: dict[str, str] = one.get("data") or one.get("stringData") or {}
        if "declared.yaml" in text:
            path = tmp_path / "declared.yaml"
            path.write_text(text["declared.yaml"])
            assert declare([str(path), "--check"]) == 0


def test_values_come_through_as_they_were_written(tmp_path: Path) -> None:
    objects = rendered(channels=[{**NEWS, "tags": {"year": "2026", "yes": "no"}}], originEndpoints=[NEWS_HLS])
    found = declaration(objects, tmp_path)
    assert found.channels["news"].request.tags == {"year": "2026", "yes": "no"}
    assert found.origin_endpoints["news-hls"].request.startover_window_seconds == 1_209_600


def test_what_the_api_would_refuse_is_refused_at_once() -> None:
    with pytest.raises(chart.ChartRefused, match="/declared/originEndpoints/0/timeDelaySeconds"):
        rendered(channels=[NEWS], originEndpoints=[{**NEWS_HLS, "timeDelaySeconds": -1}])


def test_what_the_schema_does_not_know_is_refused_by_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objects = rendered(channels=[NEWS], originEndpoints=[{**NEWS_HLS, "guid": "not one"}])
    assert declare([str(mounted(objects, tmp_path) / "declared.yaml"), "--check"]) == 1
    assert "origin endpoint news-hls: guid" in capsys.readouterr().err


def test_credentials_that_are_made_are_found_where_the_file_names_them(tmp_path: Path) -> None:
    found = declaration(rendered(channels=[NEWS], credentials={"generated": True}), tmp_path)
    first, second = found.channels["news"].pairs
    assert first is not None
    assert second is not None
    assert len({first.username, first.password, second.username, second.password}) == 4


def test_credentials_of_a_secret_of_ones_own_are_found_too(tmp_path: Path) -> None:
    pair = {"usernameFile": "news-name", "passwordFile": "news-word"}
    objects = rendered(
        channels=[{**NEWS, "hlsIngest": {"ingestEndpoints": [pair, {}]}}], credentials={"existingSecret": "mine"}
    )
    mine = {"kind": "Secret", "metadata": {"name": "mine"}, "stringData": {"news-name": "one", "news-word": "secret"}}
    first, second = declaration(objects, tmp_path, mine).channels["news"].pairs
    assert first is not None
    assert (first.username, first.password, second) == ("one", "secret", None)


def test_a_file_with_a_password_in_it_is_a_secret() -> None:
    endpoints = [{"username": "one", "password": "in-the-file"}, {}]
    with_it = rendered(channels=[{**NEWS, "hlsIngest": {"ingestEndpoints": endpoints}}])
    assert "in-the-file" in chart.named(with_it, "Secret", "live-understudy-declared")["stringData"]["declared.yaml"]
    assert not [one for one in chart.of_kind(with_it, "ConfigMap") if "in-the-file" in str(one)]
    assert chart.named(rendered(channels=[NEWS]), "ConfigMap", "live-understudy-declared")


def test_another_declaration_replaces_no_pod() -> None:
    pods = [
        chart.pod_templates(rendered(channels=channels, originEndpoints=[NEWS_HLS]))
        for channels in ([NEWS], [{**NEWS, "description": "changed"}, {"id": "sport"}])
    ]
    assert pods[0] == pods[1]


def test_where_nothing_is_declared_there_is_no_file_unless_it_is_for_pruning() -> None:
    def variables(values: dict[str, Any]) -> set[str]:
        pod = chart.named(chart.render(values), "Deployment", "live-understudy-controller")["spec"]["template"]
        return {one["name"] for one in pod["spec"]["containers"][0]["env"]}

    assert "UNDERSTUDY_DECLARED_FILE" not in variables(OUTSIDE)
    pruning = {**OUTSIDE, "controller": {"config": {"declaredPrune": True}}}
    assert "UNDERSTUDY_DECLARED_FILE" in variables(pruning)
    file = chart.named(chart.render(pruning), "ConfigMap", "live-understudy-declared")["data"]["declared.yaml"]
    assert '"channels": []' in file
