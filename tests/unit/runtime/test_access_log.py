"""Lines of access logs: MediaPackage's fields, and nothing that is nobody's business."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typing_extensions import override

from understudy_domain import ticks
from understudy_runtime.access_log import AccessLog, Exchange, LoggedSend, Names
from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.metrics import Message

NAMES = Names.of(
    account="111122223333",
    channel_id="my_channel",
    channel_arn="arn:c",
    endpoint_id="my_endpoint",
    endpoint_arn="arn:e",
)
FIELDS = {
    **dict.fromkeys(("timestamp", "clientIp", "statusCode", "method", "request", "protocol", "userAgent"), str),
    **dict.fromkeys(
        ("account", "channelId", "channelArn", "domainName", "requestId", "endpointId", "endpointArn"), str
    ),
    **dict.fromkeys(("receivedBytes", "sentBytes"), int),
    "processingTime": float,
}


class _KeptLog(AccessLog):
    def __init__(self) -> None:
        super().__init__("stdout", trusted_proxies=TrustedProxies(["10.0.0.0/8"]))
        self.lines: list[dict[str, Any]] = []

    @override
    def add(self, exchange: Exchange) -> None:
        self.lines.append(json.loads(self.line(exchange)))


@pytest.fixture
def log() -> _KeptLog:
    return _KeptLog()


def _scope(**fields: object) -> dict[str, Any]:
    return {
        "method": "GET",
        "path": "/out/v1/a b",
        "raw_path": b"/out/v1/a%20b",
        "query_string": b"token=secret",
        "http_version": "1.1",
        "client": ("10.1.1.1", 4711),
        "headers": [
            (b"host", b"origin.example:8080"),
            (b"user-agent", b'player/1.0 \xff"quoted"'),
            (b"authorization", b'Digest username="u", response="r"'),
            (b"x-forwarded-for", b"203.0.113.9"),
        ],
        **fields,
    }


async def _exchange(log: _KeptLog, *messages: Message, received: int = 0, **fields: object) -> list[Message]:
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    send = LoggedSend(keep, log=log, exchange=log.exchange(_scope(**fields), NAMES, request_id="r-1"))
    send.body_received(received)
    for message in messages:
        await send(message)
    return sent


def _answer(status: int, *bodies: bytes) -> list[Message]:
    start = {"type": "http.response.start", "status": status, "headers": []}
    more = [{"type": "http.response.body", "body": body, "more_body": True} for body in bodies[:-1]]
    return [start, *more, {"type": "http.response.body", "body": bodies[-1]}]


async def test_a_line_has_exactly_mediapackages_fields_in_its_types(log: _KeptLog) -> None:
    sent = await _exchange(log, *_answer(200, b"one", b"more"), received=468)
    (line,) = log.lines
    assert {name: type(value) for name, value in line.items()} == FIELDS
    assert len(sent) == 3
    assert (line["statusCode"], line["receivedBytes"], line["sentBytes"], line["method"]) == ("200", 468, 7, "GET")
    assert line["request"] == "http://origin.example:8080/out/v1/a%20b"
    assert (line["protocol"], line["domainName"], line["clientIp"]) == ("HTTP/1.1", "origin.example", "203.0.113.9")
    assert line["userAgent"] == 'player/1.0 \xff"quoted"'
    assert (line["account"], line["channelId"], line["channelArn"]) == ("111122223333", "my_channel", "arn:c")
    assert (line["requestId"], line["endpointId"], line["endpointArn"]) == ("r-1", "my_endpoint", "arn:e")
    assert 0 <= line["processingTime"] < 5


async def test_neither_query_nor_credentials_are_in_it(log: _KeptLog) -> None:
    await _exchange(log, *_answer(401, b""))
    text = json.dumps(log.lines)
    assert "secret" not in text
    assert "Digest" not in text


async def test_what_a_client_does_not_say_is_a_dash(log: _KeptLog) -> None:
    await _exchange(log, *_answer(404, b""), headers=[], client=None)
    (line,) = log.lines
    assert (line["userAgent"], line["domainName"], line["clientIp"]) == ("-", "-", "-")


async def test_each_request_through_a_proxy_has_its_own_client_and_nobody_else_can_choose_one(log: _KeptLog) -> None:
    for peer, forwarded in (("10.1.1.1", "203.0.113.9"), ("10.1.1.1", "203.0.113.8"), ("198.51.100.1", "203.0.113.7")):
        for _ in range(2):
            headers = [(b"x-forwarded-for", forwarded.encode())]
            await _exchange(log, *_answer(200, b""), client=(peer, 1), headers=headers)
    clients = [line["clientIp"] for line in log.lines]
    assert clients == ["203.0.113.9"] * 2 + ["203.0.113.8"] * 2 + ["198.51.100.1"] * 2


async def test_the_answer_to_head_has_no_body(log: _KeptLog) -> None:
    await _exchange(log, *_answer(200, b"not sent"), method="HEAD")
    assert log.lines[0]["sentBytes"] == 0


async def test_every_request_has_an_id_of_its_own(log: _KeptLog) -> None:
    ids = {log.new_request_id() for _ in range(100)} | {_KeptLog().new_request_id()}
    assert len(ids) == 101


def test_a_line_is_one_line_whatever_a_client_sends(log: _KeptLog) -> None:
    exchange = Exchange(
        received_at=ticks.from_seconds(1_594_666_796.293),
        client="192.0.2.1",
        processing_seconds=0.4451234567,
        status=200,
        received_bytes=0,
        sent_bytes=1,
        method="GET",
        path=b"/%0a",
        protocol="HTTP/1.1",
        user_agent="a\u2028\n".encode(),
        host=b"[::1]:7072",
        names=NAMES,
    )
    text = log.line(exchange)
    assert text.count(b"\n") == 1
    assert text.isascii()
    line = json.loads(text)
    assert line["timestamp"] == "2020-07-13T18:59:56.293Z"
    assert line["processingTime"] == 0.445123
    assert line["domainName"] == "[::1]"
    assert len(line["requestId"]) == 32
