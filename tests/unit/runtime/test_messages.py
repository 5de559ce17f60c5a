"""What NATS says about a stored message, parsed."""

from __future__ import annotations

import pytest

from understudy_domain import ticks
from understudy_runtime.messages import instant_of_rfc3339, parse_header_block, parse_reply


@pytest.mark.parametrize(
    "reply",
    [
        "$JS.ACK.ARRIVALS.aBc.1.17.3.1795323600123456789.5",
        "$JS.ACK.domain.accounthash.ARRIVALS.aBc.1.17.3.1795323600123456789.5",
        "$JS.ACK.domain.accounthash.ARRIVALS.aBc.1.17.3.1795323600123456789.5.random",
    ],
)
def test_both_forms_of_a_delivered_messages_reply_subject_are_read(reply: str) -> None:
    assert parse_reply(reply.encode()) == (17, 3, 1795323600123456789, 5)


@pytest.mark.parametrize("reply", ["", "_INBOX.abc.def", "$JS.ACK.ARRIVALS.aBc.1.17.3"])
def test_another_reply_subject_is_refused(reply: str) -> None:
    with pytest.raises(ValueError, match="not the reply subject"):
        parse_reply(reply.encode())


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("2026-11-23T05:00:00.123456789Z", 1795410000123456789),
        ("2026-11-23T05:00:00.1Z", 1795410000100000000),
        ("2026-11-23T05:00:00Z", 1795410000000000000),
        ("2026-11-23T07:30:00.000000001+02:30", 1795410000000000001),
    ],
)
def test_an_instant_is_exact_to_the_nanosecond_before_it_becomes_ticks(text: str, nanoseconds: int) -> None:
    assert instant_of_rfc3339(text) == ticks.from_nanoseconds(nanoseconds)


def test_stored_headers_are_read() -> None:
    block = b"NATS/1.0\r\nNats-Msg-Id: a:b\r\nKV-Operation:DEL\r\n\r\n"
    assert parse_header_block(block) == {"Nats-Msg-Id": "a:b", "KV-Operation": "DEL"}
