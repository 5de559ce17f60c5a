"""The compatibility page, the lines that it must have by botocore's model, and the tests that stand behind them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from support.botocore_shapes import service_model

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "mediapackage-compatibility.md"
VERDICTS = ("same", "extended", "different", "refused")
_ROW = re.compile(r"^\| `([A-Z][\w.-]*)` \| (\w+) \|(.*)\|$", re.MULTILINE)
_RESOURCES = {"channels": "Channel", "origin_endpoints": "OriginEndpoint", "harvest_jobs": "HarvestJob"}


def lines_of_model() -> set[str]:
    """All operations, and all fields of requests and responses: ``Resource.field.of.field``, by wire names.

    What belongs to no resource (the parameters of lists, tags' requests) is named after its operation.
    """
    names = service_model().operation_names
    return {*names, *(line for name in names for line in _lines_of(service_model().operation_model(name)))}


def _lines_of(operation: OperationModel) -> Iterator[str]:
    kind = operation.http["requestUri"].split("/")[1]
    resource = _RESOURCES.get(kind, operation.name)
    for path, shape in _fields(operation.input_shape):
        own = shape.serialization.get("location") == "querystring" or path == "ingest_endpoint_id"
        yield f"{operation.name if own else resource}.{path}"
    for path, _ in _fields(operation.output_shape):
        if operation.name.startswith("List"):
            item, _, rest = path.partition(".")
            yield f"{resource}.{rest}" if rest else f"{operation.name}.{item}"
        else:
            yield f"{resource}.{path}"


def _fields(shape: Shape | None, under: str = "") -> Iterator[tuple[str, Shape]]:
    if isinstance(shape, ListShape):
        yield from _fields(shape.member, under)
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            path = under + member.serialization.get("name", name)
            yield path, member
            yield from _fields(member, f"{path}.")


@cache
def fields_of_an_origin_endpoint() -> dict[str, Shape]:
    """The fields of a request to create one, ``OriginEndpoint.field.of.field``, with their shapes."""
    shape = service_model().operation_model("CreateOriginEndpoint").input_shape
    return {f"OriginEndpoint.{path}": member for path, member in _fields(shape)}


@cache
def lines_of_page() -> list[tuple[str, str]]:
    """``(operation or field, verdict)`` of every line of the page's tables."""
    return [(name, verdict) for name, verdict, _ in _ROW.findall(PAGE.read_text())]


@cache
def markers() -> dict[str, set[str]]:
    """The operations and fields that tests name with ``pytest.mark.compatibility``, and the files of those tests."""
    found: dict[str, set[str]] = {}
    for path in sorted(ROOT.glob("tests/**/test_*.py")):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if ".compatibility" in text else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.compatibility":
                for argument in node.args:
                    found.setdefault(str(ast.literal_eval(argument)), set()).add(str(path.relative_to(ROOT)))
    return found
