"""Failures as MediaPackage's clients read them."""

from __future__ import annotations

import json

import botocore.session
import pytest

from understudy_controller.api.errors import ERROR_TYPES, error_response


@pytest.mark.parametrize(
    ("status", "answered"),
    [
        *[(400, 422), (401, 403), (403, 403), (404, 404), (405, 404), (409, 422), (413, 422), (418, 422), (422, 422)],
        *[(429, 429), (500, 500), (501, 500), (502, 503), (503, 503), (504, 503)],
    ],
)
def test_every_status_becomes_one_that_the_service_model_knows(status: int, answered: int) -> None:
    response = error_response(status, "why")
    assert response.status_code == answered
    assert response.headers["x-amzn-errortype"] == ERROR_TYPES[answered]
    assert json.loads(bytes(response.body)) == {"message": "why"}


def test_the_types_are_the_service_models_own() -> None:
    shapes = botocore.session.Session().get_service_model("mediapackage").error_shapes
    assert {shape.metadata["error"]["httpStatusCode"]: shape.name for shape in shapes} == ERROR_TYPES


def test_a_message_may_quote_what_is_not_text() -> None:
    assert json.loads(bytes(error_response(422, "\ud800: unknown field").body))["message"].startswith("\ud800")


def test_a_client_is_told_when_to_try_again() -> None:
    assert "retry-after" in error_response(503, "later").headers
    assert "retry-after" not in error_response(404, "no").headers
