"""What holds for every request, whatever the operation. The application is called directly; no bus is reached."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from understudy_controller.api.errors import add_error_handlers
from understudy_controller.api.wire import BODY_BYTES_MAX, WireRules
from understudy_controller.app import create_app
from understudy_controller.settings import ControllerSettings


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Of an application that echoes one field, and fails on request."""
    app = FastAPI()

    @app.post("/echo")
    async def echo(body: dict[str, str]) -> dict[str, str]:
        return body

    @app.get("/fail")
    async def fail() -> None:
        raise ZeroDivisionError("a secret")

    add_error_handlers(app)
    app.add_middleware(WireRules)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://controller") as one:
        yield one


async def test_a_fault_of_ours_is_a_typed_500_that_gives_nothing_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/fail")
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (500, "InternalServerErrorException")
    assert answer.json() == {"message": "internal error in GET /fail"}


async def test_every_answer_has_a_request_id_of_its_own(client: httpx.AsyncClient) -> None:
    ids = {(await client.post("/echo", json={})).headers["x-amzn-requestid"] for _ in range(3)}
    assert len(ids) == 3


async def test_a_body_that_does_not_end_is_read_no_further_than_the_limit(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * BODY_BYTES_MAX:
            sent += 65_536
            yield b" " * 65_536

    answer = await client.post("/echo", content=endless())
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (422, "UnprocessableEntityException")
    assert sent <= BODY_BYTES_MAX + 65_536


async def test_a_body_is_json_whatever_it_calls_itself(client: httpx.AsyncClient) -> None:
    for content_type in ("application/x-www-form-urlencoded", "text/plain", ""):
        answer = await client.post("/echo", content=b'{"a": "b"}', headers={"content-type": content_type})
        assert answer.json() == {"a": "b"}


def test_every_operation_of_the_api_is_described() -> None:
    described = create_app(ControllerSettings(), keys=None).openapi()
    names = {operation["summary"] for path in described["paths"].values() for operation in path.values()}
    assert len(names) == 31


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ingest_public_url", "ingest.example:7071"),
        ("ingest_public_url", "https://ingest.example/?a=b"),
        ("egress_public_url", "https://"),
        ("account_id", "1234"),
        ("region", "eu west"),
        ("start_wait_seconds", "-1"),
    ],
)
def test_a_setting_that_would_make_wrong_answers_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"UNDERSTUDY_{name.upper()}", value)
    with pytest.raises(ValidationError, match=name):
        ControllerSettings()
