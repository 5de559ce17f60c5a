"""The types of declared resources: those that controllers check a file with, so that Helm refuses what they would."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from understudy_controller.declare.models import DeclaredChannel, DeclaredOriginEndpoint

_RESOURCES: Final[dict[str, type[BaseModel]]] = {
    "declaredChannel": DeclaredChannel,
    "declaredOriginEndpoint": DeclaredOriginEndpoint,
}


def definitions() -> dict[str, Any]:
    """``$defs`` for ``@schema {"$ref": "#/$defs/declaredChannel"}`` and the other."""
    found: dict[str, Any] = {}
    for name, model in _RESOURCES.items():
        own = model.model_json_schema(by_alias=True)
        found |= {key: _bare(value) for key, value in own.pop("$defs", {}).items()}
        found[name] = _bare(own)
    return found


def _bare(schema: Any) -> Any:
    """Without titles and defaults: what is left out is the controllers' to fill in."""
    if isinstance(schema, list):
        return [_bare(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _bare(one) for name, one in value.items()} if key == "properties" else _bare(value)
        for key, value in schema.items()
        if key not in {"title", "default", "description"}
    }
