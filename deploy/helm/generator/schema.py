"""The JSON Schema of the values: closed, so that a misspelt value is refused instead of doing nothing."""

from __future__ import annotations

from typing import Any, Final

from deploy.helm.generator.declared import definitions
from deploy.helm.generator.settings import field_of, field_schema
from deploy.helm.generator.values import UndocumentedValue, Value

_DEFINITIONS: Final[dict[str, Any]] = {
    "strings": {
        "description": "Labels, annotations and the like",
        "type": "object",
        "additionalProperties": {"type": "string"},
    },
    "objects": {
        "description": "Objects in Kubernetes' own form, which the cluster checks",
        "type": "array",
        "items": {"type": "object"},
    },
    "ports": {
        "description": "Ports of pods",
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": 65535},
    },
    "host": {
        "description": "A name, without scheme, port and wildcards: URLs begin with it",
        "type": "string",
        "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$",
    },
    "affinity": {
        "description": "Kubernetes' Affinity, whose parts the cluster checks",
        "type": "object",
        "additionalProperties": False,
        "properties": {kind: {"type": "object"} for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity")},
    },
    "quantity": {
        "description": "Kubernetes' quantity of CPU or memory",
        "type": ["string", "number"],
        "pattern": "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$",
    },
    "count": {
        "description": "A number of pods, or per cent of them, or null",
        "type": ["integer", "string", "null"],
        "minimum": 0,
        "pattern": "^(100|[1-9]?[0-9])%$",
    },
}


def schema(root: Value) -> dict[str, Any]:
    """The schema of ``values.yaml``."""
    body = _object(root)
    # Helm gives every chart this one, which charts above it may have set.
    body["properties"]["global"] = {"type": "object"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Values of the Understudy chart",
        **body,
        "$defs": {**_DEFINITIONS, **definitions()},
    }


def _object(group: Value) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {value.path[-1]: _one(value) for value in group.children},
    }


def _one(value: Value) -> dict[str, Any]:
    described = {"description": value.description} if value.description else {}
    if value.is_group:
        return {**described, **_object(value)}
    if "$ref" in value.annotation or "oneOf" in value.annotation:
        return {**described, **value.annotation}
    return {**described, **_type_of(value), **value.annotation}


def _type_of(value: Value) -> dict[str, Any]:
    setting = field_of(value.path)
    if setting is not None:
        found = field_schema(*setting)
        # What only one component sets for itself may be left to the rest of the values.
        return {"anyOf": [found, {"type": "null"}]} if value.default is None and "anyOf" not in found else found
    match value.default:
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
        case str():
            return {"type": "string"}
        case list():
            return {"type": "array"}
        case _ if "type" in value.annotation:
            return {}
        case _:
            raise UndocumentedValue(f"{value.name}: its default does not show its type; say it with `# @schema`")
