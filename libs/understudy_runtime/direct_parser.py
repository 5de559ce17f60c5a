"""NATS's protocol as it is read in bulk: whole messages for direct readers are cut out of what has come in one go.

The library's own parser matches up to six patterns for each message, and moves what is behind it in its buffer twice.
Here that is left for what is none of a direct reader's messages, and for one that is not all there yet.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from nats.errors import ProtocolError
from nats.protocol.parser import AWAITING_MSG_PAYLOAD, CRLF_SIZE, Parser
from typing_extensions import override

from understudy_runtime.received import Deliver, Received

if TYPE_CHECKING:
    from nats.aio.client import Client

_END_OF_LINE: Final = b"\r\n"
_MESSAGE_WITH_HEADERS: Final = b"HMSG"
_MESSAGES: Final = (b"MSG", _MESSAGE_WITH_HEADERS)
_WORDS: Final = 4
"""Of a line that announces a message without headers and without a subject to reply to."""

OnRead = Callable[[int, int], Awaitable[None]]


class DirectParser(Parser):
    """The library's, with a short way for messages of ``directly``: by subscription, who takes them."""

    def __init__(self, nc: Client, directly: Mapping[int, Deliver], on_read: OnRead) -> None:
        """``on_read`` is awaited whenever something has been read, with its bytes and how many messages it ended."""
        self._resets = 0
        self._on_read = on_read
        super().__init__(nc)
        self._directly = directly

    @override
    def reset(self) -> None:
        """Forget what has come: another connection begins."""
        self._resets += 1
        super().reset()

    @override
    async def parse(self, data: bytes = b"") -> None:
        """Take in what has come over the connection.

        Raises:
            ProtocolError: it is not NATS's protocol.
        """
        before = self.nc.stats["in_msgs"]
        await self._take_in(data)
        await self._on_read(len(data), self.nc.stats["in_msgs"] - before)

    async def _take_in(self, data: bytes) -> None:
        if self.state == AWAITING_MSG_PAYLOAD:
            missing = self.needed + CRLF_SIZE - len(self.buf)
            await super().parse(data[:missing])
            data = data[missing:]
        elif self.buf:  # the beginning of a line
            data = bytes(self.buf) + data
            self.buf.clear()
        at, length, resets = 0, len(data), self._resets
        while at < length and resets == self._resets:
            end = data.find(_END_OF_LINE, at)
            begin = stop = end + CRLF_SIZE
            deliver = None
            words = data[at:end].split()
            if end >= 0 and words and words[0] in _MESSAGES:
                try:
                    stop = begin + int(words[-1]) + CRLF_SIZE
                    deliver = self._directly.get(int(words[2]))
                except (ValueError, IndexError) as err:
                    raise ProtocolError("nats: malformed MSG") from err
            if end < 0 or stop > length:
                await super().parse(data[at:])  # it keeps what is not all there
                return
            if deliver is None:
                await super().parse(data[at:stop])
            else:
                deliver(self._received(words, data, begin, stop - CRLF_SIZE))
            at = stop

    def _received(self, words: list[bytes], data: bytes, begin: int, end: int) -> Received:
        """The message that a line of these words announces, and that lies between two places of the data."""
        headers, count = None, len(words)
        if words[0] == _MESSAGE_WITH_HEADERS:
            body, count = begin + int(words[-2]), count - 1
            headers, begin = data[begin:body], body
        stats = self.nc.stats
        stats["in_msgs"] += 1
        stats["in_bytes"] += end - begin
        return Received(words[1], words[3] if count > _WORDS else b"", data[begin:end], headers)
