"""No input gets a 500: bodies of the model's own shapes with values of every kind, and bodies of no shape at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from support.botocore_shapes import problems, service_model
from support.control_process import Controller

SETTINGS = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
ODD_TEXT = st.sampled_from(["", "a", "NONE", "../x", "x" * 300, "\x00", "\ud800", "é", "10.0.0.0/8", "null"])
NUMBERS = st.one_of(
    st.integers(-2, 100), st.integers(), st.just(10**30), st.floats(), st.sampled_from([0, 86_400, 2**31 - 1])
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


def values_of(shape: Shape) -> st.SearchStrategy[Any]:
    """Mostly right values of a shape of the model, by wire names; now and then something else."""
    right: st.SearchStrategy[Any]
    if isinstance(shape, StructureShape):
        members = {m.serialization.get("name", name): values_of(m) for name, m in shape.members.items()}
        right = st.fixed_dictionaries({}, optional=members)
    elif isinstance(shape, ListShape):
        right = st.lists(values_of(shape.member), max_size=3)
    elif isinstance(shape, MapShape):
        right = st.dictionaries(TEXT, TEXT, max_size=3)
    elif isinstance(shape, StringShape):
        right = st.sampled_from(shape.enum) if shape.enum else TEXT | ODD_TEXT
    else:
        right = st.booleans() if shape.type_name == "boolean" else NUMBERS
    return st.one_of(right, right, right, JSON)


BODIES = {
    name: values_of(model.input_shape)
    for name, model in ((name, service_model().operation_model(name)) for name in service_model().operation_names)
    if model.http["method"] in ("POST", "PUT") and model.input_shape is not None
}

MUST_BE_ACCEPTED_SOMETIMES = {
    "CreateChannel",
    "CreateOriginEndpoint",
    "TagResource",
    "UpdateChannel",
    "UpdateOriginEndpoint",
}
"""Or the strategies are too odd to reach beyond validation."""


def check(controller: Controller, operation_name: str, path: str, body: bytes) -> bool:
    """Send it, hold the answer against the model, and tell whether it was accepted."""
    operation = service_model().operation_model(operation_name)
    status, headers, answer = controller.request(operation.http["method"], path, body)
    if status < 300:
        assert problems(operation, status, answer) == []
    else:
        assert status in (404, 422), (status, answer)
        assert headers["x-amzn-errortype"]
        assert set(json.loads(answer)) == {"message"}
    return status < 300


@pytest.fixture(scope="module")
def targets(controller: Controller) -> dict[str, str]:
    """A channel, an endpoint and an ARN for the operations to meet."""
    _, channel = controller.json("POST", "/channels", {"id": "fuzz"})
    controller.json("POST", "/origin_endpoints", {"id": "fuzz", "channelId": "fuzz", "hlsPackage": {}})
    return {"id": "fuzz", "ingest_endpoint_id": "fuzz", "resource-arn": channel["arn"].replace("/", "%2F")}


def tamed(operation_name: str, body: dict[str, Any]) -> dict[str, Any]:
    """``body`` with an id, a channel and a packager that can be accepted."""
    if operation_name.startswith("Create"):
        body = {**body, "id": "fuzz-made"}
    if operation_name == "CreateOriginEndpoint":
        wild = {"authorization", "cmafPackage", "dashPackage", "mssPackage", "whitelist"}
        body = {key: value for key, value in body.items() if key not in wild}
        body |= {"channelId": "fuzz", "hlsPackage": {}}
    return body


@pytest.mark.parametrize("operation_name", sorted(BODIES))
def test_no_body_of_the_models_shapes_gets_a_500(
    controller: Controller, targets: dict[str, str], operation_name: str
) -> None:
    path = service_model().operation_model(operation_name).http["requestUri"].format(**targets)

    accepted: list[Any] = []

    @SETTINGS
    @given(body=BODIES[operation_name], tame=st.booleans())
    def run(body: Any, *, tame: bool) -> None:
        if isinstance(body, dict) and tame:
            body = tamed(operation_name, body)
        if check(controller, operation_name, path, json.dumps(body).encode()):
            accepted.append(body)
            if operation_name.startswith("Create"):
                controller.request("DELETE", f"{path}/{body['id']}")

    run()
    assert accepted or operation_name not in MUST_BE_ACCEPTED_SOMETIMES


@pytest.mark.parametrize("operation_name", ["CreateChannel", "UpdateOriginEndpoint", "TagResource"])
def test_no_bytes_get_a_500(controller: Controller, targets: dict[str, str], operation_name: str) -> None:
    path = service_model().operation_model(operation_name).http["requestUri"].format(**targets)

    @SETTINGS
    @example(body=b"")
    @given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
    def run(body: bytes) -> None:
        check(controller, operation_name, path, body)

    run()


STARTS = ("/channels/", "/origin_endpoints/", "/tags/", "/harvest_jobs/", "/", "/channels?nextToken=")


@SETTINGS
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    start=st.sampled_from(
        ["/channels/", "/origin_endpoints/", "/tags/", "/harvest_jobs/", "/", "/channels?nextToken="]
    ),
    rest=st.binary(max_size=12).map(lambda raw: "".join(f"%{byte:02X}" for byte in raw)),
)
def test_no_path_gets_a_500(controller: Controller, method: str, start: str, rest: str) -> None:
    status, headers, _ = controller.request(method, start + rest)
    assert status < 500
    assert status < 400 or headers["x-amzn-errortype"]
