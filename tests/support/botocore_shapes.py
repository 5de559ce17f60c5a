"""A control API response held against botocore's own model of MediaPackage v1: the wire, not what botocore makes of it.

botocore's parsers are lenient (an unknown field is dropped, a wrong type often passes through), so a client test alone
shows little. This reads the raw JSON body and compares names, types, enumerations and what must be there.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape

# The model calls no output field required. These a client reads without asking whether they are there.
REQUIRED = {
    "Channel": {"Id", "Arn", "CreatedAt", "Description", "HlsIngest", "Tags"},
    "HlsIngest": {"IngestEndpoints"},
    "IngestEndpoint": {"Id", "Url", "Username", "Password"},
    "OriginEndpoint": {
        "Id",
        "Arn",
        "ChannelId",
        "CreatedAt",
        "Description",
        "HlsPackage",
        "ManifestName",
        "Origination",
        "StartoverWindowSeconds",
        "Tags",
        "TimeDelaySeconds",
        "Url",
        "Whitelist",
    },
    "HlsPackage": {"SegmentDurationSeconds", "PlaylistWindowSeconds", "PlaylistType", "AdMarkers", "StreamSelection"},
    "StreamSelection": {"MinVideoBitsPerSecond", "MaxVideoBitsPerSecond", "StreamOrder"},
    "HarvestJob": {
        *("Id", "Arn", "ChannelId", "CreatedAt", "OriginEndpointId"),
        *("StartTime", "EndTime", "S3Destination", "Status"),
    },
    "ListChannelsResponse": {"Channels"},
    "ListHarvestJobsResponse": {"HarvestJobs"},
    "ListOriginEndpointsResponse": {"OriginEndpoints"},
    "ListTagsForResourceResponse": {"Tags"},
}
# What our answers have beyond the model, by wire names: clients leave aside what they do not know.
EXTENSIONS = {"HarvestJob": {"progress", "message", "endedAt"}}
_SAME_AS = {
    **dict.fromkeys(("CreateHarvestJobResponse", "DescribeHarvestJobResponse"), "HarvestJob"),
    **dict.fromkeys(("CreateChannelResponse", "DescribeChannelResponse", "UpdateChannelResponse"), "Channel"),
    **dict.fromkeys(
        ("CreateOriginEndpointResponse", "DescribeOriginEndpointResponse", "UpdateOriginEndpointResponse"),
        "OriginEndpoint",
    ),
}
_TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool}


@cache
def service_model() -> ServiceModel:
    return botocore.session.Session().get_service_model("mediapackage")


def operation_of(method: str, path: str) -> OperationModel:
    """The operation that a request line names; ``path`` as sent, percent-encoded, without its query."""
    for name in service_model().operation_names:
        operation = service_model().operation_model(name)
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(operation.http["requestUri"]))
        if operation.http["method"] == method and re.fullmatch(pattern, path):
            return operation
    raise LookupError(f"{method} {path} is no operation of the model")


def problems(operation: OperationModel, status: int, body: bytes) -> list[str]:
    """All that is wrong with a successful answer, one sentence each; empty when it is as the model has it."""
    expected = operation.http.get("responseCode", 200)
    if status != expected:
        return [f"{operation.name}: status {status}, not {expected}"]
    shape = operation.output_shape
    if shape is None or status == 204:
        return [f"{operation.name}: a body where there is none: {body!r}"] if body else []
    return _problems(shape, json.loads(body), operation.name)


def _problems(shape: Shape, value: Any, where: str) -> list[str]:
    if isinstance(shape, StructureShape):
        return _structure_problems(shape, value, where)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            return [f"{where}: {value!r} is no list"]
        return [problem for item in value for problem in _problems(shape.member, item, f"{where}[]")]
    if isinstance(shape, MapShape):
        if not isinstance(value, dict):
            return [f"{where}: {value!r} is no map"]
        return [problem for key, item in value.items() for problem in _problems(shape.value, item, f"{where}[{key}]")]
    if type(value) is not _TYPES[shape.type_name]:
        return [f"{where}: {value!r} is no {shape.type_name}"]
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        return [f"{where}: {value!r} is none of {shape.enum}"]
    return []


def _structure_problems(shape: StructureShape, value: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is no structure"]
    wire_names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
    kind = _SAME_AS.get(shape.name, shape.name)
    known = wire_names.keys() | EXTENSIONS.get(kind, set())
    found = [f"{where}.{name}: not in the model" for name in value if name not in known]
    required = REQUIRED.get(kind, set()) | set(shape.required_members)
    present = {wire_names[name] for name in value if name in wire_names}
    found += [f"{where}.{name}: missing" for name in sorted(required - present)]
    for wire_name, name in wire_names.items():
        if wire_name in value:
            found += _problems(shape.members[name], value[wire_name], f"{where}.{wire_name}")
    return found
