"""Rendered objects: found by kind and name, and the pods that workloads would have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]

NAMESPACE = "tv"

_WORKLOADS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that some workload would have, or one that was rendered as such."""

    name: str
    labels: Mapping[str, str]
    spec: Manifest = field(repr=False)
    claims: tuple[str, ...] = ()
    """Names of the volumes that a stateful set claims for each of its pods."""

    @property
    def containers(self) -> list[Manifest]:
        """Those that run side by side."""
        return list(self.spec["containers"])

    @property
    def init_containers(self) -> list[Manifest]:
        """Those that run one after the other before."""
        return list(self.spec.get("initContainers", []))

    def port(self, wanted: str | int) -> int:
        """The number of a container's port by its name.

        Raises:
            AssertionError: no container has a port of that name: a probe or a Service would reach nothing.
        """
        if isinstance(wanted, int):
            return wanted
        for container in self.containers:
            for port in container.get("ports", []):
                if port.get("name") == wanted:
                    return int(port["containerPort"])
        raise AssertionError(f"no container of pod {self.name} has a port named {wanted}")


class Manifests:
    """All objects of a release, and those that were in its namespace before."""

    def __init__(self, rendered: Sequence[Manifest], *, existing: Sequence[Manifest] = ()) -> None:
        self._objects = [*rendered, *existing]
        self._found = {(one["kind"], one["metadata"]["name"]): one for one in self._objects}

    def find(self, kind: str, name: str) -> Manifest | None:
        """An object, or None."""
        return self._found.get((kind, name))

    def of_kind(self, kind: str) -> Iterator[Manifest]:
        """All objects of a kind."""
        return (one for one in self._objects if one["kind"] == kind)

    def pods(self, *, replicas_max: int) -> list[Pod]:
        """The pods of all workloads, so many of each at most."""
        return [pod for kind in _WORKLOADS for one in self.of_kind(kind) for pod in _pods_of(one, replicas_max)]

    def test_pods(self) -> list[Pod]:
        """What ``helm test`` would run."""
        return [
            Pod(one["metadata"]["name"], one["metadata"].get("labels", {}), one["spec"])
            for one in self.of_kind("Pod")
            if "test" in hooks(one)
        ]


def hooks(manifest: Manifest) -> list[str]:
    """At which points of a release's life Helm makes this object; none: it belongs to the release."""
    named = manifest["metadata"].get("annotations", {}).get("helm.sh/hook", "")
    return [one.strip() for one in named.split(",") if one]


def _pods_of(workload: Manifest, replicas_max: int) -> Iterator[Pod]:
    spec, name = workload["spec"], workload["metadata"]["name"]
    labels = spec["template"]["metadata"]["labels"]
    selector = spec["selector"]["matchLabels"]
    assert selector.items() <= labels.items(), f"{workload['kind']} {name} selects pods other than its own: {selector}"
    claims = tuple(one["metadata"]["name"] for one in spec.get("volumeClaimTemplates", []))
    for index in range(min(spec.get("replicas", 1), replicas_max)):
        yield Pod(f"{name}-{index}", labels, spec["template"]["spec"], claims)
