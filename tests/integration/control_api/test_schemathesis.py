"""schemathesis thinks up requests from the OpenAPI description: none gets a 500, and every answer is as described."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans, one_of
from schemathesis import GenerationMode, checks

from support.control_process import Controller
from understudy_controller.app import create_app
from understudy_controller.settings import ControllerSettings


def described() -> dict[str, Any]:
    """The description, without the signatures that this controller does not ask for."""
    found = create_app(ControllerSettings(authentication="none"), keys=None).openapi()
    return {name: value for name, value in found.items() if name != "security"}


SCHEMA = schemathesis.openapi.from_dict(described())
OPERATIONS: list[Any] = [found.ok() for found in cast("Iterable[Any]", SCHEMA.get_all_operations())]
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
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


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


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_request_gets_a_500_and_every_answer_is_as_described(
    controller: Controller, targets: dict[str, Any], operation: Any
) -> None:
    said: set[int] = set()

    # Where there is nothing that a request could get wrong, all of them are right.
    cases = one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

    def ask(case: Any, *, meets: bool) -> None:
        if meets and case.meta.generation.mode is GenerationMode.POSITIVE:
            case.path_parameters = meeting(case.path_parameters, targets)
            if isinstance(case.body, dict):
                case.body = meeting(case.body, targets | HONOURED.get(operation.label, {}))
        answer = case.call(base_url=controller.url)
        case.validate_response(answer, checks=CHECKS)
        said.add(answer.status_code)

    SETTINGS(given(case=cases, meets=booleans())(ask))()
    if operation.label not in NOTHING_TO_SHOW:
        # By chance none of the requests may be right: that is no finding, three times in a row is.
        for _ in range(2):
            if not any(status < 300 for status in said):
                settings(SETTINGS, derandomize=False)(given(case=cases, meets=booleans())(ask))()
        assert any(status < 300 for status in said), "no request ever did what it asked for"
