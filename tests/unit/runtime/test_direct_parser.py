"""Whatever way the bytes come in, direct readers are given what the library's own parser would have given them."""

from __future__ import annotations

import pytest
from nats.errors import ProtocolError
from nats.protocol.parser import Parser
from typing_extensions import override

from understudy_runtime.client import DirectClient
from understudy_runtime.received import Received

_DIRECT, _OTHER = 7, 8
_HEADERS = b"NATS/1.0\r\nNats-Msg-Id: one\r\n\r\n"
_STATUS = b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 4\r\n\r\n"


def _frame(sid: int, payload: bytes, *, headers: bytes = b"", reply: bytes = b"") -> bytes:
    words = [b"HMSG" if headers else b"MSG", b"arrivals.1.guid.1", str(sid).encode()]
    words += [reply] if reply else []
    words += [str(len(headers)).encode()] if headers else []
    words.append(str(len(headers) + len(payload)).encode())
    return b" ".join(words) + b"\r\n" + headers + payload + b"\r\n"


_STREAM = b"".join(
    (
        b'INFO {"server_id":"one"}\r\n',
        b"+OK\r\n",
        _frame(_DIRECT, b"first", headers=_HEADERS, reply=b"$JS.ACK.ARRIVALS.c.1.1.1.1.0"),
        b"PING\r\n",
        _frame(_OTHER, b"for somebody else\r\nMSG arrivals 7 2\r\n", headers=_HEADERS),
        _frame(_DIRECT, b"", reply=b"reply"),
        _frame(_DIRECT, b"without a reply"),
        _frame(_DIRECT, b"", headers=_STATUS),
        _frame(_OTHER, b"again"),
        _frame(_DIRECT, b"MSG arrivals 7 5\r\nabcde\r\n" * 20, headers=_HEADERS),
        b"PONG\r\n",
        _frame(_DIRECT, b"last", headers=_HEADERS, reply=b"reply"),
    )
)


class _Client(DirectClient):
    """Notes what is not delivered directly instead of doing it."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[object] = []
        self._directly[_DIRECT] = self.told.append

    @override
    async def _process_info(self, info: dict[str, object], initial_connection: bool = False) -> None:
        self.told.append(info)

    @override
    async def _process_ping(self) -> None:
        self.told.append("ping")

    @override
    async def _process_pong(self) -> None:
        self.told.append("pong")

    @override
    async def _process_err(self, err_msg: str) -> None:
        self.told.append(err_msg)
        self._ps.reset()

    @override
    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        if sid == _DIRECT:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            self.told.append((sid, bytes(subject), bytes(reply), data, headers))


async def _told(stream: bytes, *, size: int, own: bool = True) -> list[object]:
    client = _Client()
    if not own:
        client._ps = Parser(client)
    for at in range(0, len(stream), size):
        await client._ps.parse(stream[at : at + size])
    return client.told


async def test_messages_come_as_the_library_would_have_given_them_however_they_are_cut() -> None:
    expected = await _told(_STREAM, size=len(_STREAM), own=False)
    assert sum(isinstance(one, Received) for one in expected) == 6
    for size in range(1, len(_STREAM) + 1):
        assert await _told(_STREAM, size=size) == expected, size


async def test_what_came_behind_the_end_of_a_connection_is_not_mixed_with_the_next_one() -> None:
    client = _Client()
    await client._ps.parse(b"-ERR 'Stale Connection'\r\nMSG arrivals.1.guid.1 7 10\r\nabc")
    await client._ps.parse(_frame(_DIRECT, b"new"))
    assert client.told == ["'stale connection'", Received(b"arrivals.1.guid.1", b"", b"new", None)]


@pytest.mark.parametrize(
    "line", [b"MSG one\r\n", b"HMSG one two three 4\r\n", b"MSG one 7 five\r\nabcde\r\n", b"HELLO\r\n"]
)
async def test_what_is_no_protocol_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        await _told(line, size=len(line))
