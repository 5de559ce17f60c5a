"""A container's environment, as a kubelet would make it of what was rendered."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from support.pods.manifests import NAMESPACE, Manifest, Manifests, Pod

_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")


def content_of(manifests: Manifests, kind: str, name: str, *, optional: bool = False) -> dict[str, bytes] | None:
    """What a ConfigMap or a Secret holds, by key; None where it is not there and need not be.

    Raises:
        AssertionError: it is not there: the pod would never start.
    """
    found = manifests.find(kind, name)
    if found is None:
        assert optional, f"no {kind} {name}: pods that name it would never start"
        return None
    encoded = found.get("data", {}) if kind == "Secret" else found.get("binaryData", {})
    plain = found.get("stringData", {}) if kind == "Secret" else found.get("data", {})
    return {
        **{key: base64.b64decode(value, validate=True) for key, value in (encoded or {}).items()},
        **{key: value.encode() for key, value in (plain or {}).items()},
    }


def environment_of(manifests: Manifests, pod: Pod, container: Manifest, *, address: str) -> dict[str, str]:
    """The variables of a container: ``envFrom``, then ``env``, with ``$(NAME)`` put in."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if key in source:
                held = content_of(manifests, kind, source[key]["name"], optional=source[key].get("optional", False))
                found |= {source.get("prefix", "") + name: value.decode() for name, value in (held or {}).items()}
    for variable in container.get("env", []):
        value = _value(manifests, pod, variable, address)
        if value is not None:
            found[variable["name"]] = expanded(value, found)
    return found


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """``$(NAME)`` replaced by a variable where there is one, as in values, commands and arguments."""

    def put_in(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return _REFERENCE.sub(put_in, text)


def _value(manifests: Manifests, pod: Pod, variable: Manifest, address: str) -> str | None:
    if "valueFrom" not in variable:
        value = variable.get("value", "")
        assert isinstance(value, str), f"{variable['name']} of {pod.name} is no string: Kubernetes refuses it"
        return value
    ((kind, reference),) = variable["valueFrom"].items()
    return _SOURCES[kind](manifests, pod, reference, address)


def _keyed(kind: str) -> Callable[[Manifests, Pod, Mapping[str, Any], str], str | None]:
    def value(manifests: Manifests, pod: Pod, reference: Mapping[str, Any], address: str) -> str | None:
        optional = reference.get("optional", False)
        held = content_of(manifests, kind, reference["name"], optional=optional) or {}
        if reference["key"] in held:
            return held[reference["key"]].decode()
        assert optional, f"{kind} {reference['name']} has no key {reference['key']}: {pod.name} would never start"
        return None

    return value


def _field(manifests: Manifests, pod: Pod, reference: Mapping[str, Any], address: str) -> str:
    fields = {
        "metadata.name": pod.name,
        "metadata.namespace": NAMESPACE,
        "status.podIP": address,
        "status.hostIP": address,
        "spec.nodeName": "node",
    }
    return fields[reference["fieldPath"]]


def _resource(manifests: Manifests, pod: Pod, reference: Mapping[str, Any], address: str) -> str:
    raise AssertionError(f"{pod.name} asks for {reference}: resources are not resolved here yet")


_SOURCES: Mapping[str, Callable[[Manifests, Pod, Mapping[str, Any], str], str | None]] = {
    "secretKeyRef": _keyed("Secret"),
    "configMapKeyRef": _keyed("ConfigMap"),
    "fieldRef": _field,
    "resourceFieldRef": _resource,
}
