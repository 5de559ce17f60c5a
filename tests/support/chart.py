"""The Helm chart, rendered by the real Helm engine; each rendering is made once in a run of the tests."""

from __future__ import annotations

import copy
import functools
import importlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from support import kubernetes_api

CHART: Final = Path(__file__).parents[2] / "deploy" / "helm" / "understudy"
PROFILES: Final = CHART / "ci"
COMPONENTS: Final = ("ingest", "controller", "egress", "harvester")

Object = dict[str, Any]
"""A Kubernetes object as a mapping."""


class ChartRefused(Exception):
    """Helm would not render the chart with these values; the message is what a user reads."""


def profiles() -> list[str]:
    """Names of the values files that must render: ``ci/<name>-values.yaml``."""
    names = (path.name.removesuffix("-values.yaml") for path in PROFILES.glob("*-values.yaml"))
    return sorted(name for name in names if not name.startswith("fail-"))


def refusals() -> list[str]:
    """Names of the values files that must be refused: ``ci/fail-<why>-values.yaml``."""
    return sorted(path.name.removesuffix("-values.yaml") for path in PROFILES.glob("fail-*-values.yaml"))


def profile_path(name: str) -> Path:
    """The values file of a profile."""
    return PROFILES / f"{name}-values.yaml"


def profile_values(name: str) -> dict[str, Any]:
    """The values of a profile."""
    return copy.deepcopy(_profile_values(name))


@functools.cache
def _profile_values(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(profile_path(name).read_text(), Loader=yaml.CSafeLoader) or {}
    return loaded


@functools.cache
def chart_defaults() -> Mapping[str, Any]:
    """The values that the chart itself has."""
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return loaded


def _helm() -> Any:
    """The Helm engine's module; a test that needs it is skipped where there is none for the machine."""
    try:
        return importlib.import_module("helm_python")
    except ImportError:
        # There is no wheel for some machines. Where everything must run, that is a failure.
        if os.environ.get("UNDERSTUDY_REQUIRE_ALL") == "1":
            raise
        pytest.skip("the Helm engine is not there: pip install helm-python-sdk", allow_module_level=True)


@functools.cache
def _loaded() -> Any:
    return _helm().Chart.load(CHART)


def render(values: Mapping[str, Any], *, release: str = "live", namespace: str = "tv") -> tuple[Object, ...]:
    """What ``helm install`` would send to the cluster, hooks included.

    Raises:
        ChartRefused: the schema or a template refused the values.
    """
    return _render(json.dumps(values, sort_keys=True), release, namespace)


def upgrade(
    values: Mapping[str, Any], *, installed: tuple[Object, ...], release: str = "live", namespace: str = "tv"
) -> tuple[Object, ...]:
    """What ``helm upgrade`` would send to a cluster that has these objects: templates may look at them.

    Raises:
        ChartRefused: as in ``render``.
    """
    helm = _helm()
    with (
        kubernetes_api.holding(installed, namespace=namespace) as kubeconfig,
        helm.Config(kubeconfig_content=kubeconfig, namespace=namespace) as cluster,
    ):
        try:
            texts = cluster.render(_loaded(), dict(values), name=release, namespace=namespace, is_upgrade=True)
        except helm.HelmError as err:
            raise ChartRefused(str(err)) from err
    return tuple(_objects(_by_template(texts)))


def render_profile(name: str, *, release: str = "live", namespace: str = "tv") -> tuple[Object, ...]:
    """The objects of a profile."""
    return render(profile_values(name), release=release, namespace=namespace)


@functools.cache
def _render(values: str, release: str, namespace: str) -> tuple[Object, ...]:
    return tuple(_objects(render_texts(json.loads(values), release=release, namespace=namespace)))


def render_texts(values: Mapping[str, Any], *, release: str = "live", namespace: str = "tv") -> dict[str, str]:
    """The text that each template makes, by its path below ``templates/``.

    Raises:
        ChartRefused: as in ``render``.
    """
    helm = _helm()
    try:
        rendered = _loaded().render(dict(values), name=release, namespace=namespace, is_install=True, revision=1)
    except helm.HelmError as err:
        raise ChartRefused(str(err)) from err
    return _by_template(rendered)


def _by_template(rendered: Mapping[str, str]) -> dict[str, str]:
    return {path.partition("/templates/")[2]: text for path, text in rendered.items()}


def _objects(texts: Mapping[str, str]) -> Iterator[Object]:
    for path, text in sorted(texts.items()):
        if path.endswith((".yaml", ".yml")):
            yield from (document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document)


def lint(name: str) -> list[str]:
    """What ``helm lint --strict`` has against a profile; hints are left out."""
    report = _helm().lint(CHART, profile_values(name), strict=True)
    found = [message["error"] for message in report["messages"] if message["severity"] > 1]
    return [*found, *report["errors"]]


def of_kind(objects: tuple[Object, ...], kind: str) -> list[Object]:
    """The objects of one kind."""
    return [one for one in objects if one["kind"] == kind]


def named(objects: tuple[Object, ...], kind: str, name: str) -> Object:
    """The one object of a kind and name."""
    (found,) = (one for one in of_kind(objects, kind) if one["metadata"]["name"] == name)
    return found


def identity(one: Object) -> tuple[str, str, str]:
    """What makes an object one of its cluster: kind, namespace and name."""
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def pod_templates(objects: tuple[Object, ...]) -> list[tuple[str, Object]]:
    """Every pod that the objects lead to, as the name of its owner and the pod's ``metadata`` and ``spec``.

    ``claims`` are the volumes that a StatefulSet makes for each of its pods.
    """
    found = [
        (
            f"{one['kind']} {one['metadata']['name']}",
            {**one["spec"]["template"], "claims": _claims(one)},
        )
        for one in objects
        if one["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}
    ]
    return found + [(f"Pod {one['metadata']['name']}", one) for one in of_kind(objects, "Pod")]


def _claims(owner: Object) -> list[Object]:
    return [{"name": claim["metadata"]["name"]} for claim in owner["spec"].get("volumeClaimTemplates", [])]


def is_service(pod: Object) -> bool:
    """Whether a pod runs a service of ours, and not what stands in for production in an evaluation."""
    return component_of(pod) in COMPONENTS


def containers(pod: Object) -> list[Object]:
    """All containers of a pod, those that run before the others too."""
    spec = pod["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def component_of(one: Object) -> str:
    """Which component an object, or a pod, belongs to; empty where it says none."""
    labels: dict[str, str] = one["metadata"].get("labels", {})
    return labels.get("app.kubernetes.io/component", "")


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector, of ``matchLabels`` alone, takes an object with these labels."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def notes(values: Mapping[str, Any], *, release: str = "live", namespace: str = "tv") -> str:
    """What ``helm install`` tells a user in the end."""
    return render_texts(values, release=release, namespace=namespace)["NOTES.txt"]
