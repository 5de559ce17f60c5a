"""A message as it comes over the connection to NATS, for who takes it without the library's queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

_STATUS_PREFIX: Final = b"NATS/1.0 "
_STATUS_LENGTH: Final = 3


class Received(NamedTuple):
    """A message as it came over the connection."""

    subject: bytes
    reply: bytes
    payload: bytes
    header_block: bytes | None

    @property
    def status(self) -> bytes | None:
        """``100`` for what the server says of itself, ``503`` where nobody answers; None: somebody's message."""
        block = self.header_block
        if block is None or not block.startswith(_STATUS_PREFIX):
            return None
        return block[len(_STATUS_PREFIX) : len(_STATUS_PREFIX) + _STATUS_LENGTH]


Deliver = Callable[[Received], None]
