"""A stored message of a log, and the parsing of what NATS says about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from understudy_domain import ticks

_NANOSECONDS_PER_SECOND = 1_000_000_000


class StoredMessage(NamedTuple):
    """One message of a log. A named tuple because a hundred thousand a second are made of it."""

    subject: str
    sequence: int
    """Of the stream."""
    instant: int
    """When the stream stored it, ticks since the epoch, from nanoseconds: the same for every reader."""
    payload: bytes
    pending: int
    """How many further messages the log held behind it when it was sent; 0: the reader has caught up."""
    header_block: bytes | None = None
    """Its NATS headers as stored; few readers look at them."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its NATS headers by name; empty where it has none."""
        return parse_header_block(self.header_block) if self.header_block else {}


Delivery = tuple[int, int, int, int]
"""What the reply subject of a delivered message says: the stream's sequence, the consumer's, when it was stored in
nanoseconds, how many are pending. A plain tuple, for to name its parts would take as long as to read them."""


def parse_reply(reply: bytes) -> Delivery:
    """The numbers in a delivered message's reply subject.

    ``$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>``, or the longer form with
    ``<domain>.<account>`` after ``ACK`` and possibly a token at the end.

    Raises:
        ValueError: it is none.
    """
    tokens = reply.split(b".")
    at = 5 if len(tokens) == 9 else 7
    if len(tokens) < at + 4 or tokens[1] != b"ACK":
        raise ValueError(f"not the reply subject of a delivered message: {reply!r}")
    return int(tokens[at]), int(tokens[at + 1]), int(tokens[at + 2]), int(tokens[at + 3])


def instant_of_rfc3339(text: str) -> int:
    """An RFC 3339 instant with up to nine decimals to ticks, from whole nanoseconds like every other message's.

    Raises:
        ValueError: it is none.
    """
    text = text.replace("Z", "+00:00")
    date_and_time, offset = text[:-6], text[-6:]
    whole, _, decimals = date_and_time.partition(".")
    seconds = int(datetime.fromisoformat(whole + offset).astimezone(UTC).timestamp())
    return ticks.from_nanoseconds(seconds * _NANOSECONDS_PER_SECOND + int(decimals[:9].ljust(9, "0")))


def parse_header_block(block: bytes) -> dict[str, str]:
    """NATS headers as stored: a version line, then ``Name: value`` lines."""
    headers = {}
    for line in block.decode(errors="replace").split("\r\n")[1:]:
        name, separator, value = line.partition(":")
        if separator:
            headers[name.strip()] = value.strip()
    return headers
