"""Policies and orders on the wire: what a request may say, what an update keeps, and how a refusal is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from understudy_controller.api import render, resources
from understudy_controller.api.errors import SwitchoverRefused, add_error_handlers, sentence
from understudy_controller.api.models import CreateOriginEndpointRequest, UpdateOriginEndpointRequest
from understudy_controller.api.models_understudy import EndRequest, PutPolicyRequest, SwitchoverRequest
from understudy_controller.api.render import Renderer
from understudy_controller.api.wire import WireRules
from understudy_domain import codec
from understudy_domain.channel import Channel, OriginEndpoint, configured
from understudy_domain.errors import InvalidResource
from understudy_domain.policy import PolicyKind
from understudy_domain.switchover import Refusal
from understudy_domain.ticks import from_seconds

CHANNEL = Channel("news", "c" * 32, (), 0)
RENDERER = Renderer("https://in.example", "https://out.example", "eu-west-1", "123456789012")


def endpoint() -> OriginEndpoint:
    body = {"id": "news-hls", "channelId": "news", "hlsPackage": {}}
    return resources.new_origin_endpoint(CreateOriginEndpointRequest.model_validate(body), CHANNEL, now=0)


def with_policy(**body: object) -> OriginEndpoint:
    return resources.endpoint_with_policy(endpoint(), PutPolicyRequest.model_validate(body))


def refusal(model: type[Any], body: object) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    return sentence([{**error, "loc": ("body", *error["loc"])} for error in caught.value.errors()])


def test_an_endpoint_begins_sticky() -> None:
    assert render.policy(endpoint()).model_dump(by_alias=True) == {
        "policy": "sticky",
        "input": 1,
        "holdDownSeconds": 60,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"policy": "sticky", "input": 1, "holdDownSeconds": 60},
        {"policy": "preferred", "input": 2, "holdDownSeconds": 0},
        {"policy": "preferred", "input": 1, "holdDownSeconds": 86_400},
        {"policy": "pinned", "input": 2, "holdDownSeconds": 60},
        {"policy": "off", "input": 1, "holdDownSeconds": 60},
    ],
)
def test_what_is_shown_of_a_policy_can_be_put_again(body: dict[str, object]) -> None:
    assert render.policy(with_policy(**body)).model_dump(by_alias=True, mode="json") == body


@pytest.mark.parametrize("policy", ["sticky", "off"])
def test_a_policy_that_is_about_no_input_needs_none(policy: str) -> None:
    made = with_policy(policy=policy)
    assert (made.policy, made.policy_input, made.hold_down_seconds) == (PolicyKind(policy), 1, 60)


def test_null_is_as_if_it_were_left_out() -> None:
    assert render.policy(with_policy(policy="sticky", input=None, holdDownSeconds=None)) == render.policy(endpoint())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"policy": "preferred"}, "input: required"),
        ({"policy": "pinned", "holdDownSeconds": 5}, "input: required"),
        ({"policy": "pinned", "input": 1, "holdDownSeconds": 5}, "holdDownSeconds: the policy pinned has no"),
        ({"policy": "sticky", "holdDownSeconds": 5}, "holdDownSeconds: the policy sticky has no"),
        ({"policy": "off", "holdDownSeconds": 0}, "holdDownSeconds: the policy off has no"),
        ({"policy": "off", "input": 2}, "input: the policy off has input 1"),
        ({"policy": "sticky", "input": 2}, "input: the policy sticky is about none"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused_by_name(body: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidResource, match=said):
        with_policy(**body)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "policy: required"),
        ({"policy": "favourite"}, "policy: "),
        ({"policy": "PREFERRED", "input": 1}, "policy: "),
        ({"policy": "preferred", "input": 3}, "input: "),
        ({"policy": "preferred", "input": "1"}, "input: "),
        ({"policy": "preferred", "input": True}, "input: "),
        ({"policy": "preferred", "input": 1, "holdDownSeconds": -1}, "holdDownSeconds: "),
        ({"policy": "preferred", "input": 1, "holdDownSeconds": 86_401}, "holdDownSeconds: "),
        ({"policy": "preferred", "input": 1, "holdDownSeconds": 1.5}, "holdDownSeconds: "),
        ({"policy": "preferred", "input": 1, "hold_down_seconds": 5}, "hold_down_seconds: unknown field"),
    ],
)
def test_a_policy_that_the_model_forbids_is_refused_by_name(body: dict[str, object], named: str) -> None:
    assert refusal(PutPolicyRequest, body).startswith(named)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"input": 0}, "input: "),
        ({"input": "2"}, "input: "),
        ({"force": "yes"}, "force: "),
        ({"force": 1}, "force: "),
        ({"forced": True}, "forced: unknown field"),
    ],
)
def test_an_order_that_the_model_forbids_is_refused_by_name(body: dict[str, object], named: str) -> None:
    assert refusal(SwitchoverRequest, body).startswith(named)


def test_an_order_to_end_says_nothing_else() -> None:
    assert refusal(EndRequest, {"at": "12:00"}).startswith("at: unknown field")
    assert EndRequest.model_validate({}) == EndRequest()


def test_an_update_of_mediapackage_keeps_the_policy() -> None:
    made = with_policy(policy="preferred", input=2, holdDownSeconds=7)
    changed = resources.changed_origin_endpoint(
        made, UpdateOriginEndpointRequest.model_validate({"timeDelaySeconds": 9})
    )
    assert changed == replace(made, time_delay_seconds=9)
    assert codec.decode(codec.encode(changed)) == changed


def test_mediapackage_is_shown_nothing_of_the_policy() -> None:
    described = [RENDERER.origin_endpoint(one).model_dump() for one in (endpoint(), with_policy(policy="off"))]
    assert [set(one) for one in described] == [set(described[0])] * 2
    assert "policy" not in described[0]


def test_the_decision_core_is_told_the_policy() -> None:
    told = configured(with_policy(policy="preferred", input=2, holdDownSeconds=7), revision=3)
    assert (told.policy, told.policy_input, told.hold_down) == (PolicyKind.PREFERRED, 2, from_seconds(7))


async def test_a_refused_order_is_a_conflict_with_a_code() -> None:
    app = FastAPI()

    @app.post("/order")
    async def order() -> None:
        raise SwitchoverRefused(Refusal.NOT_SEAMLESS, "news: no")

    add_error_handlers(app)
    app.add_middleware(WireRules)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://controller") as client:
        answer = await client.post("/order")
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (409, "ConflictException")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"message": "news: no", "code": "not_seamless"}
