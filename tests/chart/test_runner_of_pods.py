"""What runs rendered pods as processes refuses what a cluster would not start, and translates no more than it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.pods.environment import environment_of, expanded
from support.pods.manifests import Manifest, Manifests, Pod
from support.pods.translation import Network, command_of
from support.pods.volumes import Volumes

LABELS = {"app": "ingest"}
SERVICE = {
    "kind": "Service",
    "metadata": {"name": "live-ingest"},
    "spec": {"selector": LABELS, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
}
SECRET = {"kind": "Secret", "metadata": {"name": "login"}, "data": {"user": "bmV3cw=="}}
CONTAINER: Manifest = {
    "name": "ingest",
    "image": "understudy-ingest:1",
    "ports": [{"name": "http", "containerPort": 8080}],
}


def pod(**spec: Any) -> Pod:
    return Pod("ingest-0", LABELS, {"containers": [CONTAINER], **spec})


def variables(*rendered: Manifest, env: list[Manifest], env_from: list[Manifest] | None = None) -> dict[str, str]:
    container = {**CONTAINER, "env": env, "envFrom": env_from or []}
    return environment_of(Manifests(rendered), pod(), container, address="127.1.1.1")


def from_secret(key: str, *, name: str = "login", **more: Any) -> Manifest:
    return {"name": "USER", "valueFrom": {"secretKeyRef": {"name": name, "key": key, **more}}}


def network(*rendered: Manifest, of: Pod | None = None) -> Network:
    return Network(Manifests(rendered), [of or pod()], outside={"nats.example.com:4222": "127.0.0.1:9"})


def test_a_variable_is_what_the_secret_holds() -> None:
    assert variables(SECRET, env=[from_secret("user")]) == {"USER": "news"}
    assert variables(SECRET, env=[], env_from=[{"secretRef": {"name": "login"}, "prefix": "NATS_"}]) == {
        "NATS_user": "news"
    }


@pytest.mark.parametrize("missing", [from_secret("password"), from_secret("user", name="other")])
def test_a_pod_whose_secret_or_key_is_missing_never_starts(missing: Manifest) -> None:
    with pytest.raises(AssertionError, match="would never start"):
        variables(SECRET, env=[missing])
    (source,) = missing["valueFrom"].values()
    assert variables(SECRET, env=[from_secret(source["key"], name=source["name"], optional=True)]) == {}


def test_a_value_that_is_no_string_is_refused() -> None:
    with pytest.raises(AssertionError, match="no string"):
        variables(env=[{"name": "UNDERSTUDY_SHARDS", "value": 16}])


def test_variables_are_put_in_as_kubernetes_does_it() -> None:
    found = variables(SECRET, env=[from_secret("user"), {"name": "URL", "value": "nats://$(USER)@$(NOBODY)/$$(USER)"}])
    assert found["URL"] == "nats://news@$(NOBODY)/$(USER)"
    assert expanded("$(A)$(A)", {"A": "1"}) == "11"


def test_names_of_services_lead_to_the_port_of_a_pod_that_they_select() -> None:
    found = network(SERVICE)
    at = f"{found.address(pod())}:8080"
    for name in ("live-ingest:80", "live-ingest.tv:80", "live-ingest.tv.svc:80", "live-ingest.tv.svc.cluster.local:80"):
        assert found.names(f"http://{name}/in") == f"http://{at}/in"
    assert found.names("http://live-ingest/in") == f"http://{at}/in"
    assert found.names("nats.example.com:4222") == "127.0.0.1:9"


@pytest.mark.parametrize(
    "name", ["live-ingest:81", "live-ingest:8080", "my-live-ingest:80", "live-ingest.other.svc:80"]
)
def test_a_name_or_a_port_that_the_service_does_not_have_leads_nowhere(name: str) -> None:
    assert network(SERVICE).names(name) == name


def test_a_service_that_selects_nothing_or_names_no_port_of_its_pod_is_found_out() -> None:
    with pytest.raises(AssertionError, match="selects no pod"):
        network({**SERVICE, "spec": {**SERVICE["spec"], "selector": {"app": "egress"}}}).endpoint("live-ingest", 80)  # type: ignore[dict-item]
    ports = [{"port": 80, "targetPort": "web"}]
    with pytest.raises(AssertionError, match="no container of pod ingest-0 has a port named web"):
        network({**SERVICE, "spec": {"selector": LABELS, "ports": ports}}).endpoint("live-ingest", 80)


def test_paths_that_are_mounted_lead_to_folders_and_others_stay(tmp_path: Path) -> None:
    found = network().translate("-dir=/data/x /database /data -bind=0.0.0.0", pod(), {"/data": tmp_path})
    assert found == f"-dir={tmp_path}/x /database {tmp_path} -bind={network_address(found)}"


def network_address(text: str) -> str:
    """The pod's, which is drawn by lot."""
    address = text.rpartition("=")[2]
    assert address.startswith("127.")
    assert not address.startswith("127.0.")
    return address


def test_volumes_are_laid_out_with_the_keys_that_are_named(tmp_path: Path) -> None:
    items = [{"key": "user", "path": "name"}]
    with_secret = pod(volumes=[{"name": "login", "secret": {"secretName": "login", "items": items}}])
    volumes = Volumes(Manifests([SECRET]), with_secret, tmp_path, claims=tmp_path)
    volumes.lay_out(str.upper)
    assert (volumes.folder("login") / "name").read_text() == "NEWS"
    mounts = {**CONTAINER, "volumeMounts": [{"name": "login", "mountPath": "/etc/login"}]}
    assert volumes.mounts(mounts) == {"/etc/login": volumes.folder("login")}


@pytest.mark.parametrize(
    ("volume", "complaint"),
    [
        ({"name": "v", "secret": {"secretName": "login", "items": [{"key": "word", "path": "w"}]}}, "has no key word"),
        ({"name": "v", "configMap": {"name": "other"}}, "no ConfigMap other"),
        ({"name": "v", "persistentVolumeClaim": {"claimName": "data"}}, "no PersistentVolumeClaim data"),
    ],
)
def test_a_volume_of_what_is_not_there_is_found_out(tmp_path: Path, volume: Manifest, complaint: str) -> None:
    volumes = Volumes(Manifests([SECRET]), pod(volumes=[volume]), tmp_path, claims=tmp_path)
    with pytest.raises(AssertionError, match=complaint):
        volumes.lay_out(str)


def test_a_mount_without_a_volume_is_found_out(tmp_path: Path) -> None:
    volumes = Volumes(Manifests([]), pod(), tmp_path, claims=tmp_path)
    with pytest.raises(AssertionError, match="which it does not have"):
        volumes.mounts({**CONTAINER, "volumeMounts": [{"name": "data", "mountPath": "/data"}]})


def test_programs_are_those_of_the_images() -> None:
    assert command_of(CONTAINER)[1:] == ["-m", "understudy_ingest"]
    assert command_of({"image": "docker.io/library/nats:2.15.1", "args": ["-js"]})[0].endswith("/nats-server")
    with pytest.raises(AssertionError, match="nothing is known of an image busybox"):
        command_of({"image": "busybox:1"})
    with pytest.raises(AssertionError, match="no image has a program sh"):
        command_of({**CONTAINER, "command": ["/bin/sh", "-c", "true"]})
