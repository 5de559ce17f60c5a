"""Access logs: one JSON object a line for each request, with the fields of MediaPackage's ingress and egress logs.

Written for channels that ask for it. Header fields that carry credentials are never looked at, and of a request's URL
what stands behind the question mark is left out: that is where tokens are.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from understudy_domain import ticks
from understudy_runtime import clock
from understudy_runtime.client_address import TrustedProxies, parse_address
from understudy_runtime.line_writer import LineWriter
from understudy_runtime.metrics import Message, Scope, Send

ABSENT: Final = "-"
"""What MediaPackage writes where there is nothing to say."""

_USER_AGENT_SIZE_MAX: Final = 8_192
_OTHERS_SIZE: Final = 512
_CLIENTS_MAX: Final = 4_096
_text: Final = json.encoder.encode_basestring_ascii
"""A text as JSON."""


@dataclass(frozen=True, slots=True)
class Names:
    """What lines of one endpoint have in common, as JSON text."""

    before: str
    after: str

    @classmethod
    def of(
        cls, *, account: str, channel_id: str, channel_arn: str, endpoint_id: str, endpoint_arn: str = ABSENT
    ) -> Names:
        """The names of an ingest endpoint, which has no ARN, or of an origin endpoint."""
        before = {"account": account, "channelId": channel_id, "channelArn": channel_arn}
        after = {"endpointId": endpoint_id, "endpointArn": endpoint_arn}
        return cls(json.dumps(before)[1:-1], json.dumps(after)[1:-1])


@dataclass(slots=True)
class Exchange:
    """A request and its answer. ``path`` is as requested, without a query."""

    received_at: int
    """Ticks since the epoch."""
    client: str
    processing_seconds: float
    status: int
    received_bytes: int
    sent_bytes: int
    method: str
    path: bytes
    protocol: str
    user_agent: bytes
    host: bytes
    names: Names
    request_id: str | None = None


class AccessLog(Collector):
    """One process's access log. ``start`` before use, ``close`` at the end."""

    def __init__(self, destination: str, *, trusted_proxies: TrustedProxies) -> None:
        """``destination`` as ``LineWriter``'s."""
        self._trusted_proxies = trusted_proxies
        self._own_clients: dict[str | None, str] = {}
        """By peer, those that are no trusted proxies."""
        self._second = -1
        self._second_text = ""
        self._process = secrets.token_hex(8)
        self._requests = itertools.count()
        self._writer = LineWriter(destination, render=self.line)

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    async def close(self) -> None:
        """Write what waits, and end."""
        await asyncio.to_thread(self._writer.close)

    def new_request_id(self) -> str:
        """An id that no other request has."""
        return f"{self._process}{next(self._requests):016x}"

    def add(self, exchange: Exchange) -> None:
        """Have a line written soon."""
        self._writer.put(exchange, size=_OTHERS_SIZE + len(exchange.path) + len(exchange.user_agent))

    def client(self, peer: str | None, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """Who asks, by the rules on trusted proxies."""
        known = self._own_clients.get(peer)
        if known is not None:
            return known
        client = str(self._trusted_proxies.client(peer, headers) or ABSENT)
        address = parse_address(peer or "")
        if address is None or not self._trusted_proxies.trusts(address):
            # Nothing that it writes can make it another client; to read an address takes as long as the rest of a line.
            if len(self._own_clients) >= _CLIENTS_MAX:
                self._own_clients.clear()
            self._own_clients[peer] = client
        return client

    def exchange(self, scope: Scope, names: Names, *, request_id: str | None = None) -> Exchange:
        """A request that has just come, without its answer."""
        user_agent, host = asked_by(scope["headers"])
        return Exchange(
            received_at=clock.now_ticks(),
            client=self.client(scope["client"][0] if scope.get("client") else None, scope["headers"]),
            processing_seconds=0.0,
            status=0,
            received_bytes=0,
            sent_bytes=0,
            method=scope["method"],
            path=scope.get("raw_path") or scope["path"].encode(),
            protocol=f"HTTP/{scope['http_version']}",
            user_agent=user_agent,
            host=host,
            names=names,
            request_id=request_id,
        )

    def line(self, one: Exchange) -> bytes:
        """An exchange as it is written."""
        # By hand: the library's encoder takes four times as long, in which the event loop has no interpreter.
        host = one.host.decode("latin-1") or ABSENT
        return (
            f'{{"timestamp": "{self._timestamp(one.received_at)}", "clientIp": {_text(one.client)}, '
            f'"processingTime": {one.processing_seconds:.6f}, "statusCode": "{one.status}", '
            f'"receivedBytes": {one.received_bytes}, "sentBytes": {one.sent_bytes}, "method": {_text(one.method)}, '
            f'"request": {_text("http://" + host + one.path.decode("latin-1"))}, "protocol": {_text(one.protocol)}, '
            f'"userAgent": {_text(one.user_agent.decode("latin-1") or ABSENT)}, {one.names.before}, '
            f'"domainName": {_text(_without_port(host))}, '
            f'"requestId": {_text(one.request_id or self.new_request_id())}, {one.names.after}}}\n'
        ).encode()

    def _timestamp(self, instant: int) -> str:
        second, rest = divmod(instant, ticks.TICKS_PER_SECOND)
        if second != self._second:
            self._second = second
            self._second_text = ticks.to_iso8601(second * ticks.TICKS_PER_SECOND)[: len("2020-07-13T18:59:56")]
        return f"{self._second_text}.{rest * 1_000 // ticks.TICKS_PER_SECOND:03d}Z"

    @override
    def collect(self) -> Iterator[Metric]:
        """What was written and what was not."""
        yield CounterMetricFamily(
            "understudy_access_log_lines", "Lines of access logs written.", value=self._writer.written_total
        )
        yield CounterMetricFamily(
            "understudy_access_log_dropped_lines",
            "Lines dropped, because their file or pipe is full, slow or away.",
            value=self._writer.dropped_total,
        )


class LoggedSend:
    """An ASGI ``send`` that passes everything on, and adds a line to the log once the answer is complete."""

    def __init__(self, send: Send, *, log: AccessLog, exchange: Exchange) -> None:
        self._send = send
        self._log = log
        self._exchange = exchange
        self._since = clock.monotonic()

    def body_received(self, size: int) -> None:
        """The request's last byte is here: what processing takes is counted from now."""
        self._exchange.received_bytes = size
        self._since = clock.monotonic()

    async def __call__(self, message: Message) -> None:
        """Send."""
        one = self._exchange
        if message["type"] == "http.response.start":
            one.status = message["status"]
            one.processing_seconds = clock.monotonic() - self._since
        else:
            one.sent_bytes += len(message.get("body", b""))
        try:
            await self._send(message)
        finally:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                if one.method == "HEAD":
                    one.sent_bytes = 0
                self._log.add(one)


def asked_by(headers: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """User agent and host of a request, empty where it has none."""
    user_agent = host = b""
    for name, value in headers:
        if name == b"user-agent":
            user_agent = value[:_USER_AGENT_SIZE_MAX]
        elif name == b"host":
            host = value
    return user_agent, host


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdecimal() else host
