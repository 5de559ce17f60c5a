"""schemathesis thinks up requests from the OpenAPI description: none gets a 500, and every answer is as described."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
    "GET /harvest_jobs/{harvest_job_id}",
}
"""What is asked for needs a programme that was on the air."""

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
def targets(controller: Controller, new_id: Callable[[], str]) -> dict[str, str]:
    """A channel and an origin endpoint for the operations to meet, by the names of paths' parameters."""
    channel_id, endpoint_id = new_id(), new_id()
    _, channel = controller.json("POST", "/channels", {"id": channel_id})
    controller.json("POST", "/origin_endpoints", {"id": endpoint_id, "channelId": channel_id, "hlsPackage": {}})
    ingest_endpoint_id = channel["hlsIngest"]["ingestEndpoints"][1]["id"]
    return {
        "channel_id": channel_id,
        "endpoint_id": endpoint_id,
        "arn": channel["arn"],
        "ingest_endpoint_id": ingest_endpoint_id,
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_request_gets_a_500_and_every_answer_is_as_described(
    controller: Controller, targets: dict[str, str], operation: Any
) -> None:
    said: set[int] = set()

    # Where there is nothing that a request could get wrong, all of them are right.
    cases = one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])

    @SETTINGS
    @given(case=cases, meets=booleans())
    def run(case: Any, *, meets: bool) -> None:
        if meets and case.meta.generation.mode is GenerationMode.POSITIVE:
            case.path_parameters = {name: targets.get(name, value) for name, value in case.path_parameters.items()}
        answer = case.call(base_url=controller.url)
        case.validate_response(answer, checks=CHECKS)
        said.add(answer.status_code)

    run()
    if operation.method == "get" and operation.label not in NOTHING_TO_SHOW:
        assert 200 in said, "no request ever reached what it asked for"
