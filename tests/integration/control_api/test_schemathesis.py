"""schemathesis thinks up requests from the OpenAPI description: none gets a 500, and every answer is as described."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans, one_of

from support.control_process import Controller

pytestmark = pytest.mark.takes(seconds=30)

DESCRIBED: dict[str, Any] = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text())
"""What the controller serves: a test of the documentation holds it to that."""
LABELS = [f"{method.upper()} {path}" for path, methods in DESCRIBED["paths"].items() for method in methods]
NOTHING_TO_SHOW = {
    "GET /understudy/v1/origin_endpoints/{endpoint_id}/explain",
    "POST /understudy/v1/origin_endpoints/{endpoint_id}/switchover",
    "POST /understudy/v1/channels/{channel_id}/switchover",
    "POST /understudy/v1/channels/{channel_id}/end",
}
"""What is asked for needs a programme that was on the air."""
HONOURED: dict[str, dict[str, Any]] = {
    "POST /origin_endpoints": {"hlsPackage": {}, "cmafPackage": None, "dashPackage": None, "mssPackage": None},
}
"""Fields of bodies that hardly ever ask for nothing but what can be done, when all are thought up."""

SETTINGS = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def operations() -> dict[str, Any]:
    """By label. Made here, and not while tests are collected: every process that runs any of them would pay for it."""
    import schemathesis

    # Without the signatures that this controller does not ask for.
    schema = schemathesis.openapi.from_dict({name: value for name, value in DESCRIBED.items() if name != "security"})
    found = [one.ok() for one in cast("Iterable[Any]", schema.get_all_operations())]
    return {one.label: one for one in found}


def test_every_operation_that_is_described_is_tried(operations: dict[str, Any]) -> None:
    assert sorted(operations) == sorted(LABELS)


@pytest.fixture
def targets(controller: Controller, new_id: Callable[[], str]) -> dict[str, Any]:
    """Resources for the operations to meet, by the names of parameters of paths and of fields of bodies."""
    channel_id, endpoint_id, job_id = new_id(), new_id(), new_id()
    _, channel = controller.json("POST", "/channels", {"id": channel_id})
    endpoint = {"id": endpoint_id, "channelId": channel_id, "startoverWindowSeconds": 86_400, "hlsPackage": {}}
    controller.json("POST", "/origin_endpoints", endpoint)
    end = datetime.now(UTC)
    wanted = {
        "originEndpointId": endpoint_id,
        "startTime": (end - timedelta(minutes=5)).isoformat(),
        "endTime": end.isoformat(),
    }
    destination = {"bucketName": "vod", "manifestKey": "one/index.m3u8", "roleArn": "role"}
    status, _ = controller.json("POST", "/harvest_jobs", {"id": job_id, "s3Destination": destination, **wanted})
    assert status == 200
    return {
        "channel_id": channel_id,
        "channelId": channel_id,
        "endpoint_id": endpoint_id,
        "harvest_job_id": job_id,
        "webhook_id": "known",
        "arn": channel["arn"],
        "ingest_endpoint_id": channel["hlsIngest"]["ingestEndpoints"][1]["id"],
        "manifestKey": destination["manifestKey"],
        **wanted,
    }


def meeting(value: Any, targets: dict[str, Any]) -> Any:
    """A request's parameters or its body with the targets' names in it."""
    if isinstance(value, dict):
        return {name: targets.get(name, meeting(inner, targets)) for name, inner in value.items()}
    return value


@pytest.mark.parametrize("label", LABELS)
def test_no_request_gets_a_500_and_every_answer_is_as_described(
    controller: Controller, targets: dict[str, Any], operations: dict[str, Any], label: str
) -> None:
    from schemathesis import GenerationMode, checks

    operation = operations[label]
    said: set[int] = set()
    to_check = [
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
        checks.negative_data_rejection,
    ]

    # Where there is nothing that a request could get wrong, all of them are right.
    cases = one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

    def ask(case: Any, *, meets: bool) -> None:
        if meets and case.meta.generation.mode is GenerationMode.POSITIVE:
            case.path_parameters = meeting(case.path_parameters, targets)
            if isinstance(case.body, dict):
                case.body = meeting(case.body, targets | HONOURED.get(label, {}))
        answer = case.call(base_url=controller.url)
        case.validate_response(answer, checks=to_check)
        said.add(answer.status_code)

    SETTINGS(given(case=cases, meets=booleans())(ask))()
    if label not in NOTHING_TO_SHOW:
        # By chance none of the requests may be right: that is no finding, twenty times in a row is.
        for _ in range(20):
            if not any(status < 300 for status in said):
                settings(SETTINGS, derandomize=False)(given(case=cases, meets=booleans())(ask))()
        assert any(status < 300 for status in said), "no request ever did what it asked for"
