"""Requests as they are on the wire, right and wrong, without a client library that would refuse to send them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from support.control_process import Controller
from understudy_controller.api.errors import ERROR_TYPES

NewId = Callable[[], str]


def refused(answer: tuple[int, dict[str, str], bytes], status: int) -> str:
    """The message of an answer that must be a typed refusal of this status."""
    got, headers, body = answer
    assert got == status, (got, body)
    assert headers["x-amzn-errortype"] == ERROR_TYPES[status]
    assert headers["content-type"] == "application/json"
    parsed = json.loads(body)
    assert list(parsed) == ["message"]
    assert parsed["message"]
    return str(parsed["message"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the request needs a body"),
        (b"{", "not JSON"),
        (b"\xff\xfe", ""),
        (b"[]", "request body"),
        (b"null", ""),
        (b"7", "request body"),
        (b'"text"', "request body"),
        (b'{"id": NaN}', "id"),
        (b'{"id": "a", "id": 1}', "id"),
        (b'{"id": "\\ud800"}', "id"),
        (b'{"\\ud800": 1, "id": "a"}', "unicode"),
        (b'{"id": "a\\u0000"}', "id"),
        (b"[" * 200_000, ""),
        (b'{"id": ' + b"1" * 5_000 + b"}", ""),
        (b'{"id": 1e999}', "id"),
        (b'{"id": "a", "description": "' + b"x" * 300_000 + b'"}', "at most"),
    ],
)
def test_a_body_that_is_no_request_is_refused(controller: Controller, body: bytes, said: str) -> None:
    assert said in refused(controller.request("POST", "/channels", body), 422)


def test_an_endless_body_is_refused_before_it_ends(controller: Controller) -> None:
    assert "at most" in refused(controller.request("PUT", "/channels/x", b" " * 2_000_000), 422)


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-amz-json-1.1", "nonsense", "multipart/form-data"]
)
def test_a_body_is_json_whatever_it_calls_itself(
    controller: Controller, new_id: NewId, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    channel_id = new_id()
    status, _, body = controller.request("POST", "/channels", json.dumps({"id": channel_id}).encode(), headers)
    assert (status, json.loads(body)["id"]) == (200, channel_id)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/channels/",
        "/channels/a%2Fb",
        "/channels/%00",
        "/channels/a%20b",
        "/channels/%FF",
        "/channels/..%2f..%2fetc",
        "/channels/" + "x" * 4_000,
        "/origin_endpoints/%E2%80%A6",
        "/tags/",
        "/tags/%2F%2F",
        "/tags/arn%3Aaws",
        "/docs",
    ],
)
def test_a_path_that_names_nothing_is_not_found(controller: Controller, path: str) -> None:
    refused(controller.request("GET", path), 404)


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/channels"), ("POST", "/channels/x"), ("PUT", "/tags/x")])
def test_a_method_that_no_operation_has_is_not_found(controller: Controller, method: str, path: str) -> None:
    assert f"{method} {path}" in refused(controller.request(method, path, b"{}"), 404)


@pytest.mark.parametrize("query", ["maxResults=0", "maxResults=1001", "maxResults=x", "maxResults=", "maxResults=1.5"])
@pytest.mark.parametrize("path", ["/channels", "/origin_endpoints"])
def test_a_page_length_outside_the_range_is_refused(controller: Controller, path: str, query: str) -> None:
    assert "maxResults" in refused(controller.request("GET", f"{path}?{query}"), 422)


def test_rotations_need_no_body(controller: Controller, new_id: NewId) -> None:
    channel_id = new_id()
    controller.json("POST", "/channels", {"id": channel_id})
    assert controller.request("PUT", f"/channels/{channel_id}/credentials")[0] == 200
    refused(controller.request("PUT", "/channels/nobody/credentials"), 404)


def test_an_answer_is_json_with_a_request_id_and_is_not_kept(controller: Controller, new_id: NewId) -> None:
    status, headers, _ = controller.request("POST", "/channels", json.dumps({"id": new_id()}).encode())
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert len(headers["x-amzn-requestid"]) == 32


def test_without_authentication_any_signature_is_accepted(controller: Controller) -> None:
    assert controller.request("GET", "/channels", headers={"Authorization": "AWS4-HMAC-SHA256 nonsense"})[0] == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 409), (b"null", 409), (b"{}", 409), (b"[]", 422), (b"7", 422), (b"{", 422), (b'{"input": 1e999}', 422)],
)
def test_an_order_needs_no_body_and_takes_no_other_than_its_own(
    controller: Controller, new_id: NewId, body: bytes, status: int
) -> None:
    channel_id, endpoint_id = new_id(), new_id()
    controller.json("POST", "/channels", {"id": channel_id})
    controller.json("POST", "/origin_endpoints", {"id": endpoint_id, "channelId": channel_id, "hlsPackage": {}})
    for path in (f"origin_endpoints/{endpoint_id}", f"channels/{channel_id}"):
        got, _, answer = controller.request("POST", f"/understudy/v1/{path}/switchover", body)
        assert (got, json.loads(answer).get("code")) == (status, "nothing_published_yet" if status == 409 else None)


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"[]", b'{"policy": []}', b'{"policy": "off", "input": 2}'])
def test_a_policy_that_is_none_is_refused_and_the_other_kept(
    controller: Controller, new_id: NewId, body: bytes
) -> None:
    channel_id, endpoint_id = new_id(), new_id()
    controller.json("POST", "/channels", {"id": channel_id})
    controller.json("POST", "/origin_endpoints", {"id": endpoint_id, "channelId": channel_id, "hlsPackage": {}})
    path = f"/understudy/v1/origin_endpoints/{endpoint_id}/policy"
    wanted = {"policy": "preferred", "input": 2, "holdDownSeconds": 5}
    assert controller.json("PUT", path, wanted) == (200, wanted)
    assert controller.json("PUT", f"/origin_endpoints/{endpoint_id}", {"timeDelaySeconds": 3})[0] == 200
    refused(controller.request("PUT", path, body), 422)
    assert controller.json("GET", path) == (200, wanted)


def test_tag_keys_must_be_given_to_remove_tags(controller: Controller) -> None:
    assert "tagKeys" in refused(controller.request("DELETE", "/tags/arn%3Aaws"), 422)


def test_health_readiness_and_metrics_answer(controller: Controller) -> None:
    assert controller.request("GET", "/healthz")[0] == 200
    status, _, body = controller.request("GET", "/readyz")
    assert (status, json.loads(body)["checks"]["configuration"]) == (200, "ok")
    controller.request("GET", "/channels/nobody")
    controller.request("GET", "/nobody")
    _, _, text = controller.request("GET", "/metrics")
    counted = [line for line in text.decode().splitlines() if line.startswith("understudy_http_requests_total{")]
    assert any('route="/channels/{channel_id}"' in line and 'status="404"' in line for line in counted)
    assert not any("nobody" in line for line in counted)
    assert "understudy_config_malformed_records_total 0.0" in text.decode()


def test_the_api_describes_itself(controller: Controller) -> None:
    status, described = controller.json("GET", "/understudy/v1/openapi.json")
    assert status == 200
    assert "/origin_endpoints/{endpoint_id}" in described["paths"]
