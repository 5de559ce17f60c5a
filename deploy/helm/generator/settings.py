"""Which field of a service's settings a value is, so that its type is the service's own."""

from __future__ import annotations

import functools
import re
from typing import Any, Final

from understudy_controller.settings import ControllerSettings
from understudy_egress.settings import EgressSettings
from understudy_harvester.settings import HarvesterSettings
from understudy_ingest.settings import IngestSettings
from understudy_runtime.settings import CommonSettings

COMPONENTS: Final[dict[str, type[CommonSettings]]] = {
    "ingest": IngestSettings,
    "controller": ControllerSettings,
    "egress": EgressSettings,
    "harvester": HarvesterSettings,
}

_TYPES: Final = (
    "anyOf",
    "const",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maximum",
    "minLength",
    "minimum",
    "pattern",
    "type",
)


def field_of(path: tuple[str, ...]) -> tuple[type[CommonSettings], str] | None:
    """The settings class and the field that a value sets; None where it sets none by itself."""
    match path:
        case ("config", key):
            owner, name = CommonSettings, snake(key)
        case ("nats" | "s3", *_):
            owner, name = CommonSettings, "_".join(map(snake, path))
        case (component, "config", key) if component in COMPONENTS:
            owner, name = COMPONENTS[component], snake(key)
        case _:
            return None
    return (owner, name) if name in owner.model_fields else None


def field_schema(owner: type[CommonSettings], name: str) -> dict[str, Any]:
    """What the service takes for a field, as JSON Schema without its words."""
    return {key: _bare(value) for key, value in sorted(_properties(owner)[name].items()) if key in _TYPES}


@functools.cache
def _properties(owner: type[CommonSettings]) -> dict[str, dict[str, Any]]:
    properties: dict[str, dict[str, Any]] = owner.model_json_schema()["properties"]
    return properties


def _bare(value: Any) -> Any:
    # Of an alternative too: `format` says nothing that Helm would check.
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if isinstance(value, dict):
        return {key: one for key, one in sorted(value.items()) if key in _TYPES}
    return value


def snake(key: str) -> str:
    """``holdSeconds`` as the settings have it: ``hold_seconds``."""
    return re.sub(r"([A-Z])", r"_\1", key).lower()


def camel(name: str) -> str:
    """``hold_seconds`` as values have it: ``holdSeconds``."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
