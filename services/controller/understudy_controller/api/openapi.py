"""The OpenAPI description: what FastAPI finds out by itself, and what the source says about fields and errors.

Fields are described where they are written, in the docstring below each. pydantic could read those when a class is
made, which would cost every start of the process; here they are read when somebody asks.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import typing
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from understudy_controller.api.models import ErrorResponse
from understudy_controller.api.openapi_words import FIELDS, PARAMETERS

Schema = dict[str, Any]

ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    403: {"model": ErrorResponse, "description": "Not signed as it must be, or the key does not allow it."},
    404: {"model": ErrorResponse, "description": "There is no such resource, or no such operation."},
    422: {"model": ErrorResponse, "description": "The request cannot be accepted; the message names the field."},
    429: {"model": ErrorResponse, "description": "Others kept changing the same resource; nothing was written."},
    500: {"model": ErrorResponse, "description": "A fault of Understudy's; its log says more."},
    503: {"model": ErrorResponse, "description": "NATS does not answer, or the controller is starting; try again."},
}
"""What every operation may answer. `x-amzn-ErrorType` names the class that AWS's clients raise."""

_DESCRIPTION: Final = """\
MediaPackage v1's operations, and Understudy's own under `/understudy/v1/`.

Requests are signed with AWS's Signature Version 4 for the service `mediapackage`, unless the controller runs without
authentication. Every answer has a request id in `x-amzn-RequestId`. An error has its class in `x-amzn-ErrorType` and a
sentence in `message`. MediaPackage's operations and orders of our own speak camel case, status and explanations snake
case.
"""

_SIGNED: Final = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "AWS Signature Version 4, service `mediapackage`, any region.",
}


def describe(app: FastAPI, routers: Sequence[APIRouter]) -> Schema:
    """The description of all operations of ``app``, which come from ``routers``; made once."""
    if app.openapi_schema is None:
        described = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=_DESCRIPTION,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        components = described["components"]
        components["securitySchemes"] = {"sigv4": _SIGNED}
        described["security"] = [{"sigv4": []}]
        _describe_parameters(described["paths"])
        classes = {one.__name__: one for one in _classes(routers)}
        for name, schema in components["schemas"].items():
            if name in classes:
                _describe_fields(schema, classes[name])
        app.openapi_schema = described
    return app.openapi_schema


def operation_id(route: APIRoute) -> str:
    """MediaPackage's own names of its operations, and ours in the same form: what generated clients call them."""
    return route.summary or route.name


def _describe_parameters(paths: Mapping[str, Mapping[str, Schema]]) -> None:
    for operations in paths.values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                parameter.setdefault("description", PARAMETERS.get(parameter["name"], ""))


def _describe_fields(schema: Schema, described: type) -> None:
    told = _docstrings(described)
    if issubclass(described, Enum):
        values = "".join(f"\n* `{one.value}`: {told[one.name]}" for one in described if one.name in told)
        schema["description"] = f"{inspect.cleandoc(described.__doc__ or '')}{values and chr(10)}{values}"
    aliases = {}
    if issubclass(described, BaseModel):
        aliases = {field.alias or name: name for name, field in described.model_fields.items()}
    for name, field in schema.get("properties", {}).items():
        text = told.get(aliases.get(name, name)) or FIELDS.get(name)
        if text is not None:
            field.setdefault("description", text)


def _docstrings(described: type) -> dict[str, str]:
    """The docstrings below the fields of a class and of those it inherits from."""
    found: dict[str, str] = {}
    for one in reversed(described.__mro__):
        if not one.__module__.startswith("understudy_"):
            continue
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        assert isinstance(definition, ast.ClassDef)  # noqa: S101 - the source of a class is one
        for field, after in zip(definition.body, definition.body[1:], strict=False):
            name = _field_name(field)
            if name and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found[name] = inspect.cleandoc(str(after.value.value))
    return found


def _field_name(statement: ast.stmt) -> str | None:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case _:
            return None


def _classes(routers: Sequence[APIRouter]) -> Iterator[type]:
    """All classes of ours that requests and answers are made of."""
    seen: set[type] = set()
    waiting: list[Any] = [ErrorResponse]
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute):
            waiting += [route.response_model, *typing.get_type_hints(route.endpoint).values()]
            waiting += [answer.get("model") for answer in route.responses.values()]
    while waiting:
        found = waiting.pop()
        waiting += typing.get_args(found)
        if not isinstance(found, type) or found in seen or not found.__module__.startswith("understudy_"):
            continue
        seen.add(found)
        if issubclass(found, BaseModel | Enum) or dataclasses.is_dataclass(found):
            yield found
        if issubclass(found, BaseModel) or dataclasses.is_dataclass(found):
            waiting += typing.get_type_hints(found).values()


def main() -> None:
    """Print the description, as docs/openapi.json has it."""
    import json  # noqa: PLC0415
    import sys  # noqa: PLC0415

    from understudy_controller.app import create_app  # noqa: PLC0415
    from understudy_controller.settings import ControllerSettings  # noqa: PLC0415

    app = create_app(ControllerSettings(authentication="none"), keys=None)
    json.dump(app.openapi(), sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
